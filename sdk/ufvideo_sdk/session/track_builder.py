"""Tracks in one clip: of expressions, and of the objects of an answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.results.from_native import Timing, stage_stats
from ufvideo_sdk.results.object_mask import numbered_name
from ufvideo_sdk.session.clip_tracking import ClipTracking
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.segmentation import FrameCallback, MaskTracks
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.track_request import DEFAULT_SETTINGS, TrackRequest
from ufvideo_sdk.tracking.native_tracker import NativeTracker
from ufvideo_sdk.tracking.prompting import DEFAULT_PROMPTING
from ufvideo_sdk.tracking.target import Target
from ufvideo_sdk.video.clip import Clip


class TrackBuilder:
    """Tracks objects in one clip; each gets a number that none has had."""

    def __init__(
        self, model: LoadedModel, clip: Clip, track_ids: Iterator[int] | None = None
    ) -> None:
        """Begin with no track.

        Args:
            model: What tracks.
            clip: Where.
            track_ids: Numbers of tracks; None: from 1 on.
        """
        self._model = model
        self._clip = clip
        self._track_ids = itertools.count(1) if track_ids is None else track_ids
        # Time of the calls that have ended, and trackers of the one under way. One attribute, since
        # another thread may read it.
        self._measured: tuple[Mapping[str, Timing], tuple[NativeTracker, ...]] = ({}, ())

    @property
    def timings(self) -> Mapping[str, Timing]:
        """Calls and wall time of the stages that tracked until now, from any thread."""
        ended, under_way = self._measured
        return stage_stats(ended, *(tracker.timings for tracker in under_way))

    def check(self, call: SessionCall) -> None:
        """Refuse a package that cannot track.

        Raises:
            PackageError: When it cannot.
        """
        call.open_tracker(self._model.native, DEFAULT_SETTINGS)

    def tracks(
        self, call: SessionCall, request: TrackRequest, on_frame: FrameCallback | None = None
    ) -> MaskTracks:
        """Track objects that are named.

        Args:
            call: The session's call.
            request: The objects, with their states.
            on_frame: Called with the masks of each frame and its pixels, uint8 [H, W, 3].

        Raises:
            UFVideoError: As `ClipTracking.run`.
        """
        if not request.targets:
            return MaskTracks(())

        def open_tracker() -> NativeTracker:
            tracker = call.open_tracker(self._model.native, request.settings)
            ended, under_way = self._measured
            self._measured = (ended, (*under_way, tracker))
            return tracker

        tracking = ClipTracking(call, self._clip, request, open_tracker, self._track_ids)
        try:
            return tracking.run(self._model.manifest.video.num_frames, on_frame)
        finally:
            self._measured = (self.timings, ())

    def tracks_of_answer(
        self,
        call: SessionCall,
        seg_hidden_states: NDArray[np.float32],
        on_frame: FrameCallback | None = None,
    ) -> MaskTracks:
        """Track the objects of an answer on all frames (`segment_frames="tracked"`).

        Args:
            call: The session's call.
            seg_hidden_states: The state behind each [SEG], float32 [O, D]; size 0 without any.
            on_frame: As in `tracks`.
        """
        num_objects = len(seg_hidden_states) if seg_hidden_states.size else 0
        targets = [Target(numbered_name(i), seg_hidden_states[i]) for i in range(num_objects)]
        idxs = self._clip.frame_idxs
        request = TrackRequest(tuple(targets), idxs, None, DEFAULT_SETTINGS, DEFAULT_PROMPTING)
        return self.tracks(call, request, on_frame)
