"""Tracks made of what was found frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.results.rle import encode_mask
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.tracking.event_detector import ObjectFrame


class TrackMaker:
    """Makes the tracks of a source, whose frames have one size."""

    def __init__(self, height: int, width: int, config: TrackConfig) -> None:
        """Prepare what an absent object's mask is.

        Args:
            height: Height of the frames in pixels.
            width: Width of the frames in pixels.
            config: Which masks are hidden.
        """
        self.height = height
        self.width = width
        self._config = config
        self._empty = encode_mask(np.zeros((height, width), np.bool_))

    def runs_of(self, frame: ObjectFrame) -> str:
        """The mask that a result shows: empty where the object is not there."""
        is_hidden = self._config.hide_absent and frame.object_score <= self._config.present_score
        return self._empty if is_hidden else frame.runs

    def track(
        self, frames: Sequence[ObjectFrame], events: Sequence[TrackEvent], track_id: int, name: str
    ) -> ObjectTrack:
        """The track of an object.

        Args:
            frames: The object on each frame, in the order of their times.
            events: What happened to it.
            track_id: Number of the track.
            name: What was tracked.
        """
        return ObjectTrack(
            np.array([frame.frame_idx for frame in frames], np.int64),
            np.array([frame.time_s for frame in frames], np.float64),
            tuple(self.runs_of(frame) for frame in frames),
            np.array([frame.iou_score for frame in frames], np.float32),
            self.height,
            self.width,
            track_id,
            name,
            np.array([frame.object_score for frame in frames], np.float32),
            np.array([frame.was_prompted for frame in frames], np.bool_),
            tuple(events),
        )
