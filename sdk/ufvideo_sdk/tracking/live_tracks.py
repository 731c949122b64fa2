"""All tracks of a stream: they share frames, encodings and a native tracker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CancelledError, InputError, StateError
from ufvideo_sdk.results.from_native import Timing, stage_stats
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.tracking.live_track import LiveTrack
from ufvideo_sdk.tracking.native_tracker import TrackerSettings
from ufvideo_sdk.tracking.prompting import Prompting
from ufvideo_sdk.tracking.source import LiveCall, LiveSource, SourceFrame
from ufvideo_sdk.tracking.target import Target
from ufvideo_sdk.tracking.track_maker import TrackMaker
from ufvideo_sdk.tracking.tracking_pass import TrackingPass
from ufvideo_sdk.validation.arguments import as_number, described


class _Group:
    """Tracks whose memories are alike: one native tracker carries them."""

    def __init__(self, tracking: TrackingPass, last_idx: int) -> None:
        self.tracking = tracking
        # The frame that was tracked last; before the first, the one behind which tracks begin.
        self.last_idx = last_idx
        self.has_tracked = False
        self.tracks: dict[int, LiveTrack] = {}
        # The frame that each is prompted on.
        self.start_idxs: dict[int, int] = {}


class LiveTracks:
    """Begins the tracks of a stream and carries them on together."""

    def __init__(self, source: LiveSource, track_ids: Iterator[int]) -> None:
        """Begin without a track.

        Args:
            source: The stream.
            track_ids: Numbers that no track of the stream has had.
        """
        self._source: LiveSource | None = source
        self._ids = track_ids
        # Time of trackers that have ended.
        self._ended: Mapping[str, Timing] = {}
        self._groups: dict[TrackerSettings, _Group] = {}

    def begin(
        self,
        target: Target,
        settings: TrackerSettings,
        prompting: Prompting,
        *,
        start_s: float | None = None,
        cancel: CancellationToken | None = None,
    ) -> LiveTrack:
        """Begin to track an object, which costs a question if an expression names it.

        Args:
            target: What names it. Without a state the model is asked for one.
            settings: What its memory is like. Tracks of equal settings share a native tracker.
            prompting: When it is prompted again.
            start_s: The first frame of the window from this time on is the one it is prompted on;
                None: the newest frame. If the stream's tracks have been carried on beyond it, the
                next frame is.
            cancel: What ends it early.

        Raises:
            InputError: When the window holds no frame from `start_s` on.
            PackageError: When the package cannot track.
            CancelledError: When it was cancelled.
            StateError: When the stream is closed or in use by another thread.
        """
        source = self._open_source()
        with source.track_call(cancel) as call:
            start_idx = _start_idx(call.frames_after(-1).frames, start_s)
            group = self._groups.get(settings)
            if group is None:
                tracking = TrackingPass(call.open_tracker(settings))
                group = _Group(tracking, start_idx - 1)
            named = replace(target, seg_hidden_state=target.state_now(call))
            self._groups[settings] = group
            if not group.has_tracked:
                group.last_idx = min(group.last_idx, start_idx - 1)
            track_id = next(self._ids)
            maker = TrackMaker(source.height, source.width, prompting.config)
            track = LiveTrack(self, track_id, target.name, maker)
            group.tracking.add(track_id, named, start_idx, prompting)
            group.tracks[track_id] = track
            group.start_idxs[track_id] = start_idx
            return track

    @property
    def memory_bytes(self) -> int:
        """Bytes of all objects' memories, from any thread."""
        groups = list(self._groups.values())
        return sum(group.tracking.tracker.memory_bytes for group in groups)

    @property
    def timings(self) -> Mapping[str, Timing]:
        """Calls and wall time of the stages that tracked until now, from any thread."""
        groups = list(self._groups.values())
        return stage_stats(self._ended, *(group.tracking.tracker.timings for group in groups))

    def advance(self, cancel: CancellationToken | None) -> None:
        """Carry all tracks on to the newest frame of the window (see `LiveTrack.read`)."""
        with self._open_source().track_call(cancel) as call:
            try:
                for group in self._groups.values():
                    _advance(group, call)
            except CancelledError:
                # What is missing is tracked by the next call.
                return

    def end(self, track_id: int) -> list[TrackEvent]:
        """Drop a track; the event of its end."""
        for key, group in self._groups.items():
            if track_id in group.tracks:
                events = group.tracking.remove(track_id)
                del group.tracks[track_id]
                if not group.tracks:
                    self._drop(key)
                return events
        return []

    def close(self) -> None:
        """End every track with the stream, and free their memory."""
        for group in self._groups.values():
            for track_id, track in group.tracks.items():
                track.close(group.tracking.remove(track_id))
        for key in list(self._groups):
            self._drop(key)
        self._source = None

    def _drop(self, key: TrackerSettings) -> None:
        """Free a tracker that has no object any more."""
        group = self._groups.pop(key)
        self._ended = stage_stats(self._ended, group.tracking.tracker.timings)

    def _open_source(self) -> LiveSource:
        if self._source is None:
            raise StateError("stream: expected an open stream, it is closed")
        return self._source


def _advance(group: _Group, call: LiveCall) -> None:
    """Track the frames that a group has not seen.

    Raises:
        CancelledError: When the call was cancelled; the frames before are done.
    """
    new = call.frames_after(group.last_idx)
    for track_id, track in group.tracks.items():
        num_before = max(group.start_idxs[track_id] - group.last_idx - 1, 0)
        track.add_skipped(max(new.num_skipped - num_before, 0))
    group.last_idx += new.num_skipped
    for frame in new.frames:
        steps = group.tracking.step(frame, call.cancel, call)
        group.has_tracked = True
        group.last_idx = frame.frame_idx
        for step in steps:
            group.tracks[step.track_id].add(step)


def _start_idx(frames: Sequence[SourceFrame], start_s: float | None) -> int:
    """Index of the frame that an object is prompted on.

    Raises:
        InputError: When no frame is late enough.
        StateError: When there is no frame.
    """
    if not frames:
        raise StateError("track: expected a stream with a frame, none has been pushed")
    if start_s is None:
        return frames[-1].frame_idx
    seconds = as_number(start_s)
    if seconds is None:
        raise InputError(f"start_s: expected seconds or None, got {described(start_s)}")
    for frame in frames:
        if frame.time_s >= seconds:
            return frame.frame_idx
    raise InputError(
        f"start_s: expected at most the time of the newest frame, {frames[-1].time_s:.3f} s, got"
        f" {start_s}"
    )
