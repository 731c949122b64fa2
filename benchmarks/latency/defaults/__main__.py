"""Two defaults of `RuntimeConfig` beside other values of them, on half a billion parameters.

Run as `python -m benchmarks.latency.defaults [--quick] [--only SECTION]`. "prefill-chunks" is a
prompt in chunks of several sizes beside the whole prompt; "spinning" are idle threads that spin
beside idle threads that sleep, alone and beside a busy process. Nothing has a floor: the figures
are the reason for the defaults `prefill_chunk_tokens` and `allow_spinning`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure
from benchmarks.latency.defaults.prefill_chunks import prefill_chunks_section
from benchmarks.latency.defaults.spinning import spinning_section
from benchmarks.latency.peers.speed import Setting
from benchmarks.latency.peers.weights import weights_of

SECTIONS: dict[str, Callable[[Setting], list[Figure]]] = {
    "prefill-chunks": prefill_chunks_section,
    "spinning": spinning_section,
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tiny model: does it run?")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work-dir", type=Path, help="keeps the models, out/peers")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections asked for and print their table."""
    options = parse(arguments)
    setting = Setting(
        weights_of(options.work_dir, is_quick=options.quick),
        options.threads,
        options.rounds,
        spinning=True,
        gguf={},
        settle_s=0.0 if options.quick else 1.0,
    )
    chosen = options.only or list(SECTIONS)
    figures = [each for name in SECTIONS if name in chosen for each in SECTIONS[name](setting)]
    print_figures(Console(width=150), figures, title="defaults beside other values")
    return 0


if __name__ == "__main__":
    sys.exit(main())
