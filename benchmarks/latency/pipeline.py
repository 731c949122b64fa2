"""Every stage and the whole job, side by side with PyTorch in one run, as ratios.

Run as `python -m benchmarks.latency.pipeline [--quick]`. Both sides live in processes of their own
and take turns, round by round. A row holds where the ratio of the medians reaches its floor; for a
time with a floor of 1 a ratio above 0.97 holds too while the middle halves of both sides overlap.
Memory does not vary like that: it must be less. The exit status is 0 only where every floor holds.

The CPU runs the vision encoder one frame and the aligner one pair of frames at a time, so that no
result depends on the frames beside it. The small checkpoint computes 0.2 ms a frame and mostly
pays for the runs themselves: these two rows have a floor with the checkpoint of real size only.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.floors import within_spread
from benchmarks.latency.worker import start_worker
from benchmarks.latency.workload import Workload
from testing.ufvideo_testing.random_checkpoint import HUNDRED_MILLION, make_random_checkpoint
from ufvideo_export import export_package
from ufvideo_sdk.bench.child_process import ChildProcess, Message
from ufvideo_sdk.bench.summary import Spread

SMALL = Path(__file__).parents[2] / "tests" / "data" / "small"
WORKERS = ("benchmarks.latency.sdk_worker", "benchmarks.latency.torch_worker")
# PyTorch over ours: how much faster, or smaller, we must be.
FLOORS = {"end to end, ms": 2.0}
DEFAULT_FLOOR = 1.0
MEMORY_ROW = "peak memory, MiB"
NUM_UNCOUNTED = 1
SETTLE_S = 1.0
UNBATCHED_ROWS = frozenset({"vision_encoder, ms a frame", "aligner, ms a clip"})


def measure(workload: Workload, num_rounds: int) -> tuple[list[Message], list[Message]]:
    """Rounds of both sides in turn, after one of each that is not counted."""
    with start_side(WORKERS[0], workload) as ours, start_side(WORKERS[1], workload) as theirs:
        rounds = [
            (settled_round(ours), settled_round(theirs)) for _ in range(NUM_UNCOUNTED + num_rounds)
        ]
    counted = rounds[NUM_UNCOUNTED:]
    return [a for a, _ in counted], [b for _, b in counted]


def settled_round(side: ChildProcess) -> Message:
    """A round once the other side's threads have stopped spinning behind theirs."""
    time.sleep(SETTLE_S)
    return side.round()


def start_side(module: str, workload: Workload) -> ChildProcess:
    """The process of one side."""
    return start_worker(module, vars(workload), workload.num_threads)


def row_holds(row: str, ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether a row reaches its floor; see the module."""
    us, them = Spread.of(ours), Spread.of(theirs)
    ratio = them.median / us.median
    if row == MEMORY_ROW:
        return ratio > 1.0
    floor = FLOORS.get(row, DEFAULT_FLOOR)
    return ratio >= floor or (floor == DEFAULT_FLOOR and within_spread(us, them))


def number_rows(figures: Message) -> list[str]:
    """Names of what is one number."""
    return [name for name, value in figures.items() if isinstance(value, (int, float))]


def report(
    console: Console,
    title: str,
    ours: Sequence[Message],
    theirs: Sequence[Message],
    without_floor: Collection[str] = (),
) -> list[str]:
    """Print one table and return the rows below their floor."""
    table = Table("figure", "ours", "spread", "PyTorch", "spread", "ratio", "floor", title=title)
    below = []
    for row in number_rows(ours[0]):
        a, b = ([float(figures[row]) for figures in side] for side in (ours, theirs))
        ratio = statistics.median(b) / statistics.median(a)
        floor = FLOORS.get(row, DEFAULT_FLOOR)
        holds = row in without_floor or row_holds(row, a, b)
        if not holds:
            below.append(f"{title}: {row}: {ratio:.2f}, floor {floor:.2f}")
        cells = [f"{statistics.median(x):.2f}" for x in (a, b)]
        spreads = [f"{min(x):.2f} to {max(x):.2f}" for x in (a, b)]
        goal = "none" if row in without_floor else f"{floor:.1f}" + ("" if holds else " below")
        table.add_row(row, cells[0], spreads[0], cells[1], spreads[1], f"{ratio:.2f}", goal)
    console.print(table)
    same = all(a["token ids"] == b["token ids"] for a, b in zip(ours, theirs, strict=True))
    num_tokens = [len(ids) for ids in ours[0]["token ids"]]
    decode_ms = [
        statistics.median(figures["language_model decode, ms a token"] for figures in side)
        for side in (ours, theirs)
    ]
    console.print(
        f"decode: ours {1e3 / decode_ms[0]:.1f} tokens/s, PyTorch {1e3 / decode_ms[1]:.1f} tokens/s"
    )
    console.print(f"greedy token ids of both sides equal: {same}; tokens decoded: {num_tokens}\n")
    if not same:
        below.append(f"{title}: the greedy token ids differ")
    return below


def small_workload(folder: Path) -> Workload:
    """The golden checkpoint."""
    package = folder / "small"
    export_package(SMALL / "checkpoint", package, vision_tower=SMALL / "siglip", track=False)
    return Workload(SMALL / "checkpoint", SMALL / "siglip", package, 24, 8, os.cpu_count() or 1)


def large_workload(folder: Path) -> Workload:
    """About 100 million parameters with random weights."""
    checkpoint = make_random_checkpoint(folder / "checkpoint", HUNDRED_MILLION, seed=0)
    package = folder / "large"
    export_package(checkpoint, package, vision_tower=checkpoint / "siglip", track=False)
    return Workload(checkpoint, checkpoint / "siglip", package, 32, 8, os.cpu_count() or 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both checkpoints and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each side")
    parser.add_argument("--quick", action="store_true", help="the small checkpoint only")
    options = parser.parse_args(arguments)
    console = Console(width=132)
    below: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = measure(small_workload(Path(folder)), options.rounds)
        below += report(console, "small golden checkpoint", ours, theirs, UNBATCHED_ROWS)
        if not options.quick:
            ours, theirs = measure(large_workload(Path(folder)), options.rounds)
            below += report(console, "100 M parameters, random weights", ours, theirs)
    for line in below:
        console.print(f"below its floor: {line}")
    console.print("every floor holds" if not below else f"{len(below)} figures below their floor")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
