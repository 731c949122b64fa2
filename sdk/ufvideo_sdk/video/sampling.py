"""Which frames of a clip the model looks at (docs/model.md, part 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError


def sample_positions(num_available: int, num_frames: int) -> NDArray[np.int64]:
    """Spread `num_frames` positions evenly over a clip: the middle of each of equal segments.

    Positions repeat when the clip has fewer frames. Halves are decided as the released
    implementation decides them, 1e-6 above the exact middle.

    Args:
        num_available: Frames of the clip, 1 or more.
        num_frames: Frames to take, 1 or more.

    Returns:
        Positions in the clip, ascending, int64 [num_frames].

    Raises:
        InputError: When a number is below 1.
    """
    if num_available < 1 or num_frames < 1:
        raise InputError(
            f"expected 1 or more frames to sample from and to take, got {num_available} and"
            f" {num_frames}"
        )
    segment = float(num_available - 1) / num_frames
    starts = segment * np.arange(num_frames)
    ends = segment * np.arange(1, num_frames + 1)
    return np.round((starts + ends) / 2 + 1e-6).astype(np.int64)
