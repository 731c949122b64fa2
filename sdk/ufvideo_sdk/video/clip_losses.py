"""Which frames of a clip are damaged: what its source said, and what reading it has found."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import DamagedVideoWarning
from ufvideo_sdk.video.frame_source import FrameSource, time_of_frame
from ufvideo_sdk.video.video_damage import DamagedFramesError, described_losses


class ClipLosses:
    """The damaged frames of a clip.

    Attributes:
        lines: One sentence for each loss.
    """

    def __init__(self, source: FrameSource, frame_idxs: NDArray[np.int64]) -> None:
        """Take what the source says.

        Args:
            source: Where the frames come from.
            frame_idxs: Source index of each frame of the clip, int64 [n].
        """
        self._source = source
        self._frame_idxs = frame_idxs
        # A source that looks closer gets other times; those of these indices stay.
        self._times = source.timestamps_s
        self._lines_at_open: tuple[str, ...] = tuple(getattr(source, "damage", ()))
        self.lines = self._lines_at_open
        # Frames that a pass through the source found damaged; no later one reads them.
        self._lost: frozenset[int] = frozenset()

    def are_lost(self, idxs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which frames were found damaged, bool [F]."""
        return np.isin(idxs, list(self._lost))

    def check_whole(self, idxs: NDArray[np.int64]) -> None:
        """Refuse frames that were found damaged.

        Raises:
            DamagedFramesError: Naming the first of them.
        """
        for idx in idxs[self.are_lost(idxs)].tolist():
            time_s = time_of_frame(self._times, idx)
            raise DamagedFramesError(
                f"{self._source.name}: expected whole frames, the one at {time_s:.3f} s (frame"
                f" {idx}) is damaged or refers to a damaged one: ask for others, Clip.damage lists"
                " what is lost"
            )

    def find(self, refused: int) -> frozenset[int]:
        """Look for all damaged frames, because one did not decode whole, and warn of new ones.

        Args:
            refused: Index of that frame.

        Raises:
            InputError: When the source cannot be read.
        """
        lost: frozenset[int] = self._source.lost_frames(refused)  # type: ignore[attr-defined]
        in_clip = lost & set(self._frame_idxs.tolist())
        lines = described_losses(in_clip, np.asarray(self._times))
        self._lost = lost
        new = [line for line in lines if line not in self.lines]
        if new:
            self.lines = self._lines_at_open + tuple(lines)
            message = f"{self._source.name}: {'; '.join(new)}"
            warnings.warn(message, DamagedVideoWarning, stacklevel=2)
        return lost
