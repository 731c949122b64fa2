"""What a program elsewhere is told of an event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ufvideo_sdk.validation.strict_json import plain
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.sinks.event_lines import iso_time
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.sources.capture import CaptureNotice

FORMAT_VERSION = 1
_NO_PLAIN = re.compile(r"[^\w-]+")


@dataclass(frozen=True)
class CameraNames:
    """Names of a camera and of its rules.

    Attributes:
        name: The camera's name.
        plain_name: The same for files and topics (`plain_names`).
        rules: The same for each rule, by its name.
    """

    name: str
    plain_name: str
    rules: Mapping[str, str]


@dataclass(frozen=True)
class EventMessage:
    """An edge of an event, with the files that have been written.

    Attributes:
        run: Which run of the program it is; ids of events begin anew with each.
        camera: Name of the camera.
        camera_name: Its name for files and topics (`plain_names`).
        rule_name: The same of the rule.
        event: The edge.
        question: The words of the rule's question.
        answer: The answer that was the latest; None of a question that is tracked.
        started_at: Time of day of the event's start, seconds since 1970; None: unknown.
        ended_at: Time of day of its end; None: unknown, or a start.
        clips: Files of its clip.
        snapshots: Frames that are evidence.
        problem: Why a file is missing; empty if none is.
    """

    run: str
    camera: str
    camera_name: str
    rule_name: str
    event: Event
    question: str
    answer: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    clips: tuple[Path, ...] = ()
    snapshots: tuple[Path, ...] = ()
    problem: str = ""

    @property
    def key(self) -> str:
        """The same for each attempt to tell of this edge, and for no other edge."""
        return f"{self.run}-{self.camera_name}-{self.event.id}-{self.event.edge}"

    def to_json(self) -> str:
        """Return the message as a JSON object, without a newline."""
        value: dict[str, Any] = {
            "version": FORMAT_VERSION,
            "key": self.key,
            "camera": self.camera,
            **plain(self.event),
            "started_at": None if self.started_at is None else iso_time(self.started_at),
            "ended_at": None if self.ended_at is None else iso_time(self.ended_at),
            "question": self.question,
            "answer": self.answer,
            "clips": [str(each) for each in self.clips],
            "snapshots": [str(each) for each in self.snapshots],
        }
        if self.problem:
            value["problem"] = self.problem
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Publisher(Protocol):
    """Tells a program elsewhere. None of these calls waits."""

    @property
    def stats(self) -> SinkStats:
        """Counts so far."""

    def add_camera(self, camera: CameraNames) -> None:
        """A camera is watched from now on."""

    def edge(self, message: EventMessage) -> None:
        """An event has started or ended; its files may not have been written yet."""

    def publish(self, message: EventMessage) -> None:
        """Tell of an edge of an event; its files have been written."""

    def notice(self, camera: CameraNames, notice: CaptureNotice) -> None:
        """Tell of something else that a person wants to know."""

    def close(self, timeout_s: float) -> None:
        """Tell what waits within a time, and end the thread."""


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name for files and topics for each name: letters, digits, _ and -, each once."""
    found: dict[str, str] = {}
    for name in names:
        plain_name = _NO_PLAIN.sub("_", name).strip("_")[:64] or "camera"
        number, free = 1, plain_name
        while free.lower() in {each.lower() for each in found.values()}:
            number += 1
            free = f"{plain_name}-{number}"
        found[name] = free
    return found
