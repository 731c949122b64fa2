"""What reading a video costs beside plain reading, and beside another version of this package.

`python -m benchmarks.reading [FOLDER] [--before SITE] [--rounds 3] [--seconds 60] [--repeats 60]`

Writes a clip of 1080p into FOLDER, if it is not there, and one that shows it again and again.
Prints CPU and wall time of `ufvideo ask` about the clip, how often and how far it reads the file
(under strace), and the time to list the frames of both clips. SITE is a folder that holds another
`ufvideo_sdk`. Ends with 1 if a floor is missed or a pixel differs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure
from benchmarks.reading.clips import write_minute, write_repeated
from benchmarks.reading.measured import Cost, Reads, cost_of, reads_of
from benchmarks.reading.plain import frames_of
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

QUESTION = "What happens?"
# Floors: plain / ours in CPU and in bytes; opening the long clip / opening the short one.
MIN_CPU_RATIO = 1.5
MIN_BYTES_RATIO = 2.0
MAX_OPENING_RATIO = 2.0


@dataclass(frozen=True)
class Way:
    """One way to ask about the clip.

    Attributes:
        name: For the table.
        command: The program, without the clip and the question.
        variables: Environment variables of it.
    """

    name: str
    command: tuple[str, ...]
    variables: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """What asking in one way cost."""

    way: Way
    costs: list[Cost]
    reads: Reads | None

    @property
    def cpu_s(self) -> float:
        """Median CPU time, seconds."""
        return statistics.median(cost.cpu_s for cost in self.costs)

    @property
    def wall_s(self) -> float:
        """Median wall time, seconds."""
        return statistics.median(cost.wall_s for cost in self.costs)


def ways(before: Path | None) -> list[Way]:
    """Ours first, then the plain way, then another version of this package."""
    python = sys.executable
    found = [
        Way("ufvideo ask", (python, "-m", "ufvideo_sdk", "ask"), {}),
        Way("plain reading", (python, "-m", "benchmarks.reading.plain"), {}),
    ]
    if before is not None:
        command = (python, "-P", "-m", "ufvideo_sdk", "ask")
        found.append(Way("ufvideo ask, before", command, {"PYTHONPATH": str(before)}))
    return found


def ask_in_turn(all_ways: Sequence[Way], clip: Path, num_rounds: int) -> list[Asked]:
    """Ask in every way, one after the other, so often."""
    costs: list[list[Cost]] = [[] for _ in all_ways]
    for _ in range(num_rounds):
        for way, found in zip(all_ways, costs, strict=True):
            found.append(cost_of([*way.command, str(clip), QUESTION], way.variables))
    return [
        Asked(way, found, reads_of([*way.command, str(clip), QUESTION], way.variables, clip))
        for way, found in zip(all_ways, costs, strict=True)
    ]


def print_asked(console: Console, asked: Sequence[Asked], clip: Path) -> None:
    """Print a line for each way."""
    table = Table("way", "CPU s", "wall s", "opens", "MB read", "of the file", title=clip.name)
    for each in asked:
        opens = read = share = "needs strace"
        if each.reads is not None:
            opens, read = str(each.reads.num_opens), f"{each.reads.num_bytes / 1e6:.1f}"
            share = f"{each.reads.num_bytes / clip.stat().st_size:.2f}"
        table.add_row(each.way.name, f"{each.cpu_s:.2f}", f"{each.wall_s:.2f}", opens, read, share)
    console.print(table)


def opening_times(
    console: Console, short: Path, long: Path, num_rounds: int
) -> tuple[float, float]:
    """Print and return the seconds to open the short and the long clip, the best of all rounds."""
    command = [sys.executable, "-m", "benchmarks.reading.opening", str(num_rounds)]
    told = subprocess.run(
        [*command, str(short), str(long)], check=True, capture_output=True, text=True
    )
    times = json.loads(told.stdout)
    table = Table(
        "file", "MB", "ours, best, ms", "reading it whole, ms", title="listing the frames"
    )
    best: list[float] = []
    for file in (short, long):
        best.append(min(times["ours"][str(file)]))
        table.add_row(
            file.name,
            f"{file.stat().st_size / 1e6:.1f}",
            f"{best[-1] * 1e3:.0f}",
            f"{times['plain'][str(file)] * 1e3:.0f}",
        )
    console.print(table)
    return best[0], best[1]


def pixels_are_equal(clip: Path) -> bool:
    """Whether the frames that a model looks at are those of plain decoding, bit for bit."""
    ours = Clip(open_source(clip))
    idxs = np.unique(ours.sampled_idxs(16))
    return bool(np.array_equal(ours.read(idxs), frames_of(clip, idxs.tolist())))


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("out/reading"))
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--width", type=int, default=1920)
    told = parser.parse_args(arguments)
    told.folder.mkdir(parents=True, exist_ok=True)
    short = told.folder / f"{told.seconds}s-{told.height}p.mp4"
    long = told.folder / f"{told.seconds * told.repeats}s-{told.height}p.mp4"
    if not short.exists():
        write_minute(short, seconds=told.seconds, height=told.height, width=told.width)
    if not long.exists():
        write_repeated(long, short, told.repeats)
    console = Console(width=100)
    asked = ask_in_turn(ways(told.before), short, told.rounds)
    print_asked(console, asked, short)
    short_s, long_s = opening_times(console, short, long, max(told.rounds, 7))
    ours, plain = asked[:2]
    figures = [
        Figure("CPU of plain reading / ours", plain.cpu_s / ours.cpu_s, MIN_CPU_RATIO, "at least"),
        Figure("opening long / short", long_s / short_s, MAX_OPENING_RATIO, "at most"),
    ]
    if ours.reads is not None and plain.reads is not None:
        ratio = plain.reads.num_bytes / ours.reads.num_bytes
        figures.append(Figure("bytes of plain reading / ours", ratio, MIN_BYTES_RATIO, "at least"))
    print_figures(console, figures)
    are_equal = pixels_are_equal(short)
    console.print(f"sampled frames equal plain decoding bit for bit: {are_equal}")
    return 0 if are_equal and all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
