"""VideoRefer-Bench-Q and -D: questions about and descriptions of objects that are pointed at.

Yuan et al., VideoRefer Suite, 2025.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ufvideo_sdk.evaluate.datasets.collect import collect
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    read_list,
    text_of,
    texts_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, Record
from ufvideo_sdk.evaluate.datasets.regions import frame_idxs, objects_of, video_of

LAYOUT_Q = """\
VideoRefer-Bench-Q is a file of the data set DAMO-NLP-SG/VideoRefer-Bench, beside frames of two
other data sets, DAVIS 2017 (TrainVal, Test-Dev and Test-Challenge) and MeViS:
  DATA/VideoRefer-Bench-Q.json
  DATA/DAVIS/JPEGImages/480p/aerobatics/00000.jpg
  DATA/MeViS/valid_u/JPEGImages/VIDEO/00000.jpg"""
LAYOUT_D = """\
VideoRefer-Bench-D is a file of the data set DAMO-NLP-SG/VideoRefer-Bench, and an archive of videos:
  DATA/VideoRefer-Bench-D.json
  DATA/Panda-70M-part/VIDEO.mp4"""
_LETTER = re.compile(r"\(([A-Z])\)\s*")
_BARE_LETTER = re.compile(r"([A-Z])\.?")


def read_videorefer_q(data: Path, videos: Path | None, *, multi_frame: bool = False) -> DataSet:
    """Read VideoRefer-Bench-Q.

    Args:
        data: The folder of the data set, or its JSON file.
        videos: The folder that videos are named in; None: the data set's.
        multi_frame: Point at objects on all frames of a record, else on its `frame_idx` only.

    Raises:
        InputError: When the file is missing or no list.
    """

    def record_of(key: str, entry: dict[str, Any], root: Path) -> Record:
        options, answer = texts_of(entry, "options"), text_of(entry, "Answer")
        letter = _LETTER.match(answer) or _BARE_LETTER.fullmatch(answer)
        letters = [_LETTER.match(option) for option in options]
        if letter is None or letter[1] not in [found[1] for found in letters if found]:
            raise MalformedError(f"Answer: expected a letter of the options, got {answer[:80]!r}")
        question = text_of(entry, "Question").replace("<region>", "[<region>]")
        return _record(
            key,
            entry,
            root,
            multi_frame,
            question=f"{question} {' '.join(options)}. Answer with the option's letter from the"
            " given choices directly.",
            group=text_of(entry, "type"),
            options=tuple(_LETTER.sub("", option, count=1) for option in options),
            answer=answer,
            answer_idx=ord(letter[1]) - ord("A"),
        )

    found = _read("videorefer-q", data, videos, "VideoRefer-Bench-Q.json", LAYOUT_Q, record_of)
    return replace(found, multi_frame=multi_frame)


def read_videorefer_d(data: Path, videos: Path | None, *, multi_frame: bool = False) -> DataSet:
    """Read VideoRefer-Bench-D; see `read_videorefer_q`."""

    def record_of(key: str, entry: dict[str, Any], root: Path) -> Record:
        return _record(
            key,
            entry,
            root,
            multi_frame,
            question="Please give a detailed description of the highlighted object [<region>] in"
            " the video.",
            reference=text_of(entry, "caption"),
        )

    found = _read("videorefer-d", data, videos, "VideoRefer-Bench-D.json", LAYOUT_D, record_of)
    return replace(found, multi_frame=multi_frame)


def _read(
    benchmark: str,
    data: Path,
    videos: Path | None,
    name: str,
    layout: str,
    record_of: Callable[[str, dict[str, Any], Path], Record],
) -> DataSet:
    path = data if data.suffix == ".json" else data / name
    root = path.parent if videos is None else videos
    if videos is None and benchmark == "videorefer-d":
        root = root / "Panda-70M-part"
    entries = [
        (str(entry.get("id", number)) if isinstance(entry, dict) else str(number), entry)
        for number, entry in enumerate(read_list(path, layout))
    ]
    return DataSet(benchmark, collect(entries, lambda key, entry: record_of(key, entry, root)))


def _record(
    key: str, entry: dict[str, Any], root: Path, multi_frame: bool, **fields: Any
) -> Record:
    objects = objects_of(entry)
    idxs = frame_idxs(objects) if multi_frame else (index_of(entry.get("frame_idx"), "frame_idx"),)
    for number, frames in enumerate(objects):
        if not any(frames.get(idx) is not None for idx in idxs):
            raise MalformedError(
                f"annotation[{number}]: expected a mask on frame {idxs[0]}, got none"
            )
    name = text_of(entry, "video")
    video, pictures = video_of(root, name)
    return Record(
        key,
        video=video,
        video_name=name,
        frames=pictures,
        objects=objects,
        region_idxs=idxs,
        **fields,
    )
