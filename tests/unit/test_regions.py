"""Marked objects."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from tests.unit.drawn_answers import drawn_clip
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.regions import Region

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
        ([(0, 0), (1, 1)], "expected 3 to 100,000 corners, got 2"),
        ([(0, 0), (1, 1), (13, 2)], r"within 12 x 10 px.*got \[13.0, 2.0\]"),
        ([(0, 0), (1, 1), (float("nan"), 2)], "finite"),
        ([(0, 0, 0)] * 3, r"\[3, 3\]"),
        ("abc", "numbers in pixels"),
    ):
        with pytest.raises(InputError, match=message):
            Region.from_polygon(0, points, height=10, width=12)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="height"):
        Region.from_polygon(0, [(0, 0)] * 3, height=0, width=12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.uint64, np.int64])
def test_indices_of_every_integer_type(dtype: type[np.integer]) -> None:
    region = Region(np.array([3, 7], dtype), MASKS)
    assert region.frame_idxs.dtype == np.int64 and region.frame_idxs.tolist() == [3, 7]
    # The difference of unsigned numbers is never below 0.
    with pytest.raises(InputError, match="strictly increasing from 0 on"):
        Region(np.array([7, 3], dtype), MASKS)


def test_indices_beyond_int64() -> None:
    with pytest.raises(InputError, match="expected integers up to 9223372036854775807, got 92233"):
        Region(np.array([3, 2**63 + 5], np.uint64), MASKS)
    with pytest.raises(InputError, match="expected integers up to"):
        drawn_clip().check_idxs(np.array([2**64 - 1], np.uint64), "frames")
    with pytest.raises(InputError, match="expected a list of one or more integers"):
        Region.from_box(10**30, (0, 0, 1, 1), height=10, width=10)


@pytest.mark.parametrize("side", [10**5, 10**9, 10**18, 10**400, np.int64(2**62)])
def test_pictures_that_no_source_has(side: int) -> None:
    with pytest.raises(InputError, match="expected at most 268,435,456 pixels, got height int"):
        Region.from_box(0, (0, 0, 1, 1), height=side, width=side)
    with pytest.raises(InputError, match="expected at most 268,435,456 pixels"):
        Region.from_polygon(0, [(0, 0), (1, 0), (1, 1)], height=side, width=side)


@pytest.mark.parametrize("number", [10**400, 1e308, float("inf"), -(10**400), "9" * 5000])
def test_numbers_that_no_picture_has(number: object) -> None:
    with pytest.raises(InputError, match="box_xywh: expected") as caught:
        Region.from_box(0, (number, 0, number, 1), height=10, width=10)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError, match="points_xy: expected"):
        points = [(0, 0), (1, 0), (number, 1)]
        Region.from_polygon(0, points, height=10, width=10)  # type: ignore[list-item]


def test_polygons_are_those_of_opencv() -> None:
    chance = np.random.default_rng(5)
    for _ in range(500):
        height, width = (int(side) for side in chance.integers(1, 60, 2))
        corners = chance.integers(0, [width, height], (chance.integers(3, 14), 2)).astype(np.int32)
        expected = np.zeros((height, width), np.uint8)
        cv2.fillPoly(expected, [corners], 1)
        region = Region.from_polygon(0, corners, height=height, width=width)
        assert np.array_equal(region.masks[0], expected > 0), corners.tolist()


def test_a_large_polygon_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = np.random.default_rng(1).integers(0, [200, 150], (300, 2))
    whole = Region.from_polygon(0, corners, height=150, width=200).masks
    monkeypatch.setattr("ufvideo_sdk.video.polygon._MAX_CROSSINGS", 77)
    assert np.array_equal(Region.from_polygon(0, corners, height=150, width=200).masks, whole)


def test_many_corners_take_seconds_and_more_are_refused() -> None:
    """At random over a picture; OpenCV takes minutes here."""
    corners = np.random.default_rng(0).random((100_000, 2)) * [480, 270]
    before_s = time.process_time()
    Region.from_polygon(0, corners, height=270, width=480)
    assert time.process_time() - before_s < 10
    with pytest.raises(InputError, match="expected 3 to 100,000 corners, got 100001"):
        Region.from_polygon(0, np.zeros((100_001, 2)), height=9, width=9)
