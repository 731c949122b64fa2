"""Time and memory of a whole job on a device, beside PyTorch on the same weights."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.device_probe import read_bandwidth
from benchmarks.floors import Figure
from benchmarks.latency.peers.speed import step_read_bytes
from benchmarks.latency.pipeline import WORKERS, number_rows, start_side
from benchmarks.latency.workload import QUESTIONS, Workload
from ufvideo_sdk.bench.child_process import ChildProcess, Message
from ufvideo_sdk.bench.nvml import open_nvml
from ufvideo_sdk.bench.sampler import Sampler
from ufvideo_sdk.bench.summary import Spread
from ufvideo_sdk.diagnostics.memory_plan import video_tokens
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest

END_TO_END_FLOOR = 1.5
BANDWIDTH_FLOOR = 0.7
_END_TO_END = "end to end, ms"
_DECODE = "language_model decode, ms a token"


@dataclass(frozen=True)
class SpeedSetting:
    """What is measured.

    Attributes:
        workload: The job and where it runs.
        num_rounds: Counted rounds of each side.
        with_torch: PyTorch takes turns with ours.
    """

    workload: Workload
    num_rounds: int
    with_torch: bool


def speed_report(console: Console, setting: SpeedSetting) -> list[Figure]:
    """Measure both sides in turn, print a row for each stage, and give the figures.

    Raises:
        RuntimeError: When a side ends, for example since a provider cannot start.
    """
    modules = WORKERS if setting.with_torch else WORKERS[:1]
    sides: list[ChildProcess] = []
    peaks_mib: list[float | None] = []
    nvml = open_nvml()
    with ExitStack() as running:
        for module in modules:
            # Nothing else may use the GPU meanwhile.
            with Sampler([], nvml) as sampler:
                before = sampler.device_bytes()
                sides.append(running.enter_context(start_side(module, setting.workload)))
                sides[-1].round()
            peaks_mib.append(_mib_above(before, sampler.seen.peak_device_bytes))
        rounds: list[list[Message]] = [[] for _ in sides]
        for _ in range(setting.num_rounds):
            for side, of_side in zip(sides, rounds, strict=True):
                of_side.append(side.round())
    _print_stages(console, setting.workload, rounds)
    return _figures(setting.workload, rounds, peaks_mib)


def _mib_above(before: int | None, peak: int | None) -> float | None:
    return None if before is None or peak is None else (peak - before) / 2**20


def _print_stages(console: Console, workload: Workload, rounds: list[list[Message]]) -> None:
    device = " ".join(workload.providers)
    table = Table("figure", f"ours, {device}", "quartiles", title=str(workload.package))
    if len(rounds) > 1:
        table.add_column(f"PyTorch, {workload.torch_device} {workload.torch_dtype}")
        table.add_column("quartiles")
        table.add_column("ratio")
    for row in number_rows(rounds[0][0]):
        spreads = [Spread.of([float(each[row]) for each in side]) for side in rounds]
        cells = [cell for s in spreads for cell in (f"{s.median:.2f}", str(s))]
        if len(spreads) > 1:
            cells.append(f"{spreads[1].median / spreads[0].median:.2f}")
        table.add_row(row, *cells)
    console.print(table)


def _figures(
    workload: Workload, rounds: list[list[Message]], peaks_mib: list[float | None]
) -> list[Figure]:
    ours = {row: _median(rounds[0], row) for row in number_rows(rounds[0][0])}
    decode_ms, frame_ms = ours[_DECODE], ours["masked frame, ms"]
    share, detail = _bandwidth_share(workload, decode_ms)
    first = ours["first token of the first question, ms"]
    figures = [
        Figure("first token of a clip's first question, ms", first, None, "at most"),
        *_shares(rounds[0], ours[_END_TO_END]),
        Figure("decode, tokens/s", 1e3 / decode_ms, None, "at least"),
        Figure("decode, share of the bandwidth limit", share, BANDWIDTH_FLOOR, "at least", detail),
        Figure("SAM 2, masked frames/s", 1e3 / frame_ms, None, "at least"),
        Figure("peak device memory, MiB", peaks_mib[0], None, "at most", "NVML"),
    ]
    if len(rounds) > 1:
        ratio = _median(rounds[1], _END_TO_END) / ours[_END_TO_END]
        name = "end to end, PyTorch / ours"
        figures.append(Figure(name, ratio, END_TO_END_FLOOR, "at least"))
        name = "peak device memory of PyTorch, MiB"
        figures.append(Figure(name, peaks_mib[1], None, "at most", "NVML"))
    return figures


def _median(rounds: list[Message], row: str) -> float:
    return statistics.median(float(each[row]) for each in rounds)


def _shares(rounds: list[Message], end_to_end_ms: float) -> list[Figure]:
    """Share of the whole job that each stage takes."""
    return [
        Figure(
            f"share of {stem}",
            statistics.median(each["stages"][stem] for each in rounds) / end_to_end_ms,
            None,
            "at most",
        )
        for stem in rounds[0]["stages"]
    ]


def _bandwidth_share(workload: Workload, decode_ms: float) -> tuple[float | None, str]:
    device = "cpu" if workload.providers == ("cpu",) else workload.torch_device
    if device != "cpu" and not torch.cuda.is_available():
        return None, "PyTorch sees no GPU to measure its bandwidth with"
    bandwidth = read_bandwidth(device)
    manifest = read_manifest(workload.package / MANIFEST_NAME)
    positions = video_tokens(manifest) + len(QUESTIONS[0].split())
    read_bytes = step_read_bytes(workload.package, positions)
    limit_ms = 1e3 * read_bytes / bandwidth
    return limit_ms / decode_ms, f"{read_bytes / 1e6:.0f} MB a token, {bandwidth / 1e9:.0f} GB/s"
