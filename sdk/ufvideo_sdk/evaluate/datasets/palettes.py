"""Ref-YouTube-VOS and Ref-DAVIS17: expressions, and masks as pictures whose values are objects.

Seo et al., URVOS, 2020; Khoreva et al., Video Object Segmentation with Language Referring
Expressions, 2018.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.collect import collect, frames_in
from ufvideo_sdk.evaluate.datasets.expressions import segment_question
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    read_videos,
    text_of,
    texts_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, ObjectFrames, Record

YOUTUBE_LAYOUT = """\
Ref-YouTube-VOS is the data set of the third Large-scale Video Object Segmentation Challenge:
  DATA/meta_expressions/valid/meta_expressions.json
  DATA/meta_expressions/test/meta_expressions.json (videos that do not belong to the valid set)
  DATA/valid/JPEGImages/VIDEO/00000.jpg
  DATA/valid/Annotations/VIDEO/00000.png (where you have them: a server scores the valid set)"""
DAVIS_LAYOUT = """\
Ref-DAVIS17 is DAVIS 2017 (Unsupervised, TrainVal, 480p) beside davis_text_annotations:
  DATA/DAVIS/ImageSets/2017/val.txt
  DATA/DAVIS/JPEGImages/480p/VIDEO/00000.jpg
  DATA/DAVIS/Annotations_unsupervised/480p/VIDEO/00000.png
  DATA/davis_text_annotations/Davis17_annot1.txt, Davis17_annot1_full_video.txt,
    Davis17_annot2.txt, Davis17_annot2_full_video.txt
or the same in the layout of Ref-YouTube-VOS (DATA/meta_expressions, DATA/valid)."""
# Their expressions, and how the files are encoded.
ANNOTATORS = {
    "Davis17_annot1": "utf-8",
    "Davis17_annot1_full_video": "utf-8",
    "Davis17_annot2": "latin-1",
    "Davis17_annot2_full_video": "latin-1",
}
# Videos that the files of expressions call otherwise than DAVIS does.
_RENAMED = {"clasic-car": "classic-car", "dog-scale": "dogs-scale", "motor-bike": "motorbike"}
_LINE = re.compile(r"(\S+)\s+(\d+)\s+(.+)")
_QUOTES = "\"'\u201c\u201d"
_VOID = 255


@dataclass(frozen=True)
class LabelMask:
    """Pixels of one value of a palette picture.

    Attributes:
        path: The picture.
        label: The value.
    """

    path: Path
    label: int

    def pixels(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W].

        Raises:
            InputError: When the picture cannot be read, or has no palette.
        """
        try:
            with Image.open(self.path) as picture:
                if picture.mode not in ("P", "L", "1"):
                    raise InputError(
                        f"{self.path}: expected a picture whose values are objects, got mode"
                        f" {picture.mode}"
                    )
                labels = np.asarray(picture)
        except OSError as error:
            raise InputError(f"{self.path}: expected a picture: {error}") from None
        return np.asarray(labels == self.label, np.bool_)


