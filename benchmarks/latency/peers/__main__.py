"""Our engine beside its peers, each figure with its floor.

Run as `python -m benchmarks.latency.peers [--quick]`. The same random weights of Qwen2-0.5B's shape
run in every engine that is installed, in fp32 and int4; engines live in processes of their own and
take turns, round by round; idle threads spin in all of them, as they do by default in the others,
unless `--no-spinning` is given. The machine's read bandwidth is measured in turn with them: what a
token reads (weights and KV cache) over it is the limit of decoding. A speed holds at the best
peer's or above; a ratio above 0.97 holds too while the quartiles of both sides overlap. The last
line sums up, and the exit status is 0 only where every floor that was measured holds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import exit_status, summary
from benchmarks.latency.peers.engines import ENGINES, PRECISIONS, installed
from benchmarks.latency.peers.speed import Setting, speed_section
from benchmarks.latency.peers.weights import DEFAULT_FOLDER, weights_of


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tiny model: does it run?")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each engine")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    no_spinning = "idle threads sleep at once, here and in onnxruntime-genai; for a busy machine"
    parser.add_argument("--no-spinning", action="store_true", help=no_spinning)
    parser.add_argument("--work-dir", type=Path, help=f"keeps the models, {DEFAULT_FOLDER}")
    for precision in PRECISIONS:
        parser.add_argument(f"--gguf-{precision}", type=Path, help="the weights for llama.cpp")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.threads < 1:
        parser.error("expected --rounds and --threads of 1 or more")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections asked for and print their tables."""
    options = parse(arguments)
    given = {precision: getattr(options, f"gguf_{precision}") for precision in PRECISIONS}
    gguf = {precision: path for precision, path in given.items() if path is not None}
    spinning = not options.no_spinning
    setting = Setting(
        weights_of(options.work_dir, is_quick=options.quick),
        options.threads,
        options.rounds,
        spinning,
        gguf,
        settle_s=0.0 if options.quick else 1.0,
    )
    console = Console(width=150)
    idle = "spin" if spinning else "do not spin"
    console.print(f"{options.threads} threads, which {idle} when idle")
    figures = speed_section(console, setting)
    print_figures(console, figures)
    missing = [engine.name for engine in ENGINES if not installed(engine.module)]
    print(summary(figures, missing))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
