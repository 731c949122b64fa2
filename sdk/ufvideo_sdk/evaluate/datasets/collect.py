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
    return tuple(with_video_problem(record) for record in records)


def with_video_problem(record: Record) -> Record:
    """The record with a note if its video, or one of its frames, is not there."""
    if record.problem is not None:
        return record
    missing = next((path for path in record.frames if not path.is_file()), None)
    if missing is None and not record.video.exists():
        missing = record.video
    if missing is None and record.video.is_dir() and not record.frames:
        return replace(
            record,
            problem=Reason.MISSING_VIDEO,
            problem_text=f"{record.video}: expected a folder of frames, got one without pictures",
        )
    if missing is None:
        return record
    text = f"{missing}: expected this file, got none"
    return replace(record, problem=Reason.MISSING_VIDEO, problem_text=text)


def frames_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, by name; none if it is no folder."""
    if not folder.is_dir():
        return ()
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    return tuple(folder / name for name in names if Path(name).suffix.lower() in PICTURES)
