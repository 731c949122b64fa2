"""Events as lines of JSON, and such lines as events.

A line is an object with the key `camera` first. What else it has says what it is about:

- `edge`: a start or an end of an event, with the fields of `Event` in their order, and `at`, the
  time of day at which the edge was, if that is known;
- `files`: files of an event that have been written;
- `gap`: frames are missing;
- `notice`: something that a person wants to know.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown
from ufvideo_sdk.validation.strict_json import FieldError, as_object, parse_json, plain
from ufvideo_sdk.watch.engine.fact_log import fact_of
from ufvideo_sdk.watch.engine.facts import Event, Gap
from ufvideo_sdk.watch.sources.capture import CaptureNotice

_FIELDS = tuple(each.name for each in dataclasses.fields(Event))
_MAX_LINE = 1 << 24


def event_line(camera: str, event: Event, wall_s: float | None = None) -> str:
    """Return an edge of an event as a line, with its newline.

    Args:
        camera: Name of the camera.
        event: The edge.
        wall_s: The time of day of its start or its end, seconds since 1970; None: unknown.
    """
    at = {} if wall_s is None else {"at": iso_time(wall_s)}
    return _line({"camera": camera, **plain(event), **at})


def files_line(
    camera: str, event: Event, kinds: Mapping[str, Sequence[Path]], problem: str = ""
) -> str:
    """Return the files of an event that have been written, and why one is missing, as a line."""
    files = {kind: [str(path) for path in paths] for kind, paths in kinds.items() if paths}
    said = {"problem": problem} if problem else {}
    return _line({"camera": camera, "files": files, "id": event.id, "rule": event.rule, **said})


def gap_line(camera: str, gap: Gap) -> str:
    """Return a gap as a line."""
    times = {"start_s": gap.start_s, "end_s": gap.end_s}
    return _line({"camera": camera, "gap": gap.cause, **times})


def notice_line(camera: str, notice: CaptureNotice) -> str:
    """Return a notice as a line."""
    rest = {"time_s": notice.time_s, "text": notice.text}
    return _line({"camera": camera, "notice": notice.kind, **rest})


def read_event_lines(path: Path) -> Iterator[tuple[str, Event]]:
    """Read the edges of events of a file of such lines; other lines are passed over.

    Args:
        path: The file.

    Yields:
        The camera and the edge.

    Raises:
        InputError: When the file cannot be read, or a line is none; it names the line.
    """
    with open_plain_file(path, "a file of events") as file:
        number = 0
        while True:
            number += 1
            place = f"{shown(path)}, line {number}"
            try:
                content = file.readline(_MAX_LINE)
            except OSError as error:
                raise reading_failed(error, path, "a file of events") from None
            if not content:
                return
            found = _edge_of(content, place)
            if found is not None:
                yield found


def iso_time(wall_s: float) -> str:
    """Return a time of day as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(wall_s, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _edge_of(content: bytes, place: str) -> tuple[str, Event] | None:
    try:
        value = as_object(parse_json(content.decode("utf-8")))
        if "edge" not in value:
            return None
        camera = value.get("camera")
        if not isinstance(camera, str):
            raise FieldError("camera", "expected the name of a camera")
        fields = {name: value[name] for name in _FIELDS if name in value}
        fact = fact_of(_line({"fact": Event.kind(), **fields}))
    except UnicodeDecodeError:
        raise InputError(f"{place}: expected UTF-8, got other bytes") from None
    except (FieldError, InputError) as error:
        raise InputError(f"{place}: {error}") from None
    if not isinstance(fact, Event):
        raise AssertionError("a line of an event is an event")
    return camera, fact
