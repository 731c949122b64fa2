"""Records made one by one, each kept with what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ufvideo_sdk.evaluate.datasets.fields import MalformedError, object_of
from ufvideo_sdk.evaluate.datasets.record import Reason, Record

PICTURES = frozenset({".jpg", ".jpeg", ".png"})


def collect(
    entries: Iterable[tuple[str, Any]], record_of: Callable[[str, dict[str, Any]], Record]
) -> tuple[Record, ...]:
    """Make the records of a file; what is wrong with one is noted in it.

    Args:
        entries: A key and the content of each record. Keys that come again get " (2)" behind them.
        record_of: Makes a record, or raises MalformedError.
    """
    records: list[Record] = []
    seen: dict[str, int] = {}
    for key, entry in entries:
        seen[key] = seen.get(key, 0) + 1
        unique = key if seen[key] == 1 else f"{key} ({seen[key]})"
        try:
            record = record_of(key, object_of(entry, "record"))
        except MalformedError as error:
            record = Record(unique, id=key, problem=Reason.MALFORMED, problem_text=str(error))
        record = replace(record, key=unique, id=record.id or key)
        if seen[key] > 1 and record.problem is None:
            text = f"expected an id that no record before it has, got {key} again"
            record = replace(record, problem=Reason.DUPLICATE, problem_text=text)
        records.append(record)
    missing: dict[int, Path | None] = {}
    for record in records:
        # Records of a video share its frames: looked for once.
        if id(record.frames) not in missing:
            missing[id(record.frames)] = next((p for p in record.frames if not p.is_file()), None)
    return tuple(_with_video_problem(each, missing[id(each.frames)]) for each in records)


def _with_video_problem(record: Record, missing: Path | None) -> Record:
    """The record with a note if its video, or one of its frames, is not there."""
    if record.problem is not None:
        return record
    text = ""
    if missing is None and not record.video.exists():
        missing = record.video
    if missing is not None:
        text = f"{missing}: expected this file, got none"
    elif record.video.is_dir() and not record.frames:
        text = f"{record.video}: expected a folder of frames, got one without pictures"
    return replace(record, problem=Reason.MISSING_VIDEO, problem_text=text) if text else record


def frames_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, by name; none if it is no folder."""
    if not folder.is_dir():
        return ()
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    return tuple(folder / name for name in names if Path(name).suffix.lower() in PICTURES)
