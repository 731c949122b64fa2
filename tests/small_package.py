"""The package of the golden checkpoint, put together without PyTorch.

`tests/data/small/package` holds what the exporter writes for `tests/data/small/checkpoint`, without
the weights, which the checkpoint has: `graphs.zip` lists each graph as parts, which are bytes or
tensors of the checkpoint. Joined they are the exporter's files byte for byte; `tests/parity`
compares them with a fresh export.

The package that tracks is the same one with three stages more, in `graphs_track.zip`, and
`manifest_track.json`.

`python -m tests.small_package` exports the checkpoint and writes that folder anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SMALL = Path(__file__).parent / "data" / "small"
GRAPHS, TRACK_GRAPHS = "graphs.zip", "graphs_track.zip"
MANIFEST, TRACK_MANIFEST = "manifest.json", "manifest_track.json"
PLAIN_FILES = ("tokenizer.json", "chat_template.json")
TRACK_STEMS = ("memory_encoder", "memory_attention", "track_decoder")
_DTYPES = {"F16": "<f2", "F32": "<f4"}
# A tensor below this is no longer than what a part needs.
_SMALLEST_BYTES = 256
# So that a zip written again is the same file.
_DATE = (2026, 1, 1, 0, 0, 0)


def assemble(out: Path, *, track: bool = False) -> Path:
    """Write the package into a new folder and return that.

    Args:
        out: The folder.
        track: With the stages that track.

    Raises:
        ValueError: If a graph is not the one that the manifest lists.
    """
    out.mkdir(parents=True)
    for name in PLAIN_FILES:
        shutil.copy(SMALL / "package" / name, out / name)
    shutil.copy(SMALL / "package" / (TRACK_MANIFEST if track else MANIFEST), out / MANIFEST)
    weights = read_weights()
    stages = json.loads((out / MANIFEST).read_text())["stages"]
    for graphs in (GRAPHS, TRACK_GRAPHS) if track else (GRAPHS,):
        with zipfile.ZipFile(SMALL / "package" / graphs) as archive:
            for stem in (Path(name).stem for name in archive.namelist() if name.endswith(".json")):
                parts = json.loads(archive.read(f"{stem}.json"))
                content = _join(parts, archive.read(f"{stem}.bin"), weights)
                digest = hashlib.sha256(content).hexdigest()
                if digest != stages[stem]["graph"]["sha256"]:
                    raise ValueError(f"{stem}: expected the manifest's digest, got {digest}")
                (out / stages[stem]["graph"]["path"]).write_bytes(content)
    return out


def write_parts(package: Path, *, track: bool = False) -> None:
    """Write `tests/data/small/package` from a package of the checkpoint.

    Args:
        package: The whole package.
        track: Write what the package that tracks has beside the other one.
    """
    folder = SMALL / "package"
    folder.mkdir(exist_ok=True)
    for name in PLAIN_FILES:
        shutil.copy(package / name, folder / name)
    shutil.copy(package / MANIFEST, folder / (TRACK_MANIFEST if track else MANIFEST))
    weights = read_weights()
    stages = json.loads((package / MANIFEST).read_text())["stages"]
    if track:
        stages = {stem: stage for stem, stage in stages.items() if stem in TRACK_STEMS}
    with zipfile.ZipFile(folder / (TRACK_GRAPHS if track else GRAPHS), "w") as archive:
        for stem, stage in stages.items():
            parts, rest = _split((package / stage["graph"]["path"]).read_bytes(), weights)
            entries = {f"{stem}.json": json.dumps(parts).encode(), f"{stem}.bin": rest}
            for name, content in entries.items():
                archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_LZMA)


def read_weights() -> dict[str, bytes]:
    """All tensors of the checkpoint and of SigLIP as float32 bytes, matrices in other orders."""
    weights: dict[str, bytes] = {}
    for folder in ("checkpoint", "siglip"):
        for key, tensor in _read_safetensors(SMALL / folder / "model.safetensors"):
            weights[f"{folder}:{key}"] = tensor.tobytes()
            if tensor.ndim == 2:
                weights[f"{folder}:{key}:transposed"] = tensor.T.tobytes()
            if tensor.ndim == 2 and ".memory_attention." in key:
                # As the exporter orders queries and keys that are rotated.
                halves = np.concatenate([tensor[::2], tensor[1::2]])
                weights[f"{folder}:{key}:halves"] = halves.T.tobytes()
    return weights


def _read_safetensors(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    for key, entry in json.loads(content[8:begin]).items():
        if key != "__metadata__":
            first, last = (begin + offset for offset in entry["data_offsets"])
            tensor = np.frombuffer(content[first:last], _DTYPES[entry["dtype"]])
            yield key, tensor.reshape(entry["shape"]).astype(np.float32)


# Bytes of the rest, or a tensor's name.
_Parts = list[int | str]


def _join(parts: _Parts, rest: bytes, weights: dict[str, bytes]) -> bytes:
    joined, position = [], 0
    for part in parts:
        if isinstance(part, str):
            joined.append(weights[part])
        else:
            joined.append(rest[position : position + part])
            position += part
    return b"".join(joined)


@dataclass(frozen=True, order=True)
class _Found:
    offset: int
    name: str


def _split(content: bytes, weights: dict[str, bytes]) -> tuple[_Parts, bytes]:
    parts: _Parts = []
    rest, position = [], 0
    for found in sorted(_find(content, weights)):
        if found.offset < position:
            continue
        before = content[position : found.offset]
        parts += [len(before), found.name]
        rest.append(before)
        position = found.offset + len(weights[found.name])
    rest.append(content[position:])
    return [*parts, len(rest[-1])], b"".join(rest)


def _find(content: bytes, weights: dict[str, bytes]) -> Iterator[_Found]:
    for name, tensor in weights.items():
        # A constant tensor compresses, and is found everywhere.
        if len(tensor) < _SMALLEST_BYTES or tensor == tensor[:4] * (len(tensor) // 4):
            continue
        offset = content.find(tensor)
        while offset >= 0:
            yield _Found(offset, name)
            offset = content.find(tensor, offset + len(tensor))


def main() -> None:
    """Export the checkpoint and keep what is not a weight."""
    from ufvideo_export import add_track, export_package

    siglip = SMALL / "siglip"
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "small"
        export_package(SMALL / "checkpoint", package, vision_tower=siglip, track=False)
        write_parts(package)
        add_track(SMALL / "checkpoint", package, vision_tower=siglip)
        write_parts(package, track=True)


if __name__ == "__main__":
    main()
