"""What the released scripts make of masks: values worked out by hand.

Squares of 8 x 8 pixels on frames of 24 x 32. Two that lie four columns apart share 4 x 8 pixels of
12 x 8: J is 1 / 3. The contour of one is a ring of 32 pixels; a contour matches within one pixel:
of either ring 6 + 6 pixels of the two horizontal sides and 2 of a vertical one: F is 14 / 32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation_sets import square, write_labels
from tests.unit.scored_records import (
    SHIFTED_F,
    SHIFTED_J,
    percents,
    prediction,
    record,
    released,
    rows_of,
)
from ufvideo_sdk.evaluate import DataSet, Reason, Record
from ufvideo_sdk.evaluate.datasets.palettes import LabelMask
from ufvideo_sdk.evaluate.scoring.released_masks import released_masks


def test_the_shift_by_hand() -> None:
    rows = rows_of("mevis-val-u", [record("0", {0: square(2)})], [prediction("0", {0: square(6)})])
    assert percents(rows["J"]) == (pytest.approx(SHIFTED_J), pytest.approx(SHIFTED_J))
    assert percents(rows["F"]) == (pytest.approx(SHIFTED_F), pytest.approx(SHIFTED_F))


def test_mevis_is_shifted_behind_the_first_null() -> None:
    """Three masks on the frames with truth, compared with the truth of the first three frames."""
    truth = {0: square(2), 1: None, 2: square(6), 3: square(10)}
    right = {**truth, 1: np.zeros_like(square(2))}
    rows = rows_of("mevis-val-u", [record("0", truth)], [prediction("0", right)])
    # The first is right, the second meets the null, the third the truth of one frame before.
    assert percents(rows["J"]) == (pytest.approx((100 + SHIFTED_J) / 2), 100)
    assert percents(rows["F"]) == (pytest.approx((100 + SHIFTED_F) / 2), 100)
    assert released(rows["J"]).n == 2
    assert released(rows["J"]).failures == {"frames with null truth": 1}


def test_pixrqa_is_one_frame_off() -> None:
    truth = {0: square(2), 4: square(6), 8: square(10)}
    records = [record("0", truth, scored_idxs=(4, 8), reference="A square.")]
    rows = rows_of("pixrqa", records, [prediction("0", truth, text="A square.")])
    assert percents(rows["J"]) == (pytest.approx(SHIFTED_J), 100)
    assert percents(rows["F"]) == (pytest.approx(SHIFTED_F), 100)
    assert percents(rows["ROUGE-L"]) == (None, 100)


def test_pixrqa_ends_where_objects_have_other_frames() -> None:
    """The number of frames is the last object's; the process ends, and the file has no more."""
    first = {0: square(2), 4: square(6)}
    two = record("0", first, {0: square(20)}, scored_idxs=(4,), reference="x")
    one = record("1", first, scored_idxs=(4,), reference="x")
    given = [prediction("0", first, {0: square(20)}), prediction("1", first)]
    rows = rows_of("pixrqa", [two, one], given)
    assert released(rows["J"]).n == 1
    assert released(rows["J"]).failures == {"its process ended": 1}


def test_pixhqa_writes_the_first_half_alone() -> None:
    truth = {0: square(2)}
    records = [record(str(k), truth, reference="x") for k in range(4)]
    wrong = {0: square(6)}
    given = [prediction(str(k), wrong if k == 1 else truth) for k in range(4)]
    rows = rows_of("pixhqa", records, given)
    assert percents(rows["J"]) == (
        pytest.approx((100 + SHIFTED_J) / 2),
        pytest.approx((300 + SHIFTED_J) / 4),
    )
    assert released(rows["J"]).failures == {"its process ended": 2}


def test_pixhqa_is_scored_by_position() -> None:
    """The file has the second frame first."""
    truth = {4: square(6), 0: square(2)}
    rows = rows_of("pixhqa", [record("0", truth, reference="x")], [prediction("0", truth)])
    assert percents(rows["J"]) == (pytest.approx(SHIFTED_J), 100)


