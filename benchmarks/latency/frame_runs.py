"""Frames one by one beside frames in batches, stage by stage.

Run as `python -m benchmarks.latency.frame_runs [PACKAGE ...]`; without a package nano, and a model
of 100 million random parameters in fp32 and int8. On the CPU the runtime passes an encoder one
frame at a time and the aligner one pair, so that no result depends on the frames encoded beside it
(`Stage::batches_frames`). A row says what that costs: the median time of the frames in batches, as
a device gets them, the median one by one, and their ratio (above 1: one by one is faster). The
last column is the largest difference between both results, over the largest value.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ufvideo_sdk import _native
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import Manifest, read_manifest
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.runtime.onnxruntime_library import find_library

Run = Callable[[NDArray[Any]], NDArray[np.float32]]


def in_runs(run: Run, items: NDArray[Any], step: int) -> tuple[float, NDArray[np.float32]]:
    """Milliseconds of all items, `step` in a run, and the results, float32 [...]."""
    begin = time.perf_counter()
    parts = [run(items[i : i + step]) for i in range(0, len(items), step)]
    elapsed_ms = 1e3 * (time.perf_counter() - begin)
    return elapsed_ms, np.concatenate(parts)


def compare(run: Run, items: NDArray[Any], steps: tuple[int, int], num_rounds: int) -> list[str]:
    """Cells of a row: both ways in turn, after one of each that is not counted."""
    times: dict[int, list[float]] = {step: [] for step in steps}
    results = {step: in_runs(run, items, step)[1] for step in steps}
    for _ in range(num_rounds):
        for step in steps:
            times[step].append(in_runs(run, items, step)[0])
    batched, alone = (statistics.median(times[step]) for step in steps)
    difference = (
        np.abs(results[steps[0]] - results[steps[1]]).max() / np.abs(results[steps[1]]).max()
    )
    return [
        str(len(items)),
        f"{batched:.1f} ms ({steps[0]} a run)",
        f"{alone:.1f} ms ({steps[1]} a run)",
        f"{batched / alone:.2f}",
        f"{difference:.1e}",
    ]


def rows_of(package: Path, num_rounds: int) -> list[list[str]]:
    """A row for each stage that sees several frames."""
    manifest: Manifest = read_manifest(package / MANIFEST_NAME)
    config = _native.RuntimeConfig(onnxruntime_library=str(find_library()))
    model = _native.Model.load(str(package), config)
    video, random = manifest.video, np.random.default_rng(0)
    rows = []
    encoders = (
        ("vision_encoder", video.vision_size_px, model.vision_encoder.encode),
        (
            "mask_encoder",
            video.mask_size_px,
            lambda frames: model.mask_encoder.encode(frames).image_features,
        ),
    )
    for stem, size_px, run in encoders:
        frames = random.integers(0, 256, (video.num_frames, size_px, size_px, 3), np.uint8)
        steps = (_native.frames_per_batch(size_px), 1)
        rows.append(
            [stem, manifest.stages[stem].precision, *compare(run, frames, steps, num_rounds)]
        )
    if not video.aligner_padding:
        num_frames = video.num_frames // 2 * 2
        shape = (num_frames, video.patch_grid**2, manifest.model.vision_hidden_size)
        features = random.normal(size=shape).astype(np.float32)
        steps = (min(_native.FRAMES_PER_ALIGNMENT, num_frames), 2)
        cells = compare(model.aligner.align, features, steps, num_rounds)
        rows.append(["aligner", manifest.stages["aligner"].precision, *cells])
    return rows


def report(console: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print one table."""
    table = Table(
        "stage",
        "precision",
        "frames",
        "in batches",
        "one by one",
        "ratio",
        "difference",
        title=title,
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _random_packages(folder: Path) -> dict[str, Path]:
    from testing.ufvideo_testing.random_checkpoint import HUNDRED_MILLION, make_random_checkpoint
    from ufvideo_export import export_package

    checkpoint = make_random_checkpoint(folder / "checkpoint", HUNDRED_MILLION, seed=0)
    packages = {}
    for precision in ("fp32", "int8"):
        package = folder / precision
        siglip = checkpoint / "siglip"
        export_package(checkpoint, package, vision_tower=siglip, precision=precision, track=False)
        packages[f"100 M parameters, {precision}"] = package
    return packages


def main() -> None:
    """Compare, package by package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", type=Path, metavar="PACKAGE")
    parser.add_argument("--rounds", type=int, default=9, metavar="NUMBER")
    arguments = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        packages = {str(package): package for package in arguments.packages}
        if not packages:
            packages = {"nano": shipped_package(), **_random_packages(Path(folder))}
        for title, package in packages.items():
            report(console, title, rows_of(package, arguments.rounds))


if __name__ == "__main__":
    main()
