"""Which frames of a stream are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class StreamWindow:
    """The frames that a question would be about, oldest first.

    Attributes:
        frame_idxs: Their numbers among the frames that the stream has taken, int64 [n], read-only.
        timestamps_s: Stream time of each in seconds, float64 [n], read-only.
    """

    frame_idxs: NDArray[np.int64]
    timestamps_s: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frame_idxs)
