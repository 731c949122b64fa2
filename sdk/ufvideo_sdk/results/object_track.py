"""Masks of an object that was carried from frame to frame, and what happened to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_mask import ObjectMask
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.validation.arguments import as_integer, check_instance, check_sequence, described
from ufvideo_sdk.validation.short_text import counted, quoted


@dataclass(frozen=True, eq=False)
class ObjectTrack(MaskTrack):
    """A MaskTrack of an object that SAM 2's memory has carried through the frames.

    Attributes:
        id: Number of the track, from 1: no other track of the session or stream gets it.
        name: What was tracked: the expression, or "object 1" and so on for those of an answer.
        object_scores: Whether the object is there, float32 [F], read-only: a logit, above 0 where
            the model believes it to be visible.
        was_prompted: Whether language named the object on the frame, bool [F], read-only; on the
            others its memory did.
        events: What happened to it on these frames, in the order of their times.

    Raises:
        InputError: As MaskTrack, or when one of these is of another kind.
    """

    id: int
    name: str
    object_scores: NDArray[np.float32]
    was_prompted: NDArray[np.bool_]
    events: tuple[TrackEvent, ...] = ()

    def __post_init__(self) -> None:
        """Check what a MaskTrack has not; keep views that cannot be written."""
        super().__post_init__()
        number = as_integer(self.id)
        if number is None or number < 0:
            raise InputError(f"id: expected an integer from 0 on, got {described(self.id)}")
        check_instance(self.name, "name", str)
        check_sequence(self.events, "events", "TrackEvent")
        for position, event in enumerate(self.events):
            check_instance(event, f"events[{position}]", TrackEvent)
        object.__setattr__(self, "events", tuple(self.events))
        for name, dtype in (("object_scores", np.float32), ("was_prompted", np.bool_)):
            array = getattr(self, name)
            shape = (len(self),)
            if not isinstance(array, np.ndarray) or (array.dtype, array.shape) != (dtype, shape):
                raise InputError(
                    f"expected {name} as {np.dtype(dtype)} {list(shape)}, got {described(array)}"
                )
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        if not np.isfinite(self.object_scores).all():
            raise InputError("expected finite object_scores, got NaN or infinity")

    @property
    def _own_parts(self) -> tuple[Any, ...]:
        own = (self.id, self.name, self.object_scores, self.was_prompted, self.events)
        return (*self._parts, *own)

    def __reduce__(self) -> tuple[Callable[..., MaskTrack], tuple[Any, ...]]:
        """Copies and pickles are made anew: checked, and their arrays cannot be written either."""
        return _remade, (type(self), self._own_parts)

    def __eq__(self, other: object) -> bool:
        """Whether all that a MaskTrack has and all of this one's own is the same.

        A MaskTrack without these is never equal.
        """
        if not isinstance(other, ObjectTrack):
            return False if isinstance(other, MaskTrack) else NotImplemented
        return (
            bool(super().__eq__(other))
            and (self.id, self.name, self.events) == (other.id, other.name, other.events)
            and np.array_equal(self.object_scores, other.object_scores)
            and np.array_equal(self.was_prompted, other.was_prompted)
        )

    def __hash__(self) -> int:
        """Equal tracks have equal hashes."""
        return hash((self.id, self.name, self.runs))

    @overload
    def __getitem__(self, position: int) -> ObjectMask: ...

    @overload
    def __getitem__(self, position: slice) -> ObjectTrack: ...

    def __getitem__(self, position: int | slice) -> ObjectMask | ObjectTrack:
        """One mask by its position among the frames, or a part of the track for a slice.

        A part has the events that happened on its frames.

        Raises:
            IndexError: When the track has no such position.
            TypeError: When it is neither an integer nor a slice.
        """
        if not isinstance(position, slice):
            return super().__getitem__(position)
        idxs = self.frame_idxs[position]
        kept = set(idxs.tolist())
        return ObjectTrack(
            idxs,
            self.times_s[position],
            self.runs[position],
            self.scores[position],
            self.height,
            self.width,
            self.id,
            self.name,
            self.object_scores[position],
            self.was_prompted[position],
            tuple(event for event in self.events if event.frame_idx in kept),
        )

    @property
    def is_present(self) -> NDArray[np.bool_]:
        """Whether the model sees the object on each frame, bool [F]: `object_scores` above 0.

        `TrackConfig.present_score` decides which masks are hidden and which events are told; where
        it is not 0, compare `object_scores` with it.
        """
        present: NDArray[np.bool_] = self.object_scores > 0
        return present

    def __repr__(self) -> str:
        """Say the sizes and events, not the pixels."""
        frames = counted(len(self), "frame")
        events = "".join(f", {event.kind.value} {event.time_s:.2f} s" for event in self.events[:6])
        more = ", ..." if len(self.events) > 6 else ""
        return f"ObjectTrack({self.id}, {quoted(self.name)}, {frames}{events}{more})"


def events_in_order(tracks: Sequence[MaskTrack]) -> tuple[TrackEvent, ...]:
    """The events of several objects in the order of their times.

    Args:
        tracks: A track for each object; those that were not tracked have no events.
    """
    events = [e for track in tracks if isinstance(track, ObjectTrack) for e in track.events]
    return tuple(sorted(events, key=lambda event: (event.time_s, event.frame_idx)))


def track_ids(tracks: Sequence[MaskTrack]) -> tuple[int, ...]:
    """A number for each of several objects: of tracks that memory carried their own, else from 1.

    Args:
        tracks: A track for each object.
    """
    return tuple(
        track.id if isinstance(track, ObjectTrack) else number
        for number, track in enumerate(tracks, start=1)
    )


def _remade(kind: type[ObjectTrack], parts: tuple[Any, ...]) -> ObjectTrack:
    """A track of the parts of one, whose arrays are its own."""
    for part in parts:
        if isinstance(part, np.ndarray):
            part.flags.writeable = False
    return kind(*parts)
