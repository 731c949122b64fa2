"""Masks of answers, one at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import MaskTrack


def decoded(track: MaskTrack) -> Iterator[NDArray[np.bool_]]:
    """The masks of a track, bool [H, W], one at a time."""
    return (mask.pixels() for mask in track)
