"""What a watch tells a program."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.sinks.event_lines import event_line


@dataclass(frozen=True)
class CameraEvent:
    """An edge of an event of one camera.

    Attributes:
        camera: Name of the camera.
        event: The edge: its start or its end, which have the same id.
        wall_s: Time of day of the edge, seconds since 1970 in UTC; None where unknown.
    """

    camera: str
    event: Event
    wall_s: float | None

    @property
    def edge(self) -> str:
        """Either "start" or "end"."""
        return self.event.edge

    @property
    def id(self) -> int:
        """Number of the event: 1, 2 and so on in the order of the camera's starts."""
        return self.event.id

    @property
    def rule(self) -> str:
        """Name of the rule."""
        return self.event.rule

    @property
    def start_s(self) -> float:
        """Stream time of its start."""
        return self.event.start_s

    @property
    def end_s(self) -> float | None:
        """Stream time of its end; None at its start."""
        return self.event.end_s

    @property
    def reason(self) -> str:
        """Why, in words."""
        return self.event.reason

    def to_json(self) -> str:
        """Return one line of JSON, as the sink `json_lines` writes it."""
        return event_line(self.camera, self.event, self.wall_s).rstrip("\n")

    def __str__(self) -> str:
        """As people read it."""
        time_s = self.start_s if self.end_s is None else self.end_s
        edge = "starts" if self.edge == "start" else "ends"
        return f"{self.camera}: {time_s:.2f} s: {self.rule} {self.id} {edge}: {self.reason}"


@dataclass(frozen=True)
class CameraNotice:
    """Something that a person wants to know of a camera.

    Attributes:
        camera: Name of the camera.
        kind: Such as "dark", "frozen", "lost", "resumed", "size", "budget", "disk" or "tracking".
        time_s: Stream time at which it was noticed.
        text: The same in words; no credential is part of it.
    """

    camera: str
    kind: str
    time_s: float
    text: str

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.camera}: {self.time_s:.2f} s: {self.kind}: {self.text}"
