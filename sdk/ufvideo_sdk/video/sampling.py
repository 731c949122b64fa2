"""Which frames of a clip a model looks at."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import sample_positions
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.short_text import counted

Sampling = Literal["uniform", "every"]


def check_sampling(sampling: object) -> None:
    """Refuse what is no way to choose the frames that a model looks at.

    Raises:
        InputError: When it is none.
    """
    if sampling not in ("uniform", "every"):
        raise InputError(f'sampling: expected "uniform" or "every", got {described(sampling)}')


def sampled(
    frame_idxs: NDArray[np.int64], num_frames: int, sampling: str, name: str
) -> NDArray[np.int64]:
    """The frames of a clip that a model looks at (see `Clip.sampled_idxs`).

    Args:
        frame_idxs: Of the clip, int64 [n].
        num_frames: The model's number of frames.
        sampling: "uniform" or "every".
        name: Of the clip, for messages.

    Raises:
        InputError: When every frame is asked for, and there are fewer than 2 or more than
            num_frames.
    """
    check_sampling(sampling)
    if sampling == "uniform":
        return frame_idxs[sample_positions(len(frame_idxs), num_frames)]
    if not 2 <= len(frame_idxs) <= num_frames:
        raise InputError(
            f'{name}: expected 2 to {num_frames} frames with sampling="every", the most the model'
            f" looks at, got {counted(len(frame_idxs), 'frame')}: leave some out with start_s and"
            ' end_s, or use sampling="uniform"'
        )
    return frame_idxs
