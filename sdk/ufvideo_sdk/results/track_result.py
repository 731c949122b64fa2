"""Objects carried through a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from ufvideo_sdk.results.not_found import missing_reason
from ufvideo_sdk.results.object_track import ObjectTrack, events_in_order
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.validation.short_text import counted


@dataclass(frozen=True, eq=False, repr=False)
class TrackResult(Result, Sequence[ObjectTrack]):
    """The tracks of some objects: a sequence of ObjectTrack, which are MaskTracks.

    `(track,) = session.track(...)`, `len`, indexing and slices are those of the tracks. It is equal
    to a list or a tuple of the same tracks, and like a list it has no hash.

    Attributes:
        question: The expressions, or the question of the answer whose objects were tracked.
        text: What the model wrote; empty if it was given its answers (without `allow_absent`).
        token_ids: The generated tokens; none if it was given its answers.
        spans: None.
        masks: A track for each object.
        stop_reason: Why it ended: END also if an object is absent, CANCELLED if frames are missing.
        stats: Where the time went, the tracks' included.
        clip: What they were tracked in.
        names: A name for each object, known before its track is: the expression, or "object 1" and
            so on for those of an answer.
        absent: Expressions of which the model said that they are not there (`allow_absent`), and
            which have no track.
    """

    masks: tuple[ObjectTrack, ...]
    names: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def is_absent(self) -> bool:
        """Whether the model said of every expression that it is not there."""
        return bool(self.absent) and not self.masks

    @property
    def events(self) -> tuple[TrackEvent, ...]:
        """The events of all tracks in the order of their times."""
        return events_in_order(self.masks)

    @property
    def caption(self) -> str:
        """What pictures say below the names: why there is no track, or not all of it."""
        is_whole = self.stop_reason is StopReason.END and not self.is_absent
        return "" if is_whole else missing_reason(self.stop_reason)

    def object_name(self, idx: int) -> str:
        """Return an object's name.

        Args:
            idx: Index of the object, from 0, as in `masks`.
        """
        return self.names[idx]

    def _shown_parts(self) -> list[str]:
        if not self.masks:
            return [self.caption or "no frame"]
        empty = ["empty"] if all(track.is_empty for track in self.masks) else []
        num_events = len(self.events)
        return [*empty, *super()._shown_parts(), counted(num_events, "event")]

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.masks)

    @overload
    def __getitem__(self, position: int) -> ObjectTrack: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[ObjectTrack, ...]: ...

    def __getitem__(self, position: int | slice) -> ObjectTrack | tuple[ObjectTrack, ...]:
        """One track, or a tuple of them for a slice."""
        return self.masks[position]

    def __iter__(self) -> Iterator[ObjectTrack]:
        """The tracks."""
        return iter(self.masks)

    def __eq__(self, other: object) -> bool:
        """Whether the tracks are those of another result, a list or a tuple."""
        if not isinstance(other, (TrackResult, list, tuple)):
            return NotImplemented
        return self.masks == tuple(other)
