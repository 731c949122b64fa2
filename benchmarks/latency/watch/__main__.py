"""What watching cameras costs, and how late it tells what it sees.

Run as `python -m benchmarks.latency.watch [PACKAGE] [--quick] [--only SECTION]`; without a package
nano. Streets of shapes are drawn once, into out/watch.

- "rate": how much of a stream one second is enough for, beside sessions on chunks of ten seconds.
- "cameras": the same of 1, 2 and 4 cameras that share a model.
- "delay": from a picture's arrival over RTSP to the answer and to the event, in real time.
- "change": questions that are asked on change beside the same ones by the clock.
- "processor": processor time of a silent camera, and of one that is captured, looked at and asked.
- "memory": growth over an hour of a stream, faster than real time.
- "clock": the time of a frame beside the clock of the camera that took it.

Ratios are of one run. The exit status is 0 only where every floor that was measured holds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from benchmarks.latency.watch.change import change_figures
from benchmarks.latency.watch.clock import clock_figures
from benchmarks.latency.watch.delay import delay_figures
from benchmarks.latency.watch.memory import memory_figures
from benchmarks.latency.watch.processor import processor_figures
from benchmarks.latency.watch.rate import camera_figures, rate_figures
from ufvideo_sdk import RuntimeConfig, UFVideo


@dataclass(frozen=True)
class Lengths:
    """How much of a stream each section takes.

    Attributes:
        minutes: Of a stream that is watched as fast as it goes.
        live_s: Seconds of a stream in real time.
        memory_minutes: Minutes of the stream whose memory is looked at.
    """

    minutes: float = 5.0
    live_s: float = 120.0
    memory_minutes: float = 60.0


QUICK = Lengths(minutes=0.5, live_s=30.0, memory_minutes=1.5)
SECTIONS: dict[str, Callable[[UFVideo, Lengths], list[Figure]]] = {
    "rate": lambda model, lengths: rate_figures(model, lengths.minutes),
    "cameras": lambda model, lengths: camera_figures(model, lengths.minutes),
    "delay": lambda model, lengths: delay_figures(model, lengths.live_s),
    "change": lambda model, lengths: change_figures(model, lengths.minutes),
    "processor": lambda model, lengths: processor_figures(model, lengths.live_s / 6),
    "memory": lambda model, lengths: memory_figures(model, lengths.memory_minutes),
    "clock": lambda _, lengths: clock_figures(lengths.live_s / 4),
}
# What a short run has no figure of: memory that is not warm yet, a clock that was not told yet.
NOT_QUICK = ("memory", "clock")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true", help="short streams: does it run?")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given again")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the stream, for memory")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if options.minutes <= 0.5:
        parser.error("expected --minutes above 0.5")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections asked for, and print the table of each."""
    options = parse(arguments)
    model = UFVideo.load(options.package, runtime=RuntimeConfig(num_threads=options.threads))
    lengths = QUICK if options.quick else Lengths(memory_minutes=options.minutes)
    left_out = NOT_QUICK if options.quick else ()
    chosen = options.only or [name for name in SECTIONS if name not in left_out]
    figures: list[Figure] = []
    for name in [name for name in SECTIONS if name in chosen]:
        found = SECTIONS[name](model, lengths)
        print_figures(Console(width=170), found, title=name)
        figures += found
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