@dataclass(frozen=True)
class DrawnMask:
    """Pixels of a palette picture that are not black, whichever object they belong to.

    Attributes:
        path: The picture.
    """

    path: Path

    def pixels(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W].

        Raises:
            InputError: When the picture cannot be read.
        """
        try:
            with Image.open(self.path) as picture:
                grey = np.asarray(picture.convert("L"))
        except OSError as error:
            raise InputError(f"{self.path}: expected a picture: {error}") from None
        return np.asarray(grey > 0, np.bool_)


def read_ref_youtube_vos(data: Path, videos: Path | None) -> DataSet:
    """Read the valid set of Ref-YouTube-VOS, whose truth a server has.

    Args:
        data: The folder of the data set.
        videos: The folder of the videos' folders; None: `valid/JPEGImages`.

    Raises:
        InputError: When a file is missing.
    """
    path = data / "meta_expressions" / "valid" / "meta_expressions.json"
    by_video = read_videos(path, YOUTUBE_LAYOUT)
    test = data / "meta_expressions" / "test" / "meta_expressions.json"
    not_valid = read_videos(test, YOUTUBE_LAYOUT) if test.is_file() else {}
    kept = {name: content for name, content in by_video.items() if name not in not_valid}
    return _read_folders("ref-youtube-vos", data, videos, kept)


def read_ref_davis17(data: Path, videos: Path | None) -> DataSet:
    """Read the val set of Ref-DAVIS17: four annotators' expressions of each object.

    Args:
        data: The folder of the data set.
        videos: The folder of the videos' folders; None: the data set's own.

    Raises:
        InputError: When a file is missing, or an annotator's has a line that is none.
    """
    path = data / "meta_expressions" / "valid" / "meta_expressions.json"
    if path.is_file():
        return _read_folders("ref-davis17", data, videos, read_videos(path, DAVIS_LAYOUT))
    names = _lines(data / "DAVIS" / "ImageSets" / "2017" / "val.txt", "utf-8")
    frames = data / "DAVIS" / "JPEGImages" / "480p" if videos is None else videos
    annotations = data / "DAVIS" / "Annotations_unsupervised" / "480p"
    entries: list[tuple[str, Any]] = []
    for name, encoding in ANNOTATORS.items():
        file = data / "davis_text_annotations" / f"{name}.txt"
        for video, label, expression in _expressions(file, encoding):
            if video in names:
                entry = {"exp": expression, "obj_id": label, "video": video, "group": name}
                entries.append((f"{video}/{label}/{name}", entry))
    folders = _Folders(frames, annotations)
    return DataSet("ref-davis17", collect(entries, lambda key, entry: folders.record(key, entry)))


def _expressions(path: Path, encoding: str) -> list[tuple[str, str, str]]:
    found = []
    for number, line in enumerate(_lines(path, encoding), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f'{path}:{number}: expected VIDEO OBJECT "EXPRESSION", got {line!r}')
        video, label, expression = match.groups()
        found.append((_RENAMED.get(video, video), label, expression.strip(_QUOTES)))
    return found


def _lines(path: Path, encoding: str) -> list[str]:
    try:
        text = path.read_text(encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a text file: {error}\n{DAVIS_LAYOUT}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_folders(
    benchmark: str, data: Path, videos: Path | None, by_video: Mapping[str, Any]
) -> DataSet:
    frames = data / "valid" / "JPEGImages" if videos is None else videos
    annotations = data / "valid" / "Annotations"
    folders = _Folders(frames, annotations)
    entries: list[tuple[str, Any]] = []
    for video, content in by_video.items():
        expressions = content.get("expressions") if isinstance(content, dict) else None
        if not isinstance(expressions, dict) or not expressions:
            entries.append((video, content))
            continue
        for place, (number, expression) in enumerate(expressions.items()):
            entry = {"video": video, "frames": content.get("frames")}
            entry |= expression if isinstance(expression, dict) else {}
            if benchmark == "ref-davis17":
                # As the layout's converters write them: four of an object, one after the other.
                entry["group"] = list(ANNOTATORS)[place % len(ANNOTATORS)]
            entries.append((f"{video}/{number}", entry))
    records = collect(entries, lambda key, entry: folders.record(key, entry))
    has_truth = any(record.objects for record in records)
    return DataSet(benchmark, records, has_truth)


@dataclass(frozen=True)
class _Folders:
    """Where frames and annotations are, a folder for each video."""

    frames: Path
    annotations: Path

    def record(self, key: str, entry: dict[str, Any]) -> Record:
        video = text_of(entry, "video")
        if entry.get("frames") is None:
            pictures = frames_in(self.frames / video)
        else:
            names = texts_of(entry, "frames")
            pictures = tuple(self.frames / video / f"{name}.jpg" for name in names)
        files = {
            idx: path
            for idx, path in enumerate(
                self.annotations / video / f"{picture.stem}.png" for picture in pictures
            )
            if path.is_file()
        }
        has_truth = bool(files) and "obj_id" in entry
        label = index_of(entry["obj_id"], "obj_id") if has_truth else 0
        if has_truth and not 1 <= label < _VOID:
            raise MalformedError(f"obj_id: expected 1 to {_VOID - 1}, got {label}")
        masks: ObjectFrames = {idx: LabelMask(path, label) for idx, path in files.items()}
        return Record(
            key,
            video=self.frames / video,
            video_name=video,
            frames=pictures,
            question=segment_question(text_of(entry, "exp")),
            expression=text_of(entry, "exp"),
            group=entry.get("group", ""),
            objects=(masks,) if has_truth else (),
            scored_idxs=tuple(files) if has_truth else tuple(range(len(pictures))),
            void={idx: LabelMask(path, _VOID) for idx, path in files.items()},
            annotation_files=files,
        )
