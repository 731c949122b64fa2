"""Run-length codes: against known COCO strings, and there and back."""

from __future__ import annotations

import numpy as np
import pytest

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.rle import decode_masks, encode_mask


def _coco_pixels(counts: str) -> list[int]:
    """Run lengths by COCO's published rule, written apart from the code under test."""
    runs: list[int] = []
    position = 0
    while position < len(counts):
        value, shift, more = 0, 0, True
        while more:
            group = ord(counts[position]) - 48
            value |= (group & 31) << (5 * shift)
            more = bool(group & 32)
            position += 1
            shift += 1
            if not more and group & 16:
                value |= -1 << (5 * shift)
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def test_known_code() -> None:
    mask = np.zeros((3, 4), np.bool_)
    mask[1:, 1] = True  # columns: 3 zeros, 1 zero, 2 ones, 6 zeros
    assert encode_mask(mask) == "426"


def test_runs_start_with_zeros() -> None:
    assert encode_mask(np.ones((2, 3), np.bool_)) == "06"
    assert encode_mask(np.zeros((2, 3), np.bool_)) == "6"


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 0.98, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 37), (53, 1), (90, 120), (241, 319)])
def test_round_trip(size: tuple[int, int], density: float) -> None:
    mask = np.random.default_rng(3).random(size) < density
    counts = encode_mask(mask)
    height, width = size
    assert np.array_equal(decode_masks([counts], height=height, width=width)[0], mask)
    runs = _coco_pixels(counts)
    values = np.arange(len(runs)) % 2 == 1
    assert np.array_equal(np.repeat(values, runs).reshape((width, height)).T, mask)


def test_shrinking_runs_are_negative_differences() -> None:
    mask = np.zeros((400, 1), np.bool_)
    mask[100:300] = True
    mask[310:311] = True
    assert _coco_pixels(encode_mask(mask)) == [100, 200, 10, 1, 89]
    assert np.array_equal(decode_masks([encode_mask(mask)], height=400, width=1)[0], mask)


def test_refuses_other_arrays() -> None:
    with pytest.raises(InputError, match=r"expected a mask bool \[H, W\], got uint8 \[2, 2\]"):
        encode_mask(np.zeros((2, 2), np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("5", "fill 2 x 3 pixels, got 5"),
        ("", "fill 2 x 3 pixels, got 0"),
        ("6\x20", "expected characters '0' to 'o'"),
        ("P", "expected a whole run length"),
        ("7O", "fill 2 x 3 pixels, got 7"),
        ("1O6", "run lengths of 0 or more, got -1 as run 1"),
        ("6\xe9", "runs\\[0\\]: expected characters '0' to 'o', got str '6\xe9'"),
        ("`" * 14, "at most 60 bits, got more at 12"),
    ],
)
def test_refuses_broken_counts(counts: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode_masks([counts], height=2, width=3)


def test_refuses_sizes_that_no_picture_has() -> None:
    """A code of a few characters may claim any number of pixels."""
    code = encode_mask(np.zeros((1, 1), np.bool_))
    for height, width in ((10**6, 10**6), (1 << 14, (1 << 14) + 1), (10**30, 1)):
        with pytest.raises(InputError, match="expected at most 268,435,456 pixels"):
            decode_masks([code], height=height, width=width)
    with pytest.raises(InputError, match="height: expected 1 pixel or more, got float"):
        decode_masks([code], height=1.0, width=1)  # type: ignore[arg-type]
