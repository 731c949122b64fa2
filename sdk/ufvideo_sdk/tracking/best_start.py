"""A frame on which an object is seen well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.tracking.native_tracker import NativeTracker
from ufvideo_sdk.tracking.source import SourceFrame


class BestStart:
    """Compares the masks that states name on frames, each by itself.

    Of the frames on which an object is there, the one with the highest predicted IoU is best; if it
    is nowhere, the one that comes nearest to that. The first frame that is almost as good as the
    best one is the start: the pass backwards is then short.
    """

    def __init__(
        self, tracker: NativeTracker, seg_hidden_states: NDArray[np.float32], config: TrackConfig
    ) -> None:
        """Begin before the first frame.

        Args:
            tracker: Decodes the masks.
            seg_hidden_states: What names the objects, float32 [O, D].
            config: When an object is there, and what counts as almost as good.
        """
        self._tracker = tracker
        self._states = seg_hidden_states
        self._config = config
        # Whether each object is there, its score and the frame's index, frame by frame.
        self._seen: list[list[tuple[bool, float, int]]] = [[] for _ in seg_hidden_states]

    def look(self, frame: SourceFrame, cancel: CancellationToken) -> None:
        """Compare another frame.

        Raises:
            CancelledError: When it was cancelled.
        """
        found = self._tracker.decode_prompts(
            self._states, frame.pixels, frame.frame_idx, cancel=cancel
        )
        scores = zip(self._seen, found.object_scores, found.iou_scores, strict=True)
        for seen, object_score, iou_score in scores:
            is_there = bool(object_score > self._config.present_score)
            score = float(iou_score if is_there else object_score)
            seen.append((is_there, score, frame.frame_idx))

    @property
    def frame_idxs(self) -> list[int]:
        """For each object the index of its start; -1 before the first frame."""
        return [self._start(seen) for seen in self._seen]

    def _start(self, seen: list[tuple[bool, float, int]]) -> int:
        if not seen:
            return -1
        is_there, best = max((is_there, score) for is_there, score, _ in seen)
        least = best - self._config.start_margin
        return next(
            idx for was_there, score, idx in seen if was_there == is_there and score >= least
        )
