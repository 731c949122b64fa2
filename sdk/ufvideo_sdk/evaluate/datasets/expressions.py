"""MeViS and ReVOS: expressions, and masks by annotation in a file of their own.

Ding et al., MeViS, 2023; Yan et al., VISA, 2024.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ufvideo_sdk.evaluate.datasets.collect import collect
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    list_of,
    mask_of,
    object_of,
    read_json,
    read_videos,
    text_of,
    texts_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, ObjectFrames, Pixels, Record, UnionMask

MEVIS_LAYOUT = """\
MeViS is a folder for each split, as its makers publish it; val-u has masks, val has none:
  DATA/{split}/JPEGImages/VIDEO/00000.jpg
  DATA/{split}/meta_expressions.json
  DATA/{split}/mask_dict.json (val-u only)"""
REVOS_LAYOUT = """\
ReVOS is a folder as its makers publish it:
  DATA/JPEGImages/VIDEO/00000.jpg
  DATA/meta_expressions_valid_.json
  DATA/mask_dict.json"""
# What kinds of expressions ReVOS has; objects of the third kind are not in the video.
REVOS_TYPES = {0: "referring", 1: "reasoning", 2: "absent"}


def segment_question(expression: str) -> str:
    """The prompt of the released evaluation."""
    return f"Please segment the {expression.strip().lower()} in this image."


def read_mevis_val_u(data: Path, videos: Path | None) -> DataSet:
    """Read MeViS val-u.

    Args:
        data: The folder of MeViS, or that of the split.
        videos: The folder of the videos' folders; None: `JPEGImages` of the split.

    Raises:
        InputError: When a file is missing, or is none of MeViS.
    """
    layout = MEVIS_LAYOUT.format(split="valid_u")
    folder = _split(data, "valid_u")
    return _read("mevis-val-u", folder, videos, "meta_expressions.json", layout)


def read_mevis_val(data: Path, videos: Path | None) -> DataSet:
    """Read MeViS val, which a server scores; see `read_mevis_val_u`."""
    layout = MEVIS_LAYOUT.format(split="valid")
    folder = _split(data, "valid")
    return _read("mevis-val", folder, videos, "meta_expressions.json", layout, has_truth=False)


def read_revos(data: Path, videos: Path | None) -> DataSet:
    """Read the valid set of ReVOS; see `read_mevis_val_u`."""
    return _read("revos", data, videos, "meta_expressions_valid_.json", REVOS_LAYOUT)


def _split(data: Path, split: str) -> Path:
    return data / split if (data / split).is_dir() else data


def _read(
    benchmark: str,
    folder: Path,
    videos: Path | None,
    name: str,
    layout: str,
    *,
    has_truth: bool = True,
) -> DataSet:
    by_video = read_videos(folder / name, layout)
    annotations = _Annotations(read_json(folder / "mask_dict.json", layout) if has_truth else None)
    root = folder / "JPEGImages" if videos is None else videos
    entries: list[tuple[str, Any]] = []
    for video, content in by_video.items():
        expressions = content.get("expressions") if isinstance(content, dict) else None
        if not isinstance(expressions, dict) or not expressions:
            entries.append((video, content))
            continue
        for number, expression in expressions.items():
            entry = {"video": video, "frames": content.get("frames"), "expression": expression}
            entries.append((f"{video}/{number}", entry))
    records = collect(entries, lambda key, entry: _record(key, entry, root, annotations))
    return DataSet(benchmark, records, has_truth)


class _Annotations:
    """Masks by annotation, made once for all expressions that name it."""

    def __init__(self, content: Any) -> None:
        self._content = content
        self._made: dict[str, tuple[Pixels | None, ...]] = {}

    def __bool__(self) -> bool:
        return self._content is not None

    def of(self, name: str, num_frames: int) -> tuple[Pixels | None, ...]:
        """The masks of one annotation, by frame."""
        if name not in self._made:
            codes = object_of(self._content, "mask_dict").get(name)
            codes = list_of(codes, f"mask_dict.{name}")
            self._made[name] = tuple(
                mask_of(code, f"mask_dict.{name}[{number}]") for number, code in enumerate(codes)
            )
        masks = self._made[name]
        if len(masks) != num_frames:
            raise MalformedError(
                f"mask_dict.{name}: expected {num_frames} frames of the video, got {len(masks)}"
            )
        return masks


def _record(key: str, entry: dict[str, Any], root: Path, annotations: _Annotations) -> Record:
    expression = object_of(entry.get("expression"), "expressions")
    names = texts_of(entry, "frames")
    video = text_of(entry, "video")
    objects: tuple[ObjectFrames, ...] = ()
    if annotations:
        objects = (_object(expression, annotations, len(names)),)
    group = ""
    if "type_id" in expression:
        kind = index_of(expression["type_id"], "type_id")
        if kind not in REVOS_TYPES:
            raise MalformedError(f"type_id: expected one of {list(REVOS_TYPES)}, got {kind}")
        group = REVOS_TYPES[kind]
    return Record(
        key,
        video=root / video,
        video_name=video,
        frames=_frames(root / video, names),
        question=segment_question(text_of(expression, "exp")),
        expression=text_of(expression, "exp"),
        group=group,
        objects=objects,
        scored_idxs=tuple(range(len(names))),
    )


@lru_cache(maxsize=1)
def _frames(folder: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """Files of frames, which all expressions of a video share."""
    return tuple(folder / f"{name}.jpg" for name in names)


def _object(expression: dict[str, Any], annotations: _Annotations, num_frames: int) -> ObjectFrames:
    """The pixels of all annotations of an expression together, by frame."""
    names = [str(name) for name in list_of(expression.get("anno_id"), "anno_id")]
    parts = [annotations.of(name, num_frames) for name in names]
    by_frame: dict[int, Pixels | None] = {}
    for idx in range(num_frames):
        found = tuple(part[idx] for part in parts)
        seen = tuple(mask for mask in found if mask is not None)
        by_frame[idx] = None if not seen else seen[0] if len(seen) == 1 else UnionMask(seen)
    return by_frame
