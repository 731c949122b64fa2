"""A fresh process that loads a package and measures rounds: `python -m ufvideo_sdk.bench.worker`.

It reads one JSON object, the job, from standard input, and writes JSON lines: the times of loading,
each round, and its memory. What other code prints goes to standard error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Everything that a user's first line imports, before the clock below is read.
from ufvideo_sdk import LoadStats, RuntimeConfig, UFVideo, UFVideoError

_IMPORTED_S = time.monotonic()

from ufvideo_sdk.bench.child_process import Emit, open_output, read_told  # noqa: E402
from ufvideo_sdk.bench.measured_round import Round  # noqa: E402
from ufvideo_sdk.bench.process_memory import memory_bytes  # noqa: E402
from ufvideo_sdk.bench.reference import reference_ms  # noqa: E402
from ufvideo_sdk.bench.workload import Workload, run_round  # noqa: E402


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
    del model  # Its memory is free before the next one is loaded.
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
    held: list[int] = []
    end_s = time.monotonic() + job["duration_s"]
    while len(held) < job["num_rounds"] or time.monotonic() < end_s:
        measured = run_round(model, source, workload)
        held.append(memory_bytes("VmRSS"))
        measured.add("resident_memory_bytes", held[-1])
        emit(_round_event(measured, is_first=False))
    references.append(reference_ms())
    use = model.memory_use()
    samples = {f"peak_{kind}_bytes": [count] for kind, count in use.peak_bytes_by_kind.items()}
    emit(
        {
            "event": "ended",
            "samples": samples
            | {
                "peak_sessions_bytes": [use.peak_bytes],
                "memory_growth_bytes": [held[-1] - held[0]],
            },
            "reference_ms": references,
            "peak_bytes": memory_bytes("VmHWM"),
        }
    )


def _round_event(measured: Round, *, is_first: bool) -> dict[str, Any]:
    return {"event": "round", "is_first": is_first, **asdict(measured)}


def main() -> int:
    """Answer one job; 1 if it failed, with the error's class and message as the last line."""
    emit = open_output()
    try:
        work(read_told(), emit)
    except UFVideoError as error:
        emit({"event": "failed", "error": type(error).__name__, "message": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
