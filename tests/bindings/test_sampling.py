"""Frames are sampled alike in C++ and in Python."""

from __future__ import annotations

import pytest

from ufvideo_sdk import InputError
from ufvideo_sdk.video.sampling import sample_positions

_native = pytest.importorskip("ufvideo_sdk._native", reason="needs the native module")


def test_both_samplers_agree() -> None:
    for num_frames in (1, 2, 3, 8, 16, 32, 64):
        for num_available in range(1, 700):
            expected = sample_positions(num_available, num_frames).tolist()
            assert _native.sample_positions(num_available, num_frames) == expected


def test_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 or more frames .* got 0 and 8"):
        _native.sample_positions(0, 8)
