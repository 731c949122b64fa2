"""Metrics beside values worked out by hand, and beside pycocotools where it has the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import ufvideo_sdk.evaluate
from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate import (
    MaskScores,
    accuracy,
    chosen_option,
    contour_accuracy,
    mask_scores,
    recall_at,
    region_similarity,
    rouge_l,
    temporal_iou,
)
from ufvideo_sdk.evaluate.metrics.masks import contour_radius

Mask = NDArray[np.bool_]
EMPTY = np.zeros((80, 100), np.bool_)


def left_of(*columns: int) -> Mask:
    """80 x 100 pixels, the rows in equal parts, each set to the left of a column."""
    edges = np.repeat(columns, 80 // len(columns))
    return np.arange(100)[None] < edges[:, None]


def dot(y: int, x: int) -> Mask:
    mask = np.zeros((400, 400), np.bool_)
    mask[y, x] = True
    return mask


def test_names_are_there_when_asked_for() -> None:
    for name in set(ufvideo_sdk.evaluate.__all__) - {"BENCHMARKS"}:
        assert getattr(ufvideo_sdk.evaluate, name).__doc__
    assert set(ufvideo_sdk.evaluate.__all__) <= set(dir(ufvideo_sdk.evaluate))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ufvideo_sdk.evaluate.nothing


def test_region_similarity_by_hand() -> None:
    # 80 rows of 30 shared columns, of 60 together.
    first, second = left_of(50), left_of(60) & ~left_of(20)
    assert region_similarity(first, second) == 30 / 60
    assert region_similarity(EMPTY, EMPTY) == 1
    assert region_similarity(first, EMPTY) == region_similarity(EMPTY, first) == 0


def test_region_similarity_is_that_of_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.mask", reason="needs pycocotools: the extra [dev]")
    rng = np.random.default_rng(3)
    for share in (0.01, 0.3, 0.5, 0.9):
        first, second = (rng.random((37, 53)) < share for _ in range(2))
        codes = [coco.encode(np.asfortranarray(each.astype(np.uint8))) for each in (first, second)]
        expected = coco.iou([codes[0]], [codes[1]], [0])[0, 0]
        assert region_similarity(first, second) == pytest.approx(expected, rel=1e-15)


def test_contour_accuracy_by_hand() -> None:
    # 0.8 % of the diagonal of 80 x 100 is 1.02 pixels: two are allowed.
    assert contour_radius(80, 100) == 2
    assert contour_accuracy(left_of(52), left_of(50)) == 1
    assert contour_accuracy(left_of(53), left_of(50)) == 0
    # A step of ten columns half-way down: a contour of 40 + 10 + 40 pixels, the truth's has 80.
    # Of the step's 10 pixels 2 are near, and 2 of the truth's lower half are near the step.
    stepped, straight = left_of(50, 60), left_of(50)
    assert contour_accuracy(stepped, straight) == pytest.approx(2 * 42 / (90 + 80), rel=1e-15)
    assert contour_accuracy(straight, stepped) == pytest.approx(2 * 42 / (90 + 80), rel=1e-15)


def test_contour_accuracy_of_what_has_no_contour() -> None:
    assert contour_accuracy(EMPTY, EMPTY) == 1
    assert contour_accuracy(left_of(50), EMPTY) == contour_accuracy(EMPTY, left_of(50)) == 0
    # The picture's border is no contour.
    assert contour_accuracy(~EMPTY, left_of(50)) == 0
    assert contour_accuracy(~EMPTY, EMPTY) == 1


def test_contours_match_within_a_disk() -> None:
    """Of 400 x 400 pixels the radius is 5: 3 and 4 pixels off are as far as 5 and 0."""
    assert contour_radius(400, 400) == 5
    middle = dot(200, 200)
    assert contour_accuracy(dot(203, 204), middle) == contour_accuracy(dot(200, 205), middle) == 1
    assert contour_accuracy(dot(206, 206), middle) == 0
    # The contour of a dot is 2 x 2 pixels: 6 down, a row of each is 5 from a row of the other.
    assert contour_accuracy(dot(206, 200), middle) == 0.5


def test_void_pixels_do_not_count() -> None:
    void = ~left_of(70)
    assert region_similarity(~EMPTY, left_of(70), void=void) == 1
    assert region_similarity(left_of(35), left_of(90), void=void) == 0.5
    assert contour_accuracy(left_of(80), left_of(90), void=void) == 1


def test_scores_are_means_of_objects_and_not_of_frames() -> None:
    right = left_of(50)
    # One frame right of one; none of three.
    scores = mask_scores([[right], [EMPTY] * 3], [[right], [right] * 3])
    assert scores == MaskScores(0.5, 0.5)
    assert scores.region_and_contour == 0.5
    # A missing object is zeros, whether it is the last one or None.
    assert mask_scores([[right]], [[right], [right]]) == MaskScores(0.5, 0.5)
    assert mask_scores([None, [right]], [[right], [right]]) == MaskScores(0.5, 0.5)
    assert mask_scores(np.stack([right])[None], np.stack([right])[None]) == MaskScores(1, 1)


def test_masks_that_do_not_belong_together_are_refused() -> None:
    right = left_of(50)
    with pytest.raises(InputError, match=r"mask: expected \[80, 100\] as of the truth, got \[80"):
        region_similarity(right[:, :50], right)
    with pytest.raises(InputError, match=r"mask: expected bool \[H, W\], got uint8 \[80, 100\]"):
        contour_accuracy(right.astype(np.uint8), right)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at most 1 objects as in the truth"):
        mask_scores([[right], [right]], [[right]])
    with pytest.raises(InputError, match=r"masks\[0\].*more frames in the truth, behind 1"):
        mask_scores([[right]], [[right, right]])
    with pytest.raises(InputError, match="expected a frame or more"):
        mask_scores([[]], [[]])


def test_temporal_iou_by_hand() -> None:
    assert temporal_iou((2.0, 6.0), (4.0, 8.0)) == pytest.approx(2 / 6)
    assert temporal_iou((2.0, 6.0), (6.0, 8.0)) == temporal_iou((0.1, 0.2), (0.5, 0.6)) == 0
    assert temporal_iou((3.0, 3.0), (3.0, 3.0)) == 1
    assert temporal_iou((3.0, 3.0), (2.0, 4.0)) == 0
    assert temporal_iou((6.0, 2.0), (2.0, 6.0)) == 0, "a reversed span is none"
    with pytest.raises(InputError, match="truth: expected a start before its end"):
        temporal_iou((2.0, 6.0), (6.0, 2.0))
    with pytest.raises(InputError, match="span: expected finite bounds"):
        temporal_iou((2.0, float("nan")), (2.0, 6.0))


def test_recall_is_strictly_above_its_threshold() -> None:
    tious = [0.0, 0.3, 0.5, 0.51, 1.0]
    assert [recall_at(tious, each) for each in (0.3, 0.5, 0.7)] == [0.6, 0.4, 0.2]
    for wrong in ([], tious):
        with pytest.raises(InputError):
            recall_at(wrong, 1.0)


def test_accuracy() -> None:
    assert accuracy([True, False, False, True]) == 0.5
    with pytest.raises(InputError, match="got none"):
        accuracy([])


@pytest.mark.parametrize(
    ("answer", "position"),
    [
        ("(B)", 1),
        ("(b) up", 1),
        ("b", 1),
        ("B.", 1),
        ("The best option is B.", 1),
        ("B) left", 1),
        ("A cat moves up-left.", 1),
        ("It goes up.", 2),
        ("(E)", None),
        ("down", None),
        ("", None),
        ("left or up", None),
        ("Because it does.", None),
    ],
)
def test_the_option_that_an_answer_names(answer: str, position: int | None) -> None:
    assert chosen_option(answer, ["left", "up-left", "up"]) == position


def test_options_of_equal_words_cannot_be_told_apart_by_them() -> None:
    assert chosen_option("left", ["left", "Left."]) is None


def test_rouge_l_by_hand() -> None:
    assert rouge_l("The cat sat.", "the cat sat down there") == 2 * 3 / (3 + 5)
    # In order: "a b" of "a b c d" and "d a b".
    assert rouge_l("a b c d", "d a b") == 2 * 2 / (4 + 3)
    assert rouge_l("one two", "three") == 0
    assert rouge_l("", "three") == rouge_l("three", "...") == 0
    assert rouge_l("", "...") == rouge_l("Same, words!", "same words") == 1
