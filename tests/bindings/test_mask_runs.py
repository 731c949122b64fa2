"""Codes of masks at the native border."""

from __future__ import annotations

import numpy as np
import pytest

from ufvideo_sdk import InputError

_native = pytest.importorskip("ufvideo_sdk._native", reason="needs the native module")


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_a_mask_without_pixels_has_no_code(shape: tuple[int, int]) -> None:
    """Its first row, or the pixel above one, would be read where the array has none."""
    with pytest.raises(
        InputError, match=rf"a mask of 1 to 268435456 pixels, got {shape[0]} x {shape[1]}"
    ):
        _native.encode_mask(np.zeros(shape, np.bool_))


def test_a_mask_larger_than_any_picture_has_no_code() -> None:
    """Nothing could read the code: decoding refuses the size."""
    with pytest.raises(InputError, match="a mask of 1 to 268435456 pixels, got 16384 x 16385"):
        _native.encode_mask(np.zeros((1 << 14, (1 << 14) + 1), np.bool_))
