"""What a run of `watch` looks like at one moment, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ufvideo_sdk.watch.engine.facts import Event, FoundObject


@dataclass(frozen=True)
class StageLatency:
    """How long one stage takes.

    Attributes:
        name: Such as "vision_encoder", "language_model", "ask" (a whole batch of questions) or
            "delay" (from the arrival of a frame to the answer about it).
        num_calls: How often it ran since the start.
        last_ms: The latest time in milliseconds; None if only the mean is known.
        mean_ms: The mean since the start.
    """

    name: str
    num_calls: int
    last_ms: float | None
    mean_ms: float


@dataclass(frozen=True)
class LastAnswer:
    """The latest answer to a question.

    Attributes:
        question: Name of the question.
        time_s: Stream time of the newest frame that it is about.
        text: What the model answered, in one line.
    """

    question: str
    time_s: float
    text: str


@dataclass(frozen=True)
class LiveTracked:
    """The objects of a `track` question on its latest frame.

    Attributes:
        question: Name of the question.
        time_s: Stream time of the frame.
        objects: The objects that are there.
    """

    question: str
    time_s: float
    objects: tuple[FoundObject, ...]


@dataclass(frozen=True)
class LastNotice:
    """Something that a person wants to know of a camera.

    Attributes:
        kind: Such as "dark", "lost", "resumed", "budget" or "disk".
        time_s: Stream time at which it was noticed.
        text: The same in words; no credential is part of it.
    """

    kind: str
    time_s: float
    text: str


@dataclass(frozen=True)
class CameraStatus:
    """One camera.

    Attributes:
        name: Name of the camera.
        source: What is read, without credentials.
        state: "opening", "live", "gap" (frames are missing) or "ended".
        time_s: Stream time of the newest frame; None before the first one.
        wall_s: Time of day of the newest frame, seconds since 1970 in UTC; None where unknown.
        num_frames: Frames that were looked at.
        frame_rate: Frames a second that arrive; None before it is known.
        looked_at_rate: Frames a second of stream time that are looked at, of the latest ones.
        clock: Quality of the clock: "camera", "arrival" or "file".
        clock_error_s: How far stream time is from arrival; None before it is known.
        num_connections: Connections that gave a frame.
        dropped_by: What was not looked at or not asked, by cause: those of `CaptureStats`, and
            "budget" and others of questions with "question: " before the cause.
        num_asked: Questions that were asked.
        num_failed: Questions without an answer.
        stages: Latency of every stage, in order.
        answers: The latest answer to each question, in the order of the file.
        tracks: The objects of each `track` question.
        under_way: Starts of the events that are under way.
        events: The latest edges of events, oldest first, at most 20.
        notices: The latest notices, oldest first, at most 20.
        recording: Folder of the recording; empty without one.
        recorded_bytes: What the recording takes.
    """

    name: str
    source: str
    state: str
    time_s: float | None = None
    wall_s: float | None = None
    num_frames: int = 0
    frame_rate: float | None = None
    looked_at_rate: float | None = None
    clock: str = "arrival"
    clock_error_s: float | None = None
    num_connections: int = 0
    dropped_by: dict[str, int] = field(default_factory=dict)
    num_asked: int = 0
    num_failed: int = 0
    stages: tuple[StageLatency, ...] = ()
    answers: tuple[LastAnswer, ...] = ()
    tracks: tuple[LiveTracked, ...] = ()
    under_way: tuple[Event, ...] = ()
    events: tuple[Event, ...] = ()
    notices: tuple[LastNotice, ...] = ()
    recording: str = ""
    recorded_bytes: int = 0


@dataclass(frozen=True)
class WatchStatus:
    """A run of `watch` at one moment. `Watch.status` returns it, from any thread.

    Attributes:
        running_s: Seconds since the start.
        machine_share: The part of the machine that was used in the latest ten seconds, from 0.0 to
            1.0; None before it is known.
        budget: The part that may be used; None without a bound.
        giving_way: What the budget leaves out now, in the order in which it gave way; empty:
            nothing.
        memory_bytes: What the streams hold: features, pixels, video tokens and caches.
        cameras: Each camera, in the order of their turns.
    """

    running_s: float
    machine_share: float | None
    budget: float | None
    giving_way: tuple[str, ...]
    memory_bytes: int
    cameras: tuple[CameraStatus, ...]
