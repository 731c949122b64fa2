"""A fresh process that loads a package and measures rounds: `python -m ufvideo_sdk.bench.worker`.

It reads one JSON object, the job, on standard input, and writes JSON lines: what loading took, each
round, and what it held. What anything else prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Everything that a user's first line imports, before the clock below is read.
from ufvideo_sdk import LoadStats, RuntimeConfig, UFVideo, UFVideoError

_IMPORTED_S = time.monotonic()

from ufvideo_sdk.bench.process_memory import memory_bytes  # noqa: E402
from ufvideo_sdk.bench.reference import reference_ms  # noqa: E402
from ufvideo_sdk.bench.workload import Round, Workload, run_round  # noqa: E402

Emit = Callable[[Mapping[str, Any]], None]


def drop_from_page_cache(folder: Path) -> None:
    """Ask the system to forget the package's files, so that the next read comes from the disk.

    It needs no rights. A file that another process has mapped stays.
    """
    for path in folder.iterdir():
        # What is missing or cannot be read is for the loading to say.
        with suppress(OSError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def work(job: Mapping[str, Any], emit: Emit) -> None:
    """Do the job.

    Raises:
        UFVideoError: As `UFVideo.load` and the session's methods.
    """
    runtime = RuntimeConfig(**_runtime(job["runtime"]))
    package = job["package"]
    if job["drop_page_cache"]:
        drop_from_page_cache(Path(package))
    begin = time.perf_counter()
    model = UFVideo.load(package, runtime=runtime)
    cold_ms = 1e3 * (time.perf_counter() - begin)
    cold = model.load_stats
    del model  # Not held beside the next one.
    begin = time.perf_counter()
    model = UFVideo.load(package, runtime=runtime)
    warm_ms = 1e3 * (time.perf_counter() - begin)
    emit(
        {
            "event": "loaded",
            "imported_s": _IMPORTED_S,
            "samples": _load_samples(cold_ms, cold, warm_ms, model.load_stats),
            "stage_providers": {
                stem: list(providers.used) for stem, providers in model.stage_providers.items()
            },
            "manifest_sha256": model.manifest_sha256,
            "model": model.manifest.model.name,
        }
    )
    _rounds(job, model, emit)


def _runtime(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of JSON as the tuples that RuntimeConfig has."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }


def _load_samples(
    cold_ms: float, cold: LoadStats, warm_ms: float, warm: LoadStats
) -> dict[str, list[float]]:
    samples = {"load_cold_ms": [cold_ms], "load_warm_ms": [warm_ms]}
    for name, stats in (("cold", cold), ("warm", warm)):
        for phase, ms in stats.phases_ms.items():
            samples[f"load_{name}_{phase}_ms"] = [ms]
    return samples


def _rounds(job: Mapping[str, Any], model: UFVideo, emit: Emit) -> None:
    workload = Workload(**{**job["workload"], "batch": tuple(job["workload"]["batch"])})
    source = job["source"]
    # Beside the rounds: how fast the machine itself is.
    references = [reference_ms()]
    emit(_round_event(run_round(model, source, workload), is_first=True))
    end_s = time.monotonic() + job["duration_s"]
    number = 0
    while number < job["num_rounds"] or time.monotonic() < end_s:
        emit(_round_event(run_round(model, source, workload), is_first=False))
        number += 1
    references.append(reference_ms())
    use = model.memory_use()
    samples = {f"peak_{kind}_bytes": [count] for kind, count in use.peak_bytes_by_kind.items()}
    emit(
        {
            "event": "ended",
            "samples": samples | {"peak_sessions_bytes": [use.peak_bytes]},
            "reference_ms": references,
            "peak_bytes": memory_bytes("VmHWM"),
        }
    )


def _round_event(measured: Round, *, is_first: bool) -> dict[str, Any]:
    return {"event": "round", "is_first": is_first, **asdict(measured)}


def main() -> int:
    """Answer one job; 1 if it failed, with the error's class and message as the last line."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: Mapping[str, Any]) -> None:
        output.write(json.dumps(event) + "\n")
        output.flush()

    job = json.loads(sys.stdin.readline())
    try:
        work(job, emit)
    except UFVideoError as error:
        emit({"event": "failed", "error": type(error).__name__, "message": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
