"""Run the processes of a measurement, and make one document of their records."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
import platform
import secrets
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ufvideo_sdk import ConfigError, InputError, RuntimeConfig, demo_clip
from ufvideo_sdk.bench.energy import EnergyReaders, find_energy_readers
from ufvideo_sdk.bench.machine import busy_seconds, machine_description, machine_state
from ufvideo_sdk.bench.nvml import Nvml, open_nvml
from ufvideo_sdk.bench.result import SCHEMA_NAME, SCHEMA_VERSION, BenchResult
from ufvideo_sdk.bench.sampler import Sampler
from ufvideo_sdk.bench.worker_process import Record, run_worker
from ufvideo_sdk.bench.workload import Workload
from ufvideo_sdk.package.hub_package import fetch_package
from ufvideo_sdk.package.shipped_package import shipped_package

_CPU = ("cpu",)
ProgressCallback = Callable[[int, int], object]
_VERSIONS = ("ufvideo-sdk", "numpy", "av", "tokenizers", "onnxruntime", "onnxruntime-gpu")


@dataclass(frozen=True)
class BenchConfig:
    """How to measure.

    Attributes:
        num_processes: Fresh processes for each list of providers.
        num_rounds: Rounds of each process that count; one more before them does not.
        duration_s: Seconds that one process goes on for, in place of several processes; the first
            minute is then compared with the last. None: several processes.
        providers: Lists of execution providers, each in order of preference; each list is measured
            by itself.
        num_threads: Threads inside an operator; None: all cores.
        idle_s: Seconds for which the machine idles first, to measure its idle power. None: 2 if a
            rail can be read, else 0.
        workload: What is asked.

    Raises:
        ConfigError: When a number is out of its range, or there are no providers.
    """

    num_processes: int = 10
    num_rounds: int = 10
    duration_s: float | None = None
    providers: tuple[tuple[str, ...], ...] = (_CPU,)
    num_threads: int | None = None
    idle_s: float | None = None
    workload: Workload = field(default_factory=Workload)

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("num_processes", "num_rounds"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{name}: expected 1 or more, got {value!r}")
        if self.duration_s is not None and not _is_positive(self.duration_s):
            raise ConfigError(f"duration_s: expected more than 0, got {self.duration_s!r}")
        if self.idle_s is not None and self.idle_s != 0 and not _is_positive(self.idle_s):
            raise ConfigError(f"idle_s: expected 0 or more, got {self.idle_s!r}")
        if not self.providers or not all(self.providers):
            raise ConfigError("providers: expected one list of one provider or more, got none")


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value > 0


@dataclass(frozen=True)
class Side:
    """One package under measurement."""

    package: Path
    source: Path
    is_built_in: bool


def measure(
    package: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
    *,
    config: BenchConfig | None = None,
    on_progress: ProgressCallback | None = None,
) -> BenchResult:
    """Measure a package in fresh processes.

    Args:
        package: The package's folder, or the text "hf:USER/NAME" or "hf:USER/NAME@REVISION", whose
            files are downloaded from the Hugging Face Hub unless the cache has them; None: nano,
            which ships with the SDK.
        source: A video, an image or a folder of frames; None: the clip that ships with the SDK.
        config: How to measure.
        on_progress: Called with the number of processes that have ended and of all.

    Raises:
        InputError: When the package or the source is not there. Others as `UFVideo.load`,
            `UFVideo.open` and the session's methods.
        ConfigError: When the settings cannot be used, or a repository is named and huggingface_hub
            is not installed.
        PackageError: When a repository cannot be read or holds no package.
    """
    side = _side(package, source)
    (result,) = _measured([side], config or BenchConfig(), on_progress)
    return result


def measure_pair(
    package: str | os.PathLike[str] | None,
    other: str | os.PathLike[str] | None,
    source: str | os.PathLike[str] | None = None,
    *,
    config: BenchConfig | None = None,
    on_progress: ProgressCallback | None = None,
) -> tuple[BenchResult, BenchResult]:
    """Measure two packages in turn, process by process, so that both see the same machine.

    What drifts meanwhile, as a temperature or a neighbour on the same host, meets both alike, and
    `compare` takes the two processes of a turn together. Arguments and errors are those of
    `measure`.
    """
    config = config or BenchConfig()
    if config.duration_s is not None:
        raise ConfigError("duration_s: expected None for two packages in turn, got a number")
    sides = [_side(package, source), _side(other, source)]
    first, second = _measured(sides, config, on_progress)
    return first, second


def _side(package: str | os.PathLike[str] | None, source: str | os.PathLike[str] | None) -> Side:
    folder = _folder(package)
    if not folder.is_dir():
        raise InputError(f"package: expected a folder, found none at {folder}")
    path = demo_clip() if source is None else Path(source)
    if not path.exists():
        raise InputError(f"source: expected a file or a folder, found nothing at {path}")
    return Side(folder.absolute(), path.absolute(), source is None)


def _folder(package: str | os.PathLike[str] | None) -> Path:
    if package is None:
        return shipped_package()
    if isinstance(package, str) and package.startswith("hf:"):
        return fetch_package(package).folder
    return Path(package)


def _measured(
    sides: Sequence[Side], config: BenchConfig, on_progress: ProgressCallback | None
) -> list[BenchResult]:
    nvml = open_nvml()
    readers = find_energy_readers(nvml=nvml)
    before = machine_state()
    sampler = Sampler(readers.readers, nvml)
    with sampler:
        idle_w = _idle_power(sampler, readers, config)
        busy_before, begin_s = _busy(), time.monotonic()
        records = _records(sides, config, sampler, on_progress)
        during = _during(sampler, busy_before, begin_s)
    for by_providers in records:
        for each in by_providers:
            for record in each:
                _add_energy(record, sampler, idle_w)
    shared = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": _versions(nvml),
        "machine": machine_description(),
        "state": {"before": before, "during": during, "after": machine_state()},
        "energy": {
            "rails": {reader.rail: reader.source for reader in readers.readers},
            "not_measured": readers.not_measured,
            "problems": list(readers.problems),
            "idle_w": idle_w,
        },
        "pair": secrets.token_hex(8) if len(sides) > 1 else None,
    }
    return [
        _result(side, config, shared, by_providers)
        for side, by_providers in zip(sides, records, strict=True)
    ]


def _idle_power(sampler: Sampler, readers: EnergyReaders, config: BenchConfig) -> dict[str, float]:
    idle_s = config.idle_s
    if idle_s is None:
        idle_s = 2.0 if readers.readers else 0.0
    if idle_s == 0:
        return {}
    begin_s = time.monotonic()
    time.sleep(idle_s)
    joules = sampler.joules(begin_s, time.monotonic())
    return {rail: energy / idle_s for rail, energy in joules.items()}


def _records(
    sides: Sequence[Side],
    config: BenchConfig,
    sampler: Sampler,
    on_progress: ProgressCallback | None,
) -> list[list[list[Record]]]:
    """Records by side, by list of providers, by process.

    All of a block run one after another, the next block the other way round, so that a steady
    drift meets all alike.
    """
    records: list[list[list[Record]]] = [[[] for _ in config.providers] for _ in sides]
    turns = [
        (_job(side, config, providers), own)
        for side, by_providers in zip(sides, records, strict=True)
        for providers, own in zip(config.providers, by_providers, strict=True)
    ]
    num_blocks = 1 if config.duration_s is not None else config.num_processes
    num_done, total = 0, num_blocks * len(turns)
    for block in range(num_blocks):
        for job, own in turns if block % 2 == 0 else turns[::-1]:
            own.append(run_worker(job, sampler))
            num_done += 1
            if on_progress is not None:
                on_progress(num_done, total)
    return records


def _job(side: Side, config: BenchConfig, providers: Sequence[str]) -> Mapping[str, Any]:
    runtime: dict[str, Any] = {"providers": list(providers)}
    if config.num_threads is not None:
        runtime["num_threads"] = config.num_threads
    RuntimeConfig(**{**runtime, "providers": tuple(providers)})  # refused here, not in a process
    return {
        "package": str(side.package),
        "source": str(side.source),
        "runtime": runtime,
        "drop_page_cache": True,
        "num_rounds": config.num_rounds,
        "duration_s": config.duration_s or 0.0,
        "workload": asdict(config.workload),
    }


def _busy() -> tuple[float, float, float] | None:
    """Processor seconds in use, stolen, and our own with all children that have ended."""
    busy = busy_seconds()
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return None if busy is None else (*busy, own)


def _during(
    sampler: Sampler, busy_before: tuple[float, float, float] | None, begin_s: float
) -> dict[str, Any]:
    """Clocks, temperatures and what others used, while the processes ran."""
    seen = sampler.seen
    during: dict[str, Any] = {
        "cpu_clock_mhz": _median(seen.clocks_mhz),
        "device_clocks_mhz": {
            name: _median(clocks) for name, clocks in seen.device_clocks_mhz.items()
        },
        "max_temperatures_c": dict(seen.temperatures_c),
        "others_cpu_share": None,
        "stolen_cpu_share": None,
    }
    after = _busy()
    capacity = (os.cpu_count() or 1) * (time.monotonic() - begin_s)
    if busy_before is not None and after is not None and capacity > 0:
        used, stolen, own = (b - a for a, b in zip(busy_before, after, strict=True))
        during["others_cpu_share"] = max(used - own, 0.0) / capacity
        during["stolen_cpu_share"] = stolen / capacity
    return during


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _add_energy(record: Record, sampler: Sampler, idle_w: Mapping[str, float]) -> None:
    for each in record["rounds"]:
        for rail, joules in sampler.joules(each["begin_s"], each["end_s"]).items():
            record["samples"].setdefault(f"energy_j.{rail}", []).append(joules)
            if rail in idle_w:
                net = joules - idle_w[rail] * (each["end_s"] - each["begin_s"])
                record["samples"].setdefault(f"energy_above_idle_j.{rail}", []).append(net)


def _versions(nvml: Nvml | None) -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if nvml is not None:
        versions["nvidia-driver"] = nvml.driver()
    return versions


def _result(
    side: Side,
    config: BenchConfig,
    shared: Mapping[str, Any],
    by_providers: Sequence[Sequence[Record]],
) -> BenchResult:
    first = by_providers[0][0]
    return BenchResult(
        {
            "schema": SCHEMA_NAME,
            "schema_version": SCHEMA_VERSION,
            **shared,
            "package": {"model": first["model"], "manifest_sha256": first["manifest_sha256"]},
            "source": {
                "name": side.source.name,
                "is_built_in": side.is_built_in,
                "sha256": _file_digest(side.source),
            },
            "settings": {
                "num_processes": config.num_processes,
                "num_rounds": config.num_rounds,
                "duration_s": config.duration_s,
                "num_threads": config.num_threads,
                "workload": {**asdict(config.workload), "batch": list(config.workload.batch)},
            },
            "results": [
                {
                    "providers": list(providers),
                    "stage_providers": records[0]["stage_providers"],
                    "processes": [_process(record) for record in records],
                }
                for providers, records in zip(config.providers, by_providers, strict=True)
            ],
        }
    )


def _process(record: Record) -> Record:
    shared = ("stage_providers", "manifest_sha256", "model")
    return {name: value for name, value in record.items() if name not in shared}


def _file_digest(path: Path) -> str | None:
    """SHA-256 of a file; None for a folder of frames."""
    if not path.is_file():
        return None
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()
