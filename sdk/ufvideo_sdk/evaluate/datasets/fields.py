"""Values of JSON files, checked one by one: what is wrong with a record is said, and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ufvideo_sdk import InputError, MaskTrack, ObjectMask


class MalformedError(Exception):
    """What is wrong with one record; the reader keeps the record with this text."""


def read_json(path: Path, layout: str) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: When it cannot be read or is no JSON; the message has the layout.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be read: {error}\n{layout}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON: {error}") from None


def read_list(path: Path, layout: str) -> list[Any]:
    """The content of a JSON file that is a list.

    Raises:
        InputError: When it is something else; others as `read_json`.
    """
    content = read_json(path, layout)
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list of records, got {kind_of(content)}\n{layout}")
    return content


def read_videos(path: Path, layout: str) -> dict[str, Any]:
    """The `videos` of a file of expressions.

    Raises:
        InputError: When it has none; others as `read_json`.
    """
    content = read_json(path, layout)
    videos = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(videos, dict):
        raise InputError(
            f'{path}: expected an object with "videos", got {kind_of(content)}\n{layout}'
        )
    return videos


def object_of(value: object, where: str) -> dict[str, Any]:
    """The value as a JSON object."""
    if not isinstance(value, dict):
        raise MalformedError(f"{where}: expected an object, got {kind_of(value)}")
    return value


def list_of(value: object, where: str) -> list[Any]:
    """The value as a JSON list."""
    if not isinstance(value, list):
        raise MalformedError(f"{where}: expected a list, got {kind_of(value)}")
    return value


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """A string of one character or more."""
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{key}: expected a string, got {kind_of(value)}")
    return value


def texts_of(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of strings, one or more."""
    values = list_of(entry.get(key), key)
    if not values or not all(isinstance(value, str) for value in values):
        raise MalformedError(f"{key}: expected strings, got {str(values)[:80]}")
    return tuple(values)


def number_of(value: object, where: str) -> float:
    """A finite number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not np.isfinite(value):  # type: ignore[call-overload]
        raise MalformedError(f"{where}: expected a number, got {kind_of(value)}")
    return float(value)  # type: ignore[arg-type]


def index_of(value: object, where: str) -> int:
    """An index from 0 on, as a number or as digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise MalformedError(f"{where}: expected an index from 0 on, got {str(value)[:80]!r}")


def mask_of(value: object, where: str) -> ObjectMask | None:
    """A COCO run-length code as a mask; None for null."""
    if value is None:
        return None
    if isinstance(value, list):
        raise MalformedError(f"{where}: expected a run-length code, got polygons")
    code = object_of(value, where)
    size, counts = code.get("size"), code.get("counts")
    if not isinstance(size, list) or len(size) != 2:
        raise MalformedError(f"{where}.size: expected [height, width], got {kind_of(size)}")
    height, width = (index_of(side, f"{where}.size") for side in size)
    try:
        if isinstance(counts, list):
            return _uncompressed(counts, height, width)
        if isinstance(counts, str):
            return ObjectMask(counts, 1.0, height, width)
    except InputError as error:
        raise MalformedError(f"{where}: {error}") from None
    raise MalformedError(f"{where}.counts: expected a string or runs, got {kind_of(counts)}")


def _uncompressed(counts: list[Any], height: int, width: int) -> ObjectMask:
    """Runs as plain numbers, which go down the columns and begin with zeros."""
    runs = [index_of(count, "counts") for count in counts]
    if sum(runs) != height * width:
        raise MalformedError(f"counts: expected {height * width} pixels, got {sum(runs)}")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    track = MaskTrack.from_masks(
        np.zeros(1, np.int64), np.zeros(1), np.ascontiguousarray(pixels)[None], np.ones(1, "f4")
    )
    return track[0]


def kind_of(value: object) -> str:
    """What a value is, for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return f"{str(value)[:80]!r}"
