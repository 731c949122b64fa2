"""The objects of `track` questions, carried from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.stream_frame import StreamFrame
from ufvideo_sdk.results.track_event import TrackEventKind
from ufvideo_sdk.runtime.track_config import RETRY_S
from ufvideo_sdk.session.stream import Stream
from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.tracking.live_track import LiveTrack
from ufvideo_sdk.watch.engine.facts import FoundObject, Tracked
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.watcher.asking import FrameSize

# How often the model is asked whether what is tracked still is what is named.
_VERIFY_S = 0.5
_ENDS = (TrackEventKind.LOST, TrackEventKind.DRIFT, TrackEventKind.ENDED)


class _Followed:
    """One question: its object, if one is followed now."""

    def __init__(self, question: WatchedQuestion) -> None:
        self.name = question.name
        self.words = question.question.words
        self.track: LiveTrack | None = None
        self.object_id = 0
        self.tried_s: float | None = None


class ObjectTracks:
    """Looks for the object of each question, and follows it until it is lost or drifts.

    Each appearance is one track with an id of its own. A track that waited for its object to come
    back would begin on whatever comes next.
    """

    def __init__(
        self, stream: Stream, questions: Sequence[WatchedQuestion], ids: Iterator[int]
    ) -> None:
        """Begin without a track.

        Args:
            stream: Where the objects are.
            questions: Of the kind `track`.
            ids: Numbers that no object of the camera has had.
        """
        self._stream = stream
        self._ids = ids
        self._all = [_Followed(question) for question in questions]

    def read(self, first_idx: int, size: FrameSize, cancel: CancellationToken) -> list[Tracked]:
        """Return the object of each question on the newest frame; to be called with every frame.

        Args:
            first_idx: Number of the stream's first frame among all of the camera.
            size: Of the frames.
            cancel: What ends it early.

        Raises:
            UFVideoError: As `Stream.segment`, `Stream.track` and `LiveTrack.read`.
        """
        newest = self._stream.newest
        if newest is None or not self._all:
            return []
        return [
            Tracked(
                each.name, first_idx + newest.frame_idx, newest.time_s, self._on(each, size, cancel)
            )
            for each in self._looked_for(newest, cancel)
        ]

    def _looked_for(self, newest: StreamFrame, cancel: CancellationToken) -> Iterator[_Followed]:
        for each in self._all:
            # Masks lie on frames of the window, which the newest one joins with its pair.
            is_in_window = newest.frame_idx % 2 == 1
            is_time = has_lasted(each.tried_s, newest.time_s, RETRY_S)
            if each.track is None and is_in_window and is_time:
                each.tried_s = newest.time_s
                if self._is_there(each, newest, cancel):
                    each.track = self._stream.track(each.words, verify_s=_VERIFY_S, cancel=cancel)
                    each.object_id = next(self._ids)
            yield each

    def _is_there(self, each: _Followed, newest: StreamFrame, cancel: CancellationToken) -> bool:
        found = self._stream.segment(
            each.words, frames=[newest.frame_idx], allow_absent=True, cancel=cancel
        )
        is_whole = found.stop_reason is not StopReason.CANCELLED
        return is_whole and any(not track.is_empty for track in found.masks)

    def _on(
        self, each: _Followed, size: FrameSize, cancel: CancellationToken
    ) -> tuple[FoundObject, ...]:
        """The object on the newest frame; none if it is not there or none is followed."""
        if each.track is None:
            return ()
        track = each.track.read(cancel=cancel)
        box = track[-1].box if len(track) and track.is_present[-1] else None
        if any(event.kind in _ENDS for event in track.events):
            each.track.end()
            each.track, each.tried_s = None, None
        return () if box is None else (FoundObject(each.object_id, *size.fractions(box)),)
