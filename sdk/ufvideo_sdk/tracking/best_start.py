"""The frame on which an object is seen best."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.tracking.native_tracker import NativeTracker
from ufvideo_sdk.tracking.source import SourceFrame


class BestStart:
    """Compares the masks that states name on frames, each by itself.

    An object is seen best on the frame where its mask has the highest predicted IoU, of those on
    which it is there; if it is nowhere, on the one that comes nearest to that. Of equal frames it
    is the one that came first.

    Attributes:
        frame_idxs: For each object the index of the best frame until now; -1 before the first.
    """

    def __init__(
        self, tracker: NativeTracker, seg_hidden_states: NDArray[np.float32], config: TrackConfig
    ) -> None:
        """Begin before the first frame.

        Args:
            tracker: Decodes the masks.
            seg_hidden_states: What names the objects, float32 [O, D].
            config: When an object is there.
        """
        self._tracker = tracker
        self._states = seg_hidden_states
        self._present_score = config.present_score
        self._best = [(False, -math.inf)] * len(seg_hidden_states)
        self.frame_idxs = [-1] * len(seg_hidden_states)

    def look(self, frame: SourceFrame, cancel: CancellationToken) -> None:
        """Compare another frame.

        Raises:
            CancelledError: When it was cancelled.
        """
        found = self._tracker.decode_prompts(
            self._states, frame.pixels, frame.frame_idx, cancel=cancel
        )
        scores = zip(found.object_scores, found.iou_scores, strict=True)
        for position, (object_score, iou_score) in enumerate(scores):
            is_there = bool(object_score > self._present_score)
            seen = (is_there, float(iou_score if is_there else object_score))
            if seen > self._best[position]:
                self._best[position] = seen
                self.frame_idxs[position] = frame.frame_idx
