"""Objects that questions of VideoRefer-Bench and UFVideo-Bench point at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ufvideo_sdk.evaluate.datasets.collect import frames_in
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    list_of,
    mask_of,
    object_of,
)
from ufvideo_sdk.evaluate.datasets.record import ObjectFrames


def objects_of(entry: dict[str, Any]) -> tuple[ObjectFrames, ...]:
    """The `annotation` of a record: masks of each object, in the order of the file.

    Raises:
        MalformedError: When there is no object, one has no frame, or a code is none.
    """
    objects = list_of(entry.get("annotation"), "annotation")
    if not objects:
        raise MalformedError("annotation: expected one object or more, got none")
    return tuple(_frames(each, f"annotation[{number}]") for number, each in enumerate(objects))


def _frames(value: object, where: str) -> ObjectFrames:
    frames = object_of(value, where)
    if not frames:
        raise MalformedError(f"{where}: expected one frame or more, got none")
    masks = {}
    for name, content in frames.items():
        place = f"{where}.{name[:20]}"
        code = None if content is None else object_of(content, place).get("segmentation")
        masks[index_of(name, place)] = mask_of(code, f"{place}.segmentation")
    return masks


def frame_idxs(objects: Iterable[ObjectFrames]) -> tuple[int, ...]:
    """All frames that some object has, in order."""
    return tuple(sorted({idx for frames in objects for idx in frames}))


def video_of(root: Path, name: str) -> tuple[Path, tuple[Path, ...]]:
    """A video below the root, and its frames if it is a folder of them."""
    video = root / name
    return video, frames_in(video)
