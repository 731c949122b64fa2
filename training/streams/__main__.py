"""`python -m training.streams OUT.mp4 --seed N`: draw a stream and write what is true of it.

The truth goes beside the file, with the suffix .json. Prints how long it took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from training.streams.write_stream import write_stream
from training.world import TEST_SEEDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and write; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.streams", description=__doc__.splitlines()[0]
    )
    parser.add_argument("path", type=Path, help=".mp4 or .mkv to write")
    parser.add_argument("--seed", type=int, default=TEST_SEEDS[0], help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=10.0, help="default: 10")
    given = parser.parse_args(arguments)
    begin = time.perf_counter()
    truth = write_stream(given.seed, 60 * given.minutes, given.path)
    seconds = time.perf_counter() - begin
    counts = f"{len(truth.tracks)} tracks, {len(truth.moves)} moves"
    size_mb = given.path.stat().st_size / 1e6
    print(f"{given.path}: {truth.duration_s:.0f} s, {counts}, {size_mb:.1f} MB in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
