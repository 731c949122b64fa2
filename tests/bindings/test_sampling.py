"""The frames a model looks at are those of the released formula."""

from __future__ import annotations

import numpy as np
import pytest

from ufvideo_sdk import InputError

_native = pytest.importorskip("ufvideo_sdk._native", reason="needs the native module")


def released_positions(num_available: int, num_frames: int) -> list[int]:
    """The middles of equal segments, as NumPy rounds them (docs/model.md, part 3)."""
    segment = float(num_available - 1) / num_frames
    starts = segment * np.arange(num_frames)
    ends = segment * np.arange(1, num_frames + 1)
    return [int(position) for position in np.round((starts + ends) / 2 + 1e-6)]


def test_positions_are_those_of_the_released_formula() -> None:
    for num_frames in (1, 2, 3, 8, 16, 32, 64):
        for num_available in range(1, 700):
            expected = released_positions(num_available, num_frames)
            assert _native.sample_positions(num_available, num_frames) == expected


def test_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 or more frames .* got 0 and 8"):
        _native.sample_positions(0, 8)
