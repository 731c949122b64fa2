"""Tensors in safetensors files, found by name and read one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ufvideo_sdk.errors import InputError

INDEX_NAME = "model.safetensors.index.json"


class TensorFiles:
    """The tensors of one folder: a single file, shards with an index, or shards alone.

    Headers are read at once, values only when asked for, from a file that is opened for it and
    closed again: a file that stays open is mapped, and every page of it once read stays in memory
    until something else needs the room. So memory is bounded by the largest tensor.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Path] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        for path in _weight_files(folder):
            for name, shape in _shapes(path).items():
                if name in self._files:
                    raise InputError(
                        f"expected each tensor once, found {name} in"
                        f" {self._files[name].name} and {path.name} ({folder})"
                    )
                self._files[name], self._shapes[name] = path, shape
        self._check_index()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def names(self) -> list[str]:
        """Names of all tensors, sorted."""
        return sorted(self._files)

    def files(self) -> set[Path]:
        """The files that hold a tensor."""
        return set(self._files.values())

    def file_of(self, name: str) -> Path:
        """The file that holds a tensor."""
        return self._files[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, from the header."""
        return self._shapes[name]

    def read(self, name: str) -> torch.Tensor:
        """A tensor in its own dtype, copied out of the file.

        Raises:
            InputError: When the file ends before the tensor does.
        """
        return self._read(name, lambda handle: handle.get_tensor(name))

    def read_rows(self, name: str, begin: int, end: int) -> torch.Tensor:
        """Rows `begin` to `end` of a tensor, otherwise as `read`."""
        return self._read(name, lambda handle: handle.get_slice(name)[begin:end])

    def _read(self, name: str, part: Callable[[Any], torch.Tensor]) -> torch.Tensor:
        path = self._files[name]
        try:
            with _open(path) as handle:
                return part(handle)
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(f"expected a readable tensor {name} in {path}: {error}") from error

    def _check_index(self) -> None:
        index = self.folder / INDEX_NAME
        if not index.is_file():
            return
        for name, file_name in _weight_map(index).items():
            found = self._files.get(name)
            if found is None or found.name != file_name:
                raise InputError(
                    f"expected {name} in {file_name} as {index} says,"
                    f" found it in {found.name if found else 'no file'}"
                )


def has_weights(folder: Path) -> bool:
    """Whether a folder holds safetensors weights of the usual names."""
    return bool(_candidates(folder))


def _candidates(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors")) if folder.is_dir() else []


def _weight_files(folder: Path) -> list[Path]:
    index = folder / INDEX_NAME
    if index.is_file():
        files = [folder / name for name in sorted(set(_weight_map(index).values()))]
        for path in files:
            if path.parent != folder or not path.is_file():
                raise InputError(f"expected the shard {path.name} that {index} names, found none")
        return files
    files = _candidates(folder)
    if not files:
        raise InputError(f"expected model.safetensors or its shards in {folder}, found none")
    return files


def _weight_map(index: Path) -> Mapping[str, str]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        if all(isinstance(key, str) and isinstance(weight_map[key], str) for key in weight_map):
            return dict(weight_map)
    except (ValueError, KeyError, TypeError, OSError):
        pass
    raise InputError(f"expected an index with a weight_map of names to files in {index}")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Of each tensor of a file, from its header."""
    with _open(path) as handle:
        names = list(handle.keys())
        return {name: tuple(handle.get_slice(name).get_shape()) for name in names}


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"expected a readable safetensors file, {path} is none: {error}"
        ) from error
