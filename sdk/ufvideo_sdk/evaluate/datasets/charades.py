"""Charades-STA: when a sentence is true (Gao et al., TALL, 2017)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.collect import collect
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    list_of,
    number_of,
    read_list,
    text_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, Record, Span

LAYOUT = """\
Charades-STA is a text file beside the videos of Charades at 480 pixels:
  DATA/charades_sta_test.txt, lines such as "3MSZA 24.3 30.4##person turn a light on."
  DATA/Charades_v1_480/3MSZA.mp4
or the released code's records, a JSON list of {image_id, caption, timestamp}, timestamp as parts of
the video; image_id is a path below the folder of the videos."""
_LINE = re.compile(r"(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*##(.+)")


def read_charades(data: Path, videos: Path | None) -> DataSet:
    """Read Charades-STA's test set.

    Args:
        data: The folder of the data set, or the released code's JSON file.
        videos: The folder of the videos; None: the data set's own, or the JSON file's.

    Raises:
        InputError: When a file is missing.
    """
    if data.suffix == ".json":
        entries: list[tuple[str, Any]] = [
            (str(number), entry) for number, entry in enumerate(read_list(data, LAYOUT))
        ]
        root = data.parent if videos is None else videos
        records = collect(entries, lambda key, entry: _released_record(key, entry, root))
        return DataSet("charades-sta", records)
    path = data / "charades_sta_test.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a text file: {error}\n{LAYOUT}") from None
    root = data / "Charades_v1_480" if videos is None else videos
    entries = [(str(n), {"line": line}) for n, line in enumerate(lines, start=1) if line.strip()]
    return DataSet("charades-sta", collect(entries, lambda key, entry: _record(key, entry, root)))


def _record(key: str, entry: dict[str, Any], root: Path) -> Record:
    found = _LINE.fullmatch(entry["line"].strip())
    if found is None:
        raise MalformedError(f"expected VIDEO START END##SENTENCE, got {entry['line'][:80]!r}")
    name, start, end, sentence = found.groups()
    return _span_record(key, root / f"{name}.mp4", name, sentence, _span(start, end, False))


def _released_record(key: str, entry: dict[str, Any], root: Path) -> Record:
    name, caption = text_of(entry, "image_id"), text_of(entry, "caption")
    times = list_of(entry.get("timestamp"), "timestamp")
    if len(times) != 2:
        raise MalformedError(f"timestamp: expected [start, end], got {len(times)} values")
    return _span_record(key, root / name, name, caption, _span(times[0], times[1], True))


def _span_record(key: str, video: Path, name: str, sentence: str, span: Span) -> Record:
    event = sentence.strip(".").strip(" ").lower()
    question = f"When is {event} occur in the video? Only give the start and end timestamp."
    return Record(key, video=video, video_name=name, question=question, span=span)


def _span(start: object, end: object, is_fraction: bool) -> Span:
    values = (start, end) if is_fraction else (float(str(start)), float(str(end)))
    first, last = (number_of(value, "timestamp") for value in values)
    if first > last or first < 0:
        raise MalformedError(f"timestamp: expected a start before its end, got {first} and {last}")
    return Span(first, last, is_fraction)