def test_frames_are_pooled_and_what_cannot_be_compared_is_left_out() -> None:
    long = {0: square(2), 1: square(2), 2: square(2)}
    shifted = {idx: square(6) for idx in long}
    records = [
        record("one", {0: square(2)}),
        record("long", long),
        record("none", {0: square(2)}),
        record("shape", {0: square(2)}),
    ]
    given = [
        prediction("one", {0: square(2)}),
        prediction("long", shifted),
        prediction("none", text="I see no square."),
        prediction("shape", {0: square(2)[:12]}),
    ]
    rows = rows_of("revos", records, given)
    # Four frames, of which one is right; four objects, of which one is right.
    assert percents(rows["J"]) == (
        pytest.approx((100 + 3 * SHIFTED_J) / 4),
        pytest.approx((100 + SHIFTED_J) / 4),
    )
    assert released(rows["J"]).failures == {
        "no mask in the answer": 1,
        "frames with a mask of another size": 1,
    }
    assert rows["J"].corrected.failures == {
        Reason.NUM_MASKS.value: 1,
        Reason.WRONG_SHAPE.value: 1,
    }
    assert rows["J"].corrected.percent_without_failures == pytest.approx((100 + SHIFTED_J) / 2)


def test_objects_are_paired_in_the_order_of_a_listing() -> None:
    truth = ({0: square(2)}, {0: square(20)})
    data_set = DataSet("pixhqa", (record("0", *truth, reference="x"),))
    given = {"0": prediction("0", *truth)}
    assert released_masks(data_set, given)["J"].percent == 100
    backwards = released_masks(data_set, given, listing_order=lambda found: sorted(found)[::-1])
    assert (backwards["J"].percent, backwards["F"].percent) == (0, 0)


def test_a_script_that_ends_has_no_score() -> None:
    truth = {0: square(2)}
    rows = rows_of("pixhqa", [record("0", truth, reference="x")], [prediction("0", truth, truth)])
    assert percents(rows["J"]) == (None, 0)
    assert "more objects than in the truth" in released(rows["J"]).note
    frames = {0: square(2), 4: square(6)}
    records = [record("0", {0: square(2)}, scored_idxs=(0, 4), reference="x")]
    rows = rows_of("pixhqa", records, [prediction("0", frames)])
    assert "more frames than in the truth" in released(rows["J"]).note
    assert percents(rows["J"]) == (None, 100)


def test_all_objects_of_a_palette_are_one(tmp_path: Path) -> None:
    path = tmp_path / "00000.png"
    write_labels(path, square(2), square(20))
    known = Record(
        "0",
        id="0",
        video_name="clip",
        objects=({0: LabelMask(path, 1)},),
        scored_idxs=(0,),
        annotation_files={0: path},
    )
    rows = rows_of("ref-davis17", [known], [prediction("0", {0: square(2)})])
    # Half of the pixels of both; all of the contour is right, half of the right one is there.
    assert percents(rows["J"]) == (50, 100)
    assert percents(rows["F"]) == (pytest.approx(200 / 3), 100)


def test_a_duplicate_id_writes_over_the_folder_of_the_one_before() -> None:
    truth = {0: square(2)}
    first = record("0", truth)
    again = Record(
        "0 (2)",
        id="0",
        video_name="video 0",
        objects=first.objects,
        scored_idxs=(0,),
        problem=Reason.DUPLICATE,
    )
    given = [prediction("0", truth), prediction("0 (2)", {0: square(6)})]
    rows = rows_of("mevis-val-u", [first, again], given)
    # Both are scored with the second one's mask; corrected, the first is right, the second fails.
    assert percents(rows["J"]) == (pytest.approx(SHIFTED_J), 50)
    assert rows["J"].corrected.failures == {Reason.DUPLICATE.value: 1}
