"""UFVideo-Bench: PixRQA, PixHQA and PixTRQA, as the released code reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.collect import collect
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    list_of,
    object_of,
    read_list,
    text_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, Record, Span
from ufvideo_sdk.evaluate.datasets.regions import frame_idxs, objects_of, video_of
from ufvideo_sdk.evaluate.time_tokens import spans_of

PIXRQA_QUESTION = (
    "There is 1 objects in the video: object_1: [<region>]. Please give a detailed description of"
    " what is the object_1 doing in the video. And please generate the mask in every frames?"
)
LAYOUT = """\
{task} is a file of the data set Hevven/UFVideo-Bench, a JSON list of {fields};
its videos are those of VideoRefer-Bench (Panda-70M-part). Name the file, or a folder with one JSON
file that has {task} in its name:
  DATA/...{task}....json
  DATA/VIDEO.mp4, or elsewhere, named as the folder of the videos"""
_FIELDS = {
    "PixRQA": "{id, video, caption, annotation}",
    "PixHQA": "{id, video, frame_idx, conversations, annotation}",
    "PixTRQA": "{id, video, frame_idx, conversations, annotation}",
}


def read_pixrqa(data: Path, videos: Path | None) -> DataSet:
    """Read PixRQA: each object's first frame is pointed at, the frames behind it are segmented.

    Args:
        data: The JSON file, or a folder with it.
        videos: The folder of the videos; None: the file's.

    Raises:
        InputError: When the file is missing or no list.
    """
    return _read("PixRQA", data, videos)


def read_pixhqa(data: Path, videos: Path | None) -> DataSet:
    """Read PixHQA: a question with a time, answered by words and masks; see `read_pixrqa`."""
    return _read("PixHQA", data, videos)


def read_pixtrqa(data: Path, videos: Path | None) -> DataSet:
    """Read PixTRQA: a question answered by a span, words and masks; see `read_pixrqa`."""
    return _read("PixTRQA", data, videos)


def layout_of(task: str) -> str:
    """What the data set of a task is called, and how it must look."""
    return LAYOUT.format(task=task, fields=_FIELDS[task])


def _read(task: str, data: Path, videos: Path | None) -> DataSet:
    path = data if data.suffix == ".json" else _only_file(task, data)
    root = path.parent if videos is None else videos
    entries = [
        (str(entry.get("id", number)) if isinstance(entry, dict) else str(number), entry)
        for number, entry in enumerate(read_list(path, layout_of(task)))
    ]
    make = {"PixRQA": _region_record, "PixHQA": _conversation_record, "PixTRQA": _span_record}[task]
    return DataSet(task.lower(), collect(entries, lambda key, entry: make(key, entry, root)))


def _only_file(task: str, folder: Path) -> Path:
    found = sorted(path for path in folder.glob("*.json") if task.lower() in path.name.lower())
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(f"{folder}: expected one such file, got {names}\n{layout_of(task)}")
    return found[0]


def _region_record(key: str, entry: dict[str, Any], root: Path) -> Record:
    objects = objects_of(entry)
    for number, frames in enumerate(objects):
        if len(frames) < 2 or frames[min(frames)] is None:
            raise MalformedError(
                f"annotation[{number}]: expected a mask on the first of two frames or more"
            )
    idxs = frame_idxs(objects)
    return _record(
        key,
        entry,
        root,
        question=PIXRQA_QUESTION,
        reference=text_of(entry, "caption"),
        objects=objects,
        # The question has one mark: the first object.
        region_idxs=(min(objects[0]),),
        scored_idxs=idxs[1:],
    )


def _conversation_record(key: str, entry: dict[str, Any], root: Path) -> Record:
    turns = list_of(entry.get("conversations"), "conversations")
    turns = list_of(turns[0] if turns else None, "conversations[0]")
    if len(turns) < 2:
        raise MalformedError("conversations[0]: expected a question and an answer")
    asked, told = (object_of(turn, "conversations[0]") for turn in turns[:2])
    idxs = list_of(entry.get("frame_idx"), "frame_idx")
    return _record(
        key,
        entry,
        root,
        question=text_of(asked, "value").removeprefix("<video>").lstrip("\n"),
        reference=text_of(told, "value"),
        objects=objects_of(entry),
        scored_idxs=tuple(index_of(idx, "frame_idx") for idx in idxs),
    )


def _span_record(key: str, entry: dict[str, Any], root: Path) -> Record:
    record = _conversation_record(key, entry, root)
    spans = spans_of(record.reference or "")
    if not spans or spans[0][0] > spans[0][1]:
        raise MalformedError("conversations[0]: expected {<TEMP-aaa><TEMP-bbb>} in the answer")
    return replace(record, span=Span(*spans[0], is_fraction=True))


def _record(key: str, entry: dict[str, Any], root: Path, **fields: Any) -> Record:
    name = text_of(entry, "video")
    video, pictures = video_of(root, name)
    return Record(key, video=video, video_name=name, frames=pictures, **fields)
