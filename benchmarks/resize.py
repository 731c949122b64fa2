"""The resize of frames beside its plain C++ path and Pillow, in one run.

Run as `python -m benchmarks.resize [--size WIDTHxHEIGHT] [--to PX ...]`. A row is a way to resize
one frame of noise to a square: the median time, the quartiles, and whether every byte is the plain
path's. Ways take turns, so that what else the machine does meets all of them. Pillow 13 resizes
some sizes in another order than the Pillow that the model was trained with, and differs there.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.floors import Spread
from ufvideo_sdk import _native

Resize = Callable[[], NDArray[np.uint8]]


def ways(frame: NDArray[np.uint8], side: int) -> dict[str, Resize]:
    """Ways to resize one frame, uint8 [H, W, 3], to uint8 [side, side, 3]; the plain one first."""
    frames, picture = frame[None], Image.fromarray(frame)
    num_cores = len(os.sched_getaffinity(0))

    def native(**options: int) -> Resize:
        return lambda: _native.resize_bicubic(frames, side, side, **options)[0]

    return {
        "plain C++": native(use_vectors=False),
        "vectors": native(),
        f"vectors, {num_cores} threads": native(num_threads=num_cores),
        f"Pillow {PIL.__version__}": lambda: np.asarray(
            picture.resize((side, side), Image.Resampling.BICUBIC)
        ),
    }


def measure(frame: NDArray[np.uint8], side: int, num_rounds: int) -> list[list[str]]:
    """Rows of the table."""
    found = ways(frame, side)
    times_ms: dict[str, list[float]] = {name: [] for name in found}
    results = {name: resize() for name, resize in found.items()}
    for _ in range(num_rounds):
        for name, resize in found.items():
            begin = time.perf_counter()
            resize()
            times_ms[name].append(1e3 * (time.perf_counter() - begin))
    expected = results["plain C++"]
    rows = []
    for name, times in times_ms.items():
        spread = Spread.of(times)
        same = "yes" if np.array_equal(results[name], expected) else "no"
        rows.append([str(side), name, f"{spread.median:.2f}", str(spread), same])
    return rows


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resize", description=__doc__)
    parser.add_argument("--size", default="1920x1080", help="of the frame, WIDTHxHEIGHT")
    parser.add_argument("--to", type=int, nargs="+", default=[384, 512, 1024], help="sides, pixels")
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    table = Table("side, px", "way", "median, ms", "quartiles", "same bytes", title=given.size)
    for side in given.to:
        for row in measure(frame, side, given.rounds):
            table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
