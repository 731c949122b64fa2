"""An object carried through a stream."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Protocol, TypeVar

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.tracking.track_maker import TrackMaker
from ufvideo_sdk.tracking.tracking_pass import Step
from ufvideo_sdk.validation.short_text import quoted

Self = TypeVar("Self", bound="LiveTrack")

# Frames and events that wait to be read. A stream goes on for months, and a track that nobody reads
# must not grow with it: five minutes of 4 frames a second, some hundred KB.
MAX_UNREAD_FRAMES = 1200
# Of `events`, which are kept when they have been read.
MAX_EVENTS = 1000


class LiveTracksOwner(Protocol):
    """What a live track asks of the tracks of its stream."""

    def advance(self, cancel: CancellationToken | None) -> None:
        """Carry all tracks of the stream on to the newest frame of its window."""

    def end(self, track_id: int) -> list[TrackEvent]:
        """Drop a track; the event of its end."""


class LiveTrack:
    """One object of a stream, carried on by memory whenever it is read.

    A stream's frames are tracked when a track is read, not when they are pushed: `read` carries all
    tracks of the stream on over the frames of the window that have come since, oldest first. Frames
    that have left the window by then are counted in `num_skipped`; so read at least once in the
    time that the window spans. Like the stream's questions, it belongs to one thread at a time.

        with stream.track("the red car") as track:
            while running:
                for found in track.read().by_frame():
                    ...
    """

    def __init__(self, owner: LiveTracksOwner, track_id: int, name: str, maker: TrackMaker) -> None:
        """Made by `Stream.track`.

        Args:
            owner: The tracks of the stream.
            track_id: Number of the track.
            name: What is tracked.
            maker: Makes what `read` returns.
        """
        self._owner: LiveTracksOwner | None = owner
        self._id = track_id
        self._name = name
        self._maker = maker
        self._steps: deque[Step] = deque()
        self._unread_events: deque[TrackEvent] = deque(maxlen=MAX_EVENTS)
        self._events: deque[TrackEvent] = deque(maxlen=MAX_EVENTS)
        self._num_skipped = 0

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def id(self) -> int:
        """Number of the track, from 1: no other track of the stream gets it."""
        return self._id

    @property
    def name(self) -> str:
        """What is tracked."""
        return self._name

    @property
    def events(self) -> tuple[TrackEvent, ...]:
        """What happened to the object on the frames that were tracked, the last 1000, in order."""
        return tuple(self._events)

    @property
    def is_ended(self) -> bool:
        """Whether it was ended, by `end` or with its stream."""
        return self._owner is None

    @property
    def num_skipped(self) -> int:
        """Frames of the stream that are missing from what `read` returned.

        They left the window before they were tracked, or nobody read them for too long.
        """
        return self._num_skipped

    def read(self, *, cancel: CancellationToken | None = None) -> ObjectTrack:
        """Carry the stream's tracks on to its newest frame.

        Args:
            cancel: What ends it early: frames that are not done then are tracked by the next call.

        Returns:
            The object on the frames that were tracked since the last call, with the events that
            these frames told; of no frame if there is no new one. An event of a duration, such as
            "lost", may lie before the first of these frames. Behind the end of the track, what was
            left to read.

        Raises:
            CapacityError: When memory runs out; the next call goes on with the same frame.
            InferenceError: When a graph fails.
            StateError: When the stream is closed or in use by another thread.
        """
        if self._owner is not None:
            self._owner.advance(cancel)
        steps, events = list(self._steps), tuple(self._unread_events)
        self._steps.clear()
        self._unread_events.clear()
        return self._maker.track([step.frame for step in steps], events, self._id, self._name)

    def end(self) -> None:
        """Drop the object and its memory; other tracks go on. Ending again is fine."""
        if self._owner is not None:
            events = self._owner.end(self._id)
            self._owner = None
            self.add_events(events)

    def add(self, step: Step) -> None:
        """Add a tracked frame; called by the tracks of the stream."""
        if len(self._steps) == MAX_UNREAD_FRAMES:
            self._steps.popleft()
            self._num_skipped += 1
        self._steps.append(step)
        self.add_events(step.events)

    def add_events(self, events: tuple[TrackEvent, ...] | list[TrackEvent]) -> None:
        """Add events; called by the tracks of the stream."""
        self._unread_events.extend(events)
        self._events.extend(events)

    def add_skipped(self, num_frames: int) -> None:
        """Count frames that left the window; called by the tracks of the stream."""
        self._num_skipped += num_frames

    def close(self, events: list[TrackEvent]) -> None:
        """End with the stream; called by its tracks."""
        self._owner = None
        self.add_events(events)

    def __repr__(self) -> str:
        state = "ended" if self.is_ended else "under way"
        last = f", {self._events[-1]}" if self._events else ""
        return f"LiveTrack({self._id}, {quoted(self._name)}, {state}{last})"
