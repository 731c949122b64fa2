"""The objects of `track` questions, carried from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.session.stream import Stream
from ufvideo_sdk.tracking.live_track import LiveTrack
from ufvideo_sdk.watch.engine.facts import FoundObject, Tracked
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.watcher.asking import FrameSize

# An object that comes back later than this is another one, with another id.
FORGET_S = 5.0


class _Tracked:
    """One question: its track, and the id of the object that the track has now."""

    def __init__(self, question: WatchedQuestion) -> None:
        self.question = question
        self.track: LiveTrack | None = None
        self.object_id: int | None = None
        self.seen_s: float | None = None


class ObjectTracks:
    """Begins a track for each question and reads them all together."""

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
        self._all = [_Tracked(question) for question in questions]
        self._last_idx = -1

    def read(self, first_idx: int, size: FrameSize, cancel: CancellationToken) -> list[Tracked]:
        """Return the objects on each frame that has come since, frame by frame.

        Args:
            first_idx: Number of the stream's first frame among all of the camera.
            size: Of the frames.
            cancel: What ends it early.

        Raises:
            UFVideoError: As `Stream.track` and `LiveTrack.read`.
        """
        if not self._all:
            return []
        newest = self._stream.newest
        assert newest is not None
        self._begin(cancel)
        for each in self._all:
            assert each.track is not None
        found: dict[int, dict[str, FoundObject]] = {}
        times: dict[int, float] = {newest.frame_idx: newest.time_s}
        for each in self._all:
            assert each.track is not None
            track = each.track.read(cancel=cancel)
            for frame_idx, time_s, seen in self._seen(each, track, size):
                times[frame_idx] = time_s
                if seen is not None:
                    found.setdefault(frame_idx, {})[each.question.name] = seen
        told = [
            self._fact(each, first_idx, idx, times[idx], found.get(idx, {}))
            for idx in sorted(times)
            if idx > self._last_idx
            for each in self._all
        ]
        self._last_idx = newest.frame_idx
        return told

    def _begin(self, cancel: CancellationToken) -> None:
        for each in self._all:
            if each.track is None:
                words = each.question.question.words
                each.track = self._stream.track(words, allow_absent=True, cancel=cancel)

    def _seen(
        self, each: _Tracked, track: ObjectTrack, size: FrameSize
    ) -> Iterator[tuple[int, float, FoundObject | None]]:
        """The object of a question on each frame that was read."""
        for position in range(len(track)):
            time_s = float(track.times_s[position])
            box = track[position].box
            if box is not None and not track.is_present[position]:
                box = None
            if box is not None:
                object_id = self._id_at(each, time_s)
                each.seen_s = time_s
                seen = FoundObject(object_id, *size.fractions(box))
                yield int(track.frame_idxs[position]), time_s, seen
            else:
                yield int(track.frame_idxs[position]), time_s, None

    def _id_at(self, each: _Tracked, time_s: float) -> int:
        is_old = each.seen_s is not None and time_s - each.seen_s <= FORGET_S
        if each.object_id is None or not is_old:
            each.object_id = next(self._ids)
        return each.object_id

    def _fact(
        self,
        each: _Tracked,
        first_idx: int,
        frame_idx: int,
        time_s: float,
        found: dict[str, FoundObject],
    ) -> Tracked:
        name = each.question.name
        objects = (found[name],) if name in found else ()
        return Tracked(name, first_idx + frame_idx, time_s, objects)
