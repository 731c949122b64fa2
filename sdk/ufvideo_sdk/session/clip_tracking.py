"""Objects carried through the frames of a clip: backwards from where they are named, then on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CancelledError
from ufvideo_sdk.results.from_native import Timing
from ufvideo_sdk.results.object_mask import FrameMasks, ObjectMask
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.session.segmentation import FrameCallback, MaskTracks
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.track_request import TrackRequest
from ufvideo_sdk.tracking.best_start import BestStart
from ufvideo_sdk.tracking.event_detector import EventDetector, ObjectFrame
from ufvideo_sdk.tracking.native_tracker import NativeTracker
from ufvideo_sdk.tracking.source import SourceFrame
from ufvideo_sdk.tracking.target import Target
from ufvideo_sdk.tracking.track_maker import TrackMaker
from ufvideo_sdk.tracking.tracking_pass import TrackingPass
from ufvideo_sdk.video.clip import CHUNK_BYTES, Clip
from ufvideo_sdk.video.source_clock import timings_between

# Frames in a chunk that is read forwards.
_MAX_CHUNK_FRAMES = 8

OpenTracker = Callable[[], NativeTracker]


class ClipTracking:
    """Tracks objects in a clip.

    Each object is named on one frame, its start. A pass backwards carries it from there to the
    first frame; then one forwards, whose memory is empty at the start again, carries it to the last
    frame. So masks come in the order of the frames at last, all objects of a frame together.

    Attributes:
        cancelled: Whether it was cancelled before the last frame.
    """

    def __init__(
        self,
        call: SessionCall,
        clip: Clip,
        request: TrackRequest,
        open_tracker: OpenTracker,
        track_ids: Iterator[int],
    ) -> None:
        """Begin before the first frame.

        Args:
            call: The session's call.
            clip: Where the frames come from.
            request: What is tracked, and on which frames.
            open_tracker: Opens a tracker without an object.
            track_ids: Numbers that no track of the session has had.
        """
        self._call = call
        self._clip = clip
        self._request = request
        self._open_tracker = open_tracker
        self._idxs = request.frame_idxs
        self._ids = [next(track_ids) for _ in request.targets]
        # What was found of each object, by position among the frames.
        self._found: list[dict[int, ObjectFrame]] = [{} for _ in request.targets]
        self._maker = TrackMaker(clip.height, clip.width, request.prompting.config)
        self._trackers: list[NativeTracker] = []
        self._read_before = clip.clock.timings()
        self._num_done = 0
        self._num_steps = 0
        self.cancelled = False

    def run(self, num_candidates: int, on_frame: FrameCallback | None = None) -> MaskTracks:
        """Track to the end, or until the call is cancelled.

        Args:
            num_candidates: On how many frames an object without a start is looked for.
            on_frame: Called with the masks of each frame and its pixels, uint8 [H, W, 3], in the
                order of the frames, from when the frames before the starts are done.

        Raises:
            InputError: When a frame cannot be read.
            CapacityError: When memory runs out.
            InferenceError: When a graph fails.
        """
        try:
            starts = self._starts(num_candidates)
            first, last = min(starts), max(starts)
            num_backwards = last + 1 if last > 0 else 0
            begin = first if on_frame is None else 0
            self._num_steps = num_backwards + len(self._idxs) - begin
            self._num_done = 0
            self._progress(0)
            if num_backwards:
                self._backwards(starts)
            self._forwards(starts, begin, on_frame)
        except CancelledError:
            if not self._call.cancel.is_cancelled:
                raise  # a callback's own
            self.cancelled = True
        return MaskTracks(self._tracks(), self._timings, self.cancelled)

    @property
    def _timings(self) -> tuple[Mapping[str, Timing], ...]:
        reading = timings_between(self._read_before, self._clip.clock.timings())
        return (*(dict(tracker.timings) for tracker in self._trackers), reading)

    def _tracker(self) -> NativeTracker:
        tracker = self._open_tracker()
        self._trackers.append(tracker)
        return tracker

    def _starts(self, num_candidates: int) -> list[int]:
        """Position of the start of each object."""
        request = self._request
        if request.start is not None:
            return [request.start] * len(request.targets)
        positions = np.unique(_native.sample_positions(len(self._idxs), num_candidates))
        states = np.stack([_state_of(target.seg_hidden_state) for target in request.targets])
        best = BestStart(self._tracker(), states, request.prompting.config)
        self._num_steps = len(positions)
        self._progress(0)
        for frame in self._read(positions):
            best.look(frame, self._call.cancel)
            self._progress(1)
        # Without a whole frame among them, the first one.
        return [max(int(np.searchsorted(self._idxs, idx)), 0) for idx in best.frame_idxs]

    def _backwards(self, starts: Sequence[int]) -> None:
        tracking = self._pass(starts, is_backwards=True)
        for frame in self._read(np.arange(max(starts), -1, -1)):
            self._step(tracking, frame)

    def _forwards(self, starts: Sequence[int], begin: int, on_frame: FrameCallback | None) -> None:
        tracking = self._pass(starts, is_backwards=False)
        for frame in self._read(np.arange(begin, len(self._idxs))):
            self._step(tracking, frame)
            if on_frame is not None:
                self._hand_on(frame, on_frame)

    def _pass(self, starts: Sequence[int], *, is_backwards: bool) -> TrackingPass:
        tracking = TrackingPass(self._tracker(), is_backwards=is_backwards)
        parts = zip(self._ids, self._request.targets, starts, strict=True)
        for track_id, target, start in parts:
            tracking.add(track_id, target, int(self._idxs[start]), self._request.prompting)
        return tracking

    def _step(self, tracking: TrackingPass, frame: SourceFrame) -> None:
        steps = tracking.step(frame, self._call.cancel)
        position = int(np.searchsorted(self._idxs, frame.frame_idx))
        for step in steps:
            self._found[self._ids.index(step.track_id)][position] = step.frame
        self._progress(1)

    def _hand_on(self, frame: SourceFrame, on_frame: FrameCallback) -> None:
        position = int(np.searchsorted(self._idxs, frame.frame_idx))
        found = [each.get(position) for each in self._found]
        clip = self._clip
        objects = [
            ObjectMask(self._maker.runs_of(each), each.iou_score, clip.height, clip.width)
            for each in found
            if each is not None
        ]
        if len(objects) == len(found) and frame.pixels is not None:
            on_frame(FrameMasks(frame.frame_idx, frame.time_s, tuple(objects)), frame.pixels)

    def _read(self, positions: NDArray[np.int64]) -> Generator[SourceFrame, None, None]:
        """The frames at ascending or descending positions; damaged ones are left out."""
        clip, cancel = self._clip, self._call.cancel
        is_backwards = len(positions) > 1 and positions[0] > positions[-1]
        idxs = self._idxs[positions]
        blocks = _backward_blocks(clip, idxs) if is_backwards else [idxs]
        most = None if is_backwards else _MAX_CHUNK_FRAMES
        for block in blocks:
            # Closed by name: an interrupt that comes while a generator is dropped is lost.
            with closing(clip.chunks(block, most, skip_damaged=True, cancel=cancel)) as chunks:
                for chunk in chunks:
                    yield from self._source_frames(*chunk, is_backwards=is_backwards)
                    del chunk  # not held beside the next one

    def _source_frames(
        self, idxs: NDArray[np.int64], frames: NDArray[np.uint8], *, is_backwards: bool
    ) -> Iterator[SourceFrame]:
        times_s = self._clip.timestamps_s[self._clip.positions(idxs)]
        order = range(len(idxs))
        for at in reversed(order) if is_backwards else order:
            yield SourceFrame(int(idxs[at]), float(times_s[at]), frames[at])

    def _progress(self, num_done: int) -> None:
        self._num_done += num_done
        self._call.progress(self._num_done, self._num_steps)

    def _tracks(self) -> tuple[ObjectTrack, ...]:
        """The tracks on the frames that were done; none before the first."""
        if not any(self._found):
            return ()
        parts = zip(self._found, self._ids, self._request.targets, strict=True)
        return tuple(self._track(*each) for each in parts)

    def _track(
        self, found: Mapping[int, ObjectFrame], track_id: int, target: Target
    ) -> ObjectTrack:
        frames = [found[position] for position in sorted(found)]
        # Both passes told events as they met them; in the order of time some of them are others.
        detector = EventDetector(track_id, self._request.prompting.config)
        events = [event for frame in frames for event in detector.push(frame)]
        return self._maker.track(frames, [*events, *detector.end()], track_id, target.name)


def _state_of(state: NDArray[np.float32] | None) -> NDArray[np.float32]:
    assert state is not None, "the targets of a clip are named before they are tracked"
    return state


def _backward_blocks(clip: Clip, idxs: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The frames of a pass backwards in blocks that are read at once, each ascending.

    A file is decoded forwards, from the key frame before a block: the larger it is, the fewer
    frames are decoded more than once.
    """
    num_frames = max(CHUNK_BYTES // (clip.height * clip.width * 3), 1)
    for begin in range(0, len(idxs), num_frames):
        yield idxs[begin : begin + num_frames][::-1].copy()
