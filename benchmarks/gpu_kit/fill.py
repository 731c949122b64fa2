"""Makes packages of templates: writes every weight, and the digests into the manifest.

Run as `python -m benchmarks.gpu_kit.fill TEMPLATE PACKAGE [TEMPLATE PACKAGE ...]`. Needs NumPy
and no native module, which is built meanwhile; the runtime checks the manifest when it opens the
package. Values repeat after a few million.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MANIFEST_NAME = "manifest.json"
WEIGHTS_NAME = "weights.json"
_BLOCK_VALUES = 1 << 22
_THREADS = 4


def fill(template: Path, package: Path) -> int:
    """Write a package from a template.

    Args:
        template: What `write_template` wrote.
        package: The folder to make; it has its name only when everything is in it.

    Returns:
        The number of bytes written.
    """
    partial = package.with_name(f"{package.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    manifest = json.loads((template / MANIFEST_NAME).read_text(encoding="utf-8"))
    spreads = json.loads((template / WEIGHTS_NAME).read_text(encoding="utf-8"))
    for path in template.iterdir():
        if path.name not in (MANIFEST_NAME, WEIGHTS_NAME):
            shutil.copyfile(path, partial / path.name)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = {
            stem: pool.submit(_filled, stage, spreads[stem], partial)
            for stem, stage in manifest["stages"].items()
        }
        stages = {stem: each.result() for stem, each in found.items()}
    whole = json.dumps({**manifest, "stages": stages}, indent=2)
    (partial / MANIFEST_NAME).write_text(f"{whole}\n", encoding="utf-8")
    partial.rename(package)
    return sum(stage["weights"]["size_bytes"] for stage in stages.values() if stage["weights"])


def _filled(stage: dict[str, Any], spreads: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The stage's entry in the manifest, with the size and digest of the weights written."""
    if stage["weights"] is None:
        return stage
    path = stage["weights"]["path"]
    digest = hashlib.sha256()
    with (folder / path).open("wb") as file:
        for spread in spreads:
            _skip_to(file, digest, spread["offset"])
            for block in tensor_bytes(spread):
                digest.update(block)
                file.write(block)
        size = file.tell()
    return {**stage, "weights": {"path": path, "size_bytes": size, "sha256": digest.hexdigest()}}


def _skip_to(file: BinaryIO, digest: Any, offset: int) -> None:
    gap = bytes(offset - file.tell())
    digest.update(gap)
    file.write(gap)


def tensor_bytes(spread: dict[str, Any]) -> Iterator[memoryview]:
    """The bytes of a tensor, a few megabytes at a time; equal spreads give equal bytes."""
    block = _block(spread)
    dtype = np.dtype(spread["dtype"])
    left = spread["length"]
    while left > 0:
        part = block[: left // dtype.itemsize]
        yield memoryview(part).cast("B")
        left -= part.nbytes


_blocks: dict[tuple[Any, ...], NDArray[Any]] = {}


def _block(spread: dict[str, Any]) -> NDArray[Any]:
    """Values spread as the tensor's are, in its dtype; made once for each kind of tensor."""
    dtype = np.dtype(spread["dtype"])
    numbers = tuple(round(spread[key], 6) for key in ("mean", "std", "low", "high"))
    key = (dtype.name, *numbers)
    if key not in _blocks:
        mean, std, low, high = numbers
        random = np.random.default_rng(zlib.crc32(repr(key).encode()))
        if dtype.kind in "ui" and std > 0:
            # Packed integers: every bit counts.
            values = random.integers(int(low), int(high) + 1, _BLOCK_VALUES, dtype)
        else:
            normal = random.standard_normal(_BLOCK_VALUES, np.float32)
            values = np.clip(mean + std * normal, low, high).astype(dtype)
        _blocks[key] = values
    return _blocks[key]


def main(arguments: Sequence[str]) -> int:
    """Fill each template; see the module."""
    if not arguments or len(arguments) % 2:
        print("usage: python -m benchmarks.gpu_kit.fill TEMPLATE PACKAGE ...", file=sys.stderr)
        return 2
    status = 0
    for template, package in zip(arguments[::2], map(Path, arguments[1::2]), strict=True):
        begin = time.perf_counter()
        try:
            num_bytes = fill(Path(template), package)
        except Exception as error:
            # Whoever waits for the package reads it.
            told = f"{type(error).__name__}: {error}"
            package.parent.mkdir(parents=True, exist_ok=True)
            package.with_name(f"{package.name}.failed").write_text(told, encoding="utf-8")
            print(f"{package}: {told}", flush=True)
            status = 1
            continue
        took_s = time.perf_counter() - begin
        print(f"{package}: {num_bytes / 1e9:.2f} GB in {took_s:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
