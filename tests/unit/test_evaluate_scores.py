"""Scores of data sets as their publishers lay them out: truth as the answer, and edge cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation_sets import (
    object_mask,
    square,
    write_charades,
    write_davis,
    write_mevis,
    write_mvbench,
    write_pixhqa,
    write_pixrqa,
    write_pixtrqa,
    write_released,
    write_revos,
    write_videorefer_d,
    write_videorefer_q,
    write_youtube,
)
from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate import (
    BENCHMARKS,
    DataSet,
    Interval,
    Prediction,
    Reason,
    Record,
    ScoreRow,
    read_data_set,
    score_data_set,
    score_table,
    scores_to_json,
    truth_as_prediction,
)

SHIFTED_J = 100 / 3
# What the released scripts make of the truth. MeViS: the masks on frames 0 and 2 are compared with
# the truth of frames 0 and 1, which is null. PixRQA: those on frames 4 and 8 with the truth of 0
# and 4: squares two columns apart share 6 x 8 pixels of 10 x 8, and the second mask is empty.
# Palettes: half of the pixels of both objects.
RELEASED_OF_TRUTH: Mapping[str, Mapping[str, float | None]] = {
    "mevis-val-u": {"J": 100.0, "F": 100.0},
    "released records": {"J": 100.0},
    "pixrqa": {"J": 30.0},
    "ref-davis17": {"J": 50.0, "F": pytest.approx(200 / 3)},
    "ref-youtube-vos": {"J": 50.0, "F": pytest.approx(200 / 3)},
    "revos": {"J": 100.0, "F": 100.0},
}
WRITERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "charades-sta": ("charades-sta", write_charades),
    "mevis-val-u": ("mevis-val-u", write_mevis),
    "mvbench": ("mvbench", write_mvbench),
    "pixhqa": ("pixhqa", write_pixhqa),
    "pixrqa": ("pixrqa", write_pixrqa),
    "pixtrqa": ("pixtrqa", write_pixtrqa),
    "ref-davis17": ("ref-davis17", write_davis),
    "ref-youtube-vos": ("ref-youtube-vos", lambda root: write_youtube(root, with_truth=True)),
    "released records": ("mevis-val-u", write_released),
    "revos": ("revos", write_revos),
    "videorefer-d": ("videorefer-d", write_videorefer_d),
    "videorefer-q": ("videorefer-q", write_videorefer_q),
}


def whole(rows: tuple[ScoreRow, ...]) -> dict[str, ScoreRow]:
    return {row.metric: row for row in rows if not row.group}


def truth_of(data_set: DataSet) -> list[Prediction]:
    # Charades-STA's truth is in seconds; the released script wants a duration.
    found = [truth_as_prediction(record) for record in data_set.records]
    return [replace(each, duration_s=40.0) for each in found]


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_truth_scores_exactly_100(tmp_path: Path, name: str) -> None:
    benchmark, write = WRITERS[name]
    data_set = read_data_set(benchmark, write(tmp_path))
    rows = score_data_set(data_set, truth_of(data_set))
    assert {row.corrected.percent for row in rows} == {100.0}
    assert not any(row.corrected.failures for row in rows)
    for metric, row in whole(rows).items():
        expected = RELEASED_OF_TRUTH.get(name, {}).get(metric)
        if row.released is not None and expected is not None:
            assert row.released.percent == expected, metric
    assert len(score_table(rows)) >= len(rows) + 1
    assert json.loads(json.dumps(scores_to_json(rows)))[0]["corrected"]["percent"] == 100


def test_every_benchmark_with_truth_has_a_small_set() -> None:
    assert {benchmark for benchmark, _ in WRITERS.values()} == set(BENCHMARKS) - {"mevis-val"}


def test_nothing_scores_exactly_0(tmp_path: Path) -> None:
    for number, (benchmark, write) in enumerate(WRITERS.values()):
        data_set = read_data_set(benchmark, write(tmp_path / str(number)))
        rows = score_data_set(data_set, [])
        assert {row.corrected.percent for row in rows} == {0.0}
        for row in rows:
            assert row.corrected.failures == {Reason.NO_ANSWER.value: row.corrected.n}


def segmentation(truth: Mapping[int, np.ndarray | None], key: str = "0") -> Record:
    masks = {idx: None if mask is None else object_mask(mask) for idx, mask in truth.items()}
    return Record(key, id=key, video_name=key, objects=(masks,), scored_idxs=tuple(truth))


def score_of_masks(
    record: Record, masks: Mapping[int, np.ndarray]
) -> tuple[ScoreRow, float | None]:
    given = Prediction(record.key, masks=({i: object_mask(m) for i, m in masks.items()},))
    row = whole(score_data_set(DataSet("mevis-val-u", (record,)), [given]))["J&F"]
    assert row.released is not None
    return row, row.released.percent


def test_empty_masks() -> None:
    """An empty mask is right where the truth is empty, in both columns."""
    empty = np.zeros_like(square(2))
    row, released = score_of_masks(segmentation({0: empty}), {0: empty})
    assert (row.corrected.percent, released) == (100, 100)
    row, released = score_of_masks(segmentation({0: empty}), {0: square(2)})
    assert (row.corrected.percent, released) == (0, 0)
    row, released = score_of_masks(segmentation({0: square(2)}), {0: empty})
    assert (row.corrected.percent, released) == (0, 0)


def test_null_truth_means_not_seen() -> None:
    """Corrected, an empty mask is right; the released script leaves the frame out."""
    empty = np.zeros_like(square(2))
    known = segmentation({0: square(2), 1: None})
    row, released = score_of_masks(known, {0: square(2), 1: empty})
    assert (row.corrected.percent, released) == (100, 100)
    row, released = score_of_masks(known, {0: square(2), 1: square(2)})
    assert (row.corrected.percent, released) == (50, 100)
    row, released = score_of_masks(segmentation({0: None}), {0: empty})
    assert (row.corrected.percent, released) == (100, None)


def test_a_frame_without_a_mask_counts_0() -> None:
    row, _ = score_of_masks(segmentation({0: square(2), 1: square(2)}), {0: square(2)})
    assert row.corrected.percent == 50
    assert row.corrected.failures == {Reason.MISSING_FRAME.value: 1}


def test_a_mask_of_another_size_counts_0() -> None:
    row, released = score_of_masks(segmentation({0: square(2)}), {0: square(2)[:12]})
    assert (row.corrected.percent, released) == (0, None)
    assert row.corrected.failures == {Reason.WRONG_SHAPE.value: 1}
    assert row.released is not None and "left out every frame" in row.released.note


def test_more_masks_than_objects_count_0() -> None:
    record = segmentation({0: square(2)})
    frames = {0: object_mask(square(2))}
    rows = score_data_set(
        DataSet("mevis-val-u", (record,)), [Prediction("0", masks=(frames, frames))]
    )
    assert whole(rows)["J"].corrected.failures == {Reason.NUM_MASKS.value: 1}
    # The released script writes the second over the first, and sees one.
    assert whole(rows)["J"].released is not None
    assert whole(rows)["J"].released.percent == 100  # type: ignore[union-attr]


def test_a_picture_of_the_truth_that_cannot_be_read(tmp_path: Path) -> None:
    data_set = read_data_set("ref-davis17", write_davis(tmp_path))
    given = truth_of(data_set)
    masks = {
        id(each): {i: object_mask(m.pixels()) for i, m in each.masks[0].items() if m}
        for each in given
    }
    given = [replace(each, masks=(masks[id(each)],)) for each in given]
    annotations = tmp_path / "DAVIS" / "Annotations_unsupervised" / "480p" / "dogs-scale"
    (annotations / "00001.png").write_bytes(b"no picture")
    row = whole(score_data_set(data_set, given))["J"]
    assert row.corrected.percent == 50
    assert row.corrected.failures == {Reason.UNREADABLE_TRUTH.value: 8}


def test_annotators_and_kinds_of_expressions_count_alike(tmp_path: Path) -> None:
    data_set = read_data_set("revos", write_revos(tmp_path))
    # One referring expression more, so that reasoning ones are fewer.
    more = replace(data_set.records[0], key="more", id="more")
    data_set = replace(data_set, records=(*data_set.records, more))
    given = [truth_as_prediction(each) for each in data_set.records if each.group != "reasoning"]
    rows = score_data_set(data_set, given)
    # Referring 100, reasoning 0; what is absent has its own row.
    assert whole(rows)["J"].corrected.percent == 50
    assert whole(rows)["J"].corrected.n == 3
    by_group = {row.group: row.corrected.percent for row in rows if row.metric == "J"}
    assert by_group == {"": 50, "referring": 100, "reasoning": 0, "absent": 100}


def test_intervals_and_published_numbers() -> None:
    options = ("left", "right", "up")
    records = tuple(
        Record(
            str(k),
            id=str(k),
            video_name=str(k),
            options=options,
            answer="(A) x",
            answer_idx=0,
            group="g",
        )
        for k in range(1_000)
    )
    given = [Prediction(str(k), "(A)" if k < 750 else "(B)") for k in range(1_000)]
    row = whole(score_data_set(DataSet("videorefer-q", records), given))["accuracy"]
    assert row.released is not None
    assert row.released.published == 74.9, "beside the released column, of the whole data set"
    assert row.corrected.interval == Interval(
        pytest.approx(72.2, abs=0.1), pytest.approx(77.6, abs=0.1)
    )
    several = whole(score_data_set(DataSet("videorefer-q", records, multi_frame=True), given))
    assert several["accuracy"].released.published == 77.9  # type: ignore[union-attr]
    part = whole(score_data_set(DataSet("videorefer-q", records[:999]), given[:999]))
    assert part["accuracy"].released.published is None  # type: ignore[union-attr]
    assert row.corrected.published is None
    failed = [*given[:-1], Prediction("999", failure=Reason.ERROR)]
    row = whole(score_data_set(DataSet("videorefer-q", records), failed))["accuracy"]
    assert row.released is not None and row.released.published is None, "one was not asked"


def test_what_is_not_comparable_has_no_published_number(tmp_path: Path) -> None:
    data_set = read_data_set("revos", write_revos(tmp_path / "revos"))
    row = whole(score_data_set(data_set, truth_of(data_set)))["J&F"]
    assert row.released is not None and row.released.published is None
    reason = BENCHMARKS["revos"].published["J&F"].not_comparable
    assert reason == "no released command scores this data set"
    pixrqa = read_data_set("pixrqa", write_pixrqa(tmp_path / "pixrqa"))
    for is_whole, published in ((True, 53.39), (False, None)):
        row = whole(score_data_set(pixrqa, truth_of(pixrqa), is_whole=is_whole))["J&F"]
        assert row.released is not None and row.released.published == published
    many = tuple(segmentation({0: square(2)}, str(k)) for k in range(793))
    given = [truth_as_prediction(each) for each in many]
    for teacher_forced, published in ((True, 62.8), (False, None)):
        rows = score_data_set(DataSet("mevis-val-u", many), given, teacher_forced=teacher_forced)
        assert whole(rows)["J&F"].released.published == published  # type: ignore[union-attr]


def test_predictions_that_do_not_belong_there_are_refused() -> None:
    data_set = DataSet("mevis-val-u", (segmentation({0: square(2)}),))
    with pytest.raises(InputError, match="a record of the data set for 'x'"):
        score_data_set(data_set, [Prediction("x")])
    with pytest.raises(InputError, match="one alone for '0'"):
        score_data_set(data_set, [Prediction("0"), Prediction("0")])
    with pytest.raises(InputError, match="one that a server scores"):
        score_data_set(replace(data_set, has_truth=False), [])
