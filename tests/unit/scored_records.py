"""Records and answers made by hand, and their scores in both columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.unit.evaluation_sets import Mask, object_mask
from ufvideo_sdk.evaluate import DataSet, Prediction, Record, Score, ScoreRow, score_data_set

SHIFTED_J, SHIFTED_F = 100 / 3, 100 * 14 / 32
Frames = Mapping[int, "Mask | None"]


def masks_of(frames: Frames) -> dict[int, object]:
    return {idx: None if m is None else object_mask(m) for idx, m in frames.items()}


def record(key: str, *objects: Frames, **fields: object) -> Record:
    found = tuple(masks_of(frames) for frames in objects)
    fields = {"scored_idxs": tuple(sorted({i for each in objects for i in each})), **fields}
    return Record(key, id=key, video_name=f"video {key}", objects=found, **fields)  # type: ignore[arg-type]


def prediction(key: str, *objects: Frames, text: str = "Sure, [SEG].") -> Prediction:
    return Prediction(key, text, tuple(masks_of(frames) for frames in objects))  # type: ignore[arg-type]


def rows_of(
    benchmark: str, records: Sequence[Record], predictions: Sequence[Prediction]
) -> dict[str, ScoreRow]:
    rows = score_data_set(DataSet(benchmark, tuple(records)), predictions)
    return {row.metric: row for row in rows if not row.group}


def percents(row: ScoreRow) -> tuple[float | None, float | None]:
    released = None if row.released is None else row.released.percent
    return released, row.corrected.percent


def released(row: ScoreRow) -> Score:
    assert row.released is not None
    return row.released
