"""A streaming session beside sessions opened anew, and tracked frames beside their stages.

Run as `python -m benchmarks.latency.stream [PACKAGE] [--quick] [--only SECTION]`; without a package
100 million random parameters that look at 32 frames.

- "windows": a push, a warm question, a question behind a new pair and behind a drop, at 8, 16 and
  32 frames, with one prefix that drops a pair or half of the window at once and with two, each
  beside opening a session on the same frames.
- "objects": a frame with 1, 2, 4 and 8 tracked objects beside its four stages, each measured alone.
- "growth": memory over an hour of the stream's own time, with questions and a track.

Everything that is compared runs in turn in one process. The exit status is 0 only where every floor
that was measured holds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from benchmarks.latency.stream.growth import growth_figure, measure_growth
from benchmarks.latency.stream.objects import (
    MOST_OVERHEAD,
    NUMBERS,
    measure_objects,
    objects_figure,
)
from benchmarks.latency.stream.windows import (
    WINDOWS,
    kinds_of,
    measure_window,
    window_figures,
)
from ufvideo_sdk import RuntimeConfig, UFVideo

DEFAULT_FOLDER = Path("out/stream")
NUM_FRAMES = 32


def windows_section(model: UFVideo, options: argparse.Namespace) -> list[Figure]:
    """Windows that the model can look at whole."""
    most = model.manifest.video.num_frames
    kinds = [kind for number in WINDOWS if number <= most for kind in kinds_of(number)]
    return [
        figure
        for kind in kinds
        for figure in window_figures(measure_window(model, kind, options.rounds, options.clock))
    ]


def objects_section(model: UFVideo, options: argparse.Namespace) -> list[Figure]:
    """Frames with several objects."""
    if "track" not in model.manifest.capabilities:
        reason = "the package cannot track"
        return [Figure("a frame with objects", None, MOST_OVERHEAD, "at most", reason)]
    numbers = NUMBERS[:2] if options.quick else NUMBERS
    num_frames = 3 * options.rounds
    return [
        objects_figure(measure_objects(model, number, num_frames, options.clock))
        for number in numbers
    ]


def growth_section(model: UFVideo, options: argparse.Namespace) -> list[Figure]:
    """Memory of a long stream."""
    return [growth_figure(measure_growth(model, options.minutes))]


SECTIONS: dict[str, Callable[[UFVideo, argparse.Namespace], list[Figure]]] = {
    "windows": windows_section,
    "objects": objects_section,
    "growth": growth_section,
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true", help="few objects: does it run?")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the stream, for growth")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    cpu_time = "count processor time, for a busy machine; needs --threads 1"
    parser.add_argument("--cpu-time", action="store_true", help=cpu_time)
    options = parser.parse_args(arguments)
    options.clock = time.process_time if options.cpu_time else time.perf_counter
    if options.cpu_time and options.threads != 1:
        parser.error("expected --threads 1 beside --cpu-time: idle threads use processor time, too")
    if options.rounds < 1 or options.minutes <= 0:
        parser.error("expected --rounds of 1 or more and --minutes above 0")
    return options


def default_package() -> Path:
    """100 million random parameters that look at 32 frames, made once."""
    package = DEFAULT_FOLDER / "package"
    if not package.exists():
        # Slow to import, and not needed for a package that is there.
        from testing.ufvideo_testing.random_checkpoint import (
            HUNDRED_MILLION,
            make_random_checkpoint,
        )
        from ufvideo_export import export_package

        checkpoint = DEFAULT_FOLDER / "checkpoint"
        if not checkpoint.exists():
            sizes = replace(HUNDRED_MILLION, num_frames=NUM_FRAMES)
            make_random_checkpoint(checkpoint, sizes, seed=0)
        export_package(checkpoint, package, vision_tower=checkpoint / "siglip")
    return package


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections asked for, and print the table of each."""
    options = parse(arguments)
    package = options.package or default_package()
    model = UFVideo.load(package, runtime=RuntimeConfig(num_threads=options.threads))
    chosen = options.only or list(SECTIONS)
    figures: list[Figure] = []
    for name in [name for name in SECTIONS if name in chosen]:
        found = SECTIONS[name](model, options)
        print_figures(Console(width=170), found, title=name)
        figures += found
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
