"""Marked objects."""

from __future__ import annotations

import numpy as np
import pytest

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.regions import Region

MASKS = np.zeros((2, 10, 12), np.bool_)
MASKS[:, 2:5, 3:7] = True


def test_region_keeps_copies_that_cannot_change() -> None:
    masks = MASKS.copy()
    region = Region([3, 7], masks)  # type: ignore[arg-type]
    masks[:] = False
    assert region.masks.sum() == 24 and region.frame_idxs.dtype == np.int64
    assert region.masks.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        region.masks[0, 0, 0] = True


@pytest.mark.parametrize(
    ("idxs", "masks", "message"),
    [
        ([], MASKS[:0], "one or more integers"),
        ([0.5, 1], MASKS, "integers"),
        ([3, 3], MASKS, "strictly increasing"),
        ([-1, 3], MASKS, "from 0 on"),
        ([0], MASKS, r"bool \[1, H, W\]"),
        ([0, 1], MASKS.astype(np.uint8), "uint8"),
        ([0], MASKS[0], r"\[10, 12\]"),
        ([0, 4], MASKS & np.array([True, False])[:, None, None], "frame 4 has none"),
    ],
)
def test_regions_that_are_refused(idxs: list[int], masks: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Region(np.array(idxs), masks)


def test_box() -> None:
    region = Region.from_box(4, (2, 1, 5, 3), height=10, width=12)
    expected = np.zeros((1, 10, 12), np.bool_)
    expected[0, 1:4, 2:7] = True
    assert region.frame_idxs.tolist() == [4]
    assert np.array_equal(region.masks, expected)
    assert Region.from_box(0, (0, 0, 12, 10), height=10, width=12).masks.all()


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 3), (-1, 0, 3, 3), (8, 0, 5, 3), (0, 9, 2, 2), (0.1, 0, 0.2, 5)]
)
def test_boxes_that_are_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="within 12 x 10 px"):
        Region.from_box(0, box, height=10, width=12)


def test_polygon_fills_even_odd() -> None:
    square = Region.from_polygon(0, [(2, 2), (6, 2), (6, 6), (2, 6)], height=10, width=12)
    assert square.masks[0, 2:7, 2:7].all() and square.masks.sum() == 25
    star = [(10, 0), (16, 19), (0, 7), (20, 7), (4, 19)]
    pentagram = Region.from_polygon(0, star, height=21, width=21)
    assert not pentagram.masks[0, 10, 10]
    assert pentagram.masks[0, 4, 10]


def test_polygons_that_are_refused() -> None:
    for points, message in (
        ([(0, 0), (1, 1)], "3 corners"),
        ([(0, 0), (1, 1), (13, 2)], r"within 12 x 10 px.*got \[13.0, 2.0\]"),
        ([(0, 0), (1, 1), (float("nan"), 2)], "finite"),
        ([(0, 0, 0)] * 3, r"\[3, 3\]"),
        ("abc", "numbers in pixels"),
    ):
        with pytest.raises(InputError, match=message):
            Region.from_polygon(0, points, height=10, width=12)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="height"):
        Region.from_polygon(0, [(0, 0)] * 3, height=0, width=12)
