"""Tensors in safetensors files, found by name and read one at a time."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ufvideo_export.checkpoint.other_formats import (
    foreign_weights,
    is_lfs_pointer,
    names_in,
    refuse_dtype,
    refuse_other_names,
)
from ufvideo_sdk.errors import InputError

INDEX_NAME = "model.safetensors.index.json"


class TensorFiles:
    """The tensors of one folder: a single file, shards with an index, or shards alone.

    Headers are read at once, values only when asked for, from a file that is opened for it and
    closed again: a file that stays open is mapped, and every page of it once read stays in memory
    until something else needs the room. So memory is bounded by the largest tensor.

    Attributes:
        folder: Where they lie.
        ignored: Names of the tensors that the caller leaves out; everything here goes as if the
            files did not hold them.
    """

    def __init__(self, folder: Path, ignore: Sequence[str] = ()) -> None:
        """Read the headers of a folder's files.

        Args:
            folder: Where they lie.
            ignore: Patterns of names to leave out, with `*`, `?` and `[...]`.

        Raises:
            InputError: When there are no such files, one is unreadable or belongs to no index, a
                tensor is there twice, or one is an adapter's or a quantised weight's.
        """
        self.folder = folder
        self._files: dict[str, Path] = {}
        self._headers: dict[str, tuple[tuple[int, ...], str]] = {}
        for path in _weight_files(folder):
            for name, header in _headers(path).items():
                if name in self._files:
                    raise InputError(
                        f"expected each tensor once, found {name} in"
                        f" {self._files[name].name} and {path.name} ({folder})"
                    )
                self._files[name], self._headers[name] = path, header
        self._check_index()
        self.ignored = tuple(
            name for name in self.names() if any(fnmatch.fnmatchcase(name, each) for each in ignore)
        )
        for name in self.ignored:
            del self._files[name], self._headers[name]
        refuse_other_names(self.names(), folder)

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
        return self._headers[name][0]

    def check_dtype(self, name: str) -> None:
        """Check that a tensor's values are the weights themselves.

        Raises:
            InputError: For the dtypes of quantised weights; see `refuse_dtype`.
        """
        refuse_dtype(name, self._headers[name][1], self._files[name])

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
    return bool(_candidates(names_in(folder)))


def weight_names(names: Collection[str], index: Path | None, folder: object) -> list[str]:
    """Which files of a folder hold its weights.

    Args:
        names: What is in it.
        index: Its INDEX_NAME, if it has one.
        folder: Which one it is, for the message: a path or a repository.

    Raises:
        InputError: When there are none, one that the index names is missing, or one is not named.
    """
    found = _candidates(names) if index is None else sorted(set(_weight_map(index).values()))
    for name in found:
        if name not in names:
            raise InputError(
                f"expected the shard {Path(name).name} that {folder}/{INDEX_NAME} names, found none"
            )
    if not found:
        raise InputError(
            f"expected model.safetensors or its shards in {folder},"
            f" {foreign_weights(names) or 'found none'}"
        )
    unread = sorted(set(fnmatch.filter(names, "*.safetensors")) - set(found))
    if unread:
        known = "named model*.safetensors" if index is None else f"that {INDEX_NAME} names"
        raise InputError(
            f"expected only weights {known} in {folder}, found {', '.join(unread)}: a part of the"
            " model may be in it; move it out of the folder if it belongs to another model"
        )
    return found


def _candidates(names: Collection[str]) -> list[str]:
    return sorted(fnmatch.filter(names, "model*.safetensors"))


def _weight_files(folder: Path) -> list[Path]:
    index = folder / INDEX_NAME
    # A link that leads nowhere is no shard.
    names = {
        name
        for name in names_in(folder)
        if not name.endswith(".safetensors") or (folder / name).is_file()
    }
    found = weight_names(names, index if index.is_file() else None, folder)
    return [folder / name for name in found]


def _weight_map(index: Path) -> Mapping[str, str]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        if all(isinstance(key, str) and isinstance(weight_map[key], str) for key in weight_map):
            return dict(weight_map)
    except (ValueError, KeyError, TypeError, OSError):
        pass
    raise InputError(f"expected an index with a weight_map of names to files in {index}")


def _headers(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of each tensor of a file."""
    with _open(path) as handle:
        slices = {name: handle.get_slice(name) for name in list(handle.keys())}
        return {
            name: (tuple(each.get_shape()), str(each.get_dtype())) for name, each in slices.items()
        }


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError, ValueError) as error:
        if is_lfs_pointer(path):
            raise InputError(
                f"expected a safetensors file, {path} is a pointer of Git LFS: run git lfs pull in"
                " the repository"
            ) from None
        raise InputError(
            f"expected a readable safetensors file, {path} is none: {error}"
        ) from error
