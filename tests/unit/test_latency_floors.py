"""Which rows of the latency benchmark hold, and what both sides are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")
from benchmarks.latency import pipeline
from benchmarks.latency.pipeline import MEMORY_ROW, row_holds
from benchmarks.latency.workload import REGION_QUESTION, Workload

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("row", "ours", "theirs", "holds"),
    [
        ("aligner, ms a clip", [10, 10, 10], [10, 10, 10], True),
        ("aligner, ms a clip", [10, 10.2, 10.4], [10, 10, 10.3], True),
        ("aligner, ms a clip", [10.1, 10.2, 10.4], [10, 10, 10], False),
        ("aligner, ms a clip", [9, 10.5, 11], [8, 10, 12], False),
        # The ranges overlap, the middle halves do not.
        ("aligner, ms a clip", [10, 10.2, 10.2, 10.2, 10.3], [10, 10, 10, 10, 10.3], False),
        ("end to end, ms", [10, 10, 10], [20, 20, 20], True),
        ("end to end, ms", [10, 10, 10], [19, 19.9, 22], False),
        (MEMORY_ROW, [100, 101, 102], [100, 100.9, 103], False),
        (MEMORY_ROW, [100, 100, 100], [100, 100, 100], False),
        (MEMORY_ROW, [100, 100, 100], [101, 101, 101], True),
    ],
)
def test_a_row_holds_by_its_floor(
    row: str, ours: list[float], theirs: list[float], holds: bool
) -> None:
    assert row_holds(row, ours, theirs) is holds


ROUND = {
    "aligner, ms a clip": 10.0,
    "resize, ms a frame": 1.0,
    "language_model decode, ms a token": 1.0,
    "token ids": [[1]],
}


@pytest.mark.parametrize(
    ("theirs", "status"),
    [
        (ROUND, 0),
        ({**ROUND, "resize, ms a frame": 0.9}, 1),
        ({**ROUND, "token ids": [[2]]}, 1),
    ],
)
def test_the_exit_status_is_that_of_the_floors(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    theirs: dict[str, object],
    status: int,
) -> None:
    monkeypatch.setattr(pipeline, "small_workload", lambda _: None)
    monkeypatch.setattr(pipeline, "measure", lambda *_: ([ROUND] * 3, [theirs] * 3))
    assert pipeline.main(["--quick"]) == status
    assert ("every floor holds" in capsys.readouterr().out) is (status == 0)


def test_one_frame_at_a_time_has_a_floor_at_real_size_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = [{**ROUND, "aligner, ms a clip": 9.0}] * 3
    monkeypatch.setattr(pipeline, "small_workload", lambda _: None)
    monkeypatch.setattr(pipeline, "large_workload", lambda _: None)
    monkeypatch.setattr(pipeline, "measure", lambda *_: ([ROUND] * 3, slow))
    assert pipeline.main(["--quick"]) == 0
    assert pipeline.main([]) == 1
    assert "100 M parameters, random weights: aligner" in capsys.readouterr().out


def test_regions_mark_the_drawn_objects() -> None:
    workload = Workload(Path(), Path(), Path(), 1, 1, 1)
    ball, square = workload.regions(workload.frames(8))
    assert REGION_QUESTION.count("<region>") == 2
    assert ball.frame_idxs.tolist() == [0, 1, 2, 3, 4, 5]
    assert square.frame_idxs.tolist() == [0, 1]
    left = [np.flatnonzero(mask.any(axis=0))[0] for mask in ball.masks]
    assert left == sorted(left) and left[-1] > left[0] + 100
    assert all(2000 < mask.sum() < 3000 for mask in ball.masks)
    assert all(mask.sum() == 31 * 31 for mask in square.masks)
