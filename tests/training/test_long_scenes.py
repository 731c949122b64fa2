"""Long clips, and the scores of tracks through them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluate import tracking, windows
from training.evaluate.track_scores import Loss, num_switches, score_track
from training.evaluate.tracking import Way, row_of, table
from training.world import TEST_SEEDS, render
from training.world.long_scene import FPS, make_long_scene
from training.world.sentences import name

NUM_FRAMES = 300


@pytest.mark.parametrize("seed", TEST_SEEDS[:8])
def test_two_things_go_behind_a_third_again_and_again(seed: int) -> None:
    scene = make_long_scene(seed, NUM_FRAMES)
    assert scene == make_long_scene(seed, NUM_FRAMES)
    assert len({name(thing) for thing in scene.things}) == 3
    assert scene.things[0].kind == scene.things[2].kind
    assert scene.times_s[-1] == pytest.approx((NUM_FRAMES - 1) / FPS)
    masks = render(scene, range(0, NUM_FRAMES, 2)).masks
    seen = masks.any(axis=(2, 3))
    assert seen[1].all(), "the thing in front is always there"
    for small in (0, 2):
        assert seen[small, 0], "it is named on the first frame"
        begins = np.flatnonzero(seen[small, :-1] & ~seen[small, 1:])
        assert 2 <= len(begins) <= 12, "it hides several times in 30 s"
        assert 0.5 < seen[small].mean() < 0.95


def test_a_long_scene_is_as_fast_as_a_short_one() -> None:
    short, long = (make_long_scene(TEST_SEEDS[0], count) for count in (300, 3000))
    for scene in (short, long):
        path = np.array(scene.things[0].path)
        steps = np.diff(path, axis=0)
        speeds = np.abs(steps[:, 1:]).max(axis=1) / (steps[:, 0] * (scene.num_frames - 1))
        assert speeds.max() < 0.06
    with pytest.raises(ValueError, match="num_frames"):
        make_long_scene(0, 1)


def shifted(shift: int) -> NDArray[np.bool_]:
    mask = np.zeros((20, 30), np.bool_)
    mask[5:15, shift : shift + 10] = True
    return mask


def test_a_track_is_scored_frame_by_frame() -> None:
    empty = np.zeros((20, 30), np.bool_)
    truth = np.stack([np.stack([shifted(0)] * 3 + [empty]), np.stack([shifted(15)] * 4)])
    right = score_track(truth[0], truth, 0)
    assert (right.region, right.boundary, right.spread, right.num_switches) == (1.0, 1.0, 0.0, 0)
    # Partly right on the second frame, on the other thing in the third, and there where it hides.
    masks = [shifted(0), shifted(5), shifted(15), shifted(0)]
    wrong = score_track(masks, truth, 0)
    assert wrong.region == pytest.approx((1 + 1 / 3 + 0 + 0) / 4)
    assert wrong.spread == pytest.approx(np.std([1, 1 / 3, 0]))
    assert wrong.step == pytest.approx(np.mean([2 / 3, 1 / 3]))
    assert wrong.num_switches == 1
    with pytest.raises(ValueError, match="expected a frame"):
        score_track([], truth[:, :0], 0)


def test_what_a_track_loses_is_told_apart() -> None:
    empty = np.zeros((20, 30), np.bool_)
    half = shifted(0)
    half[:, 5:] = False
    truth = np.stack(
        [np.stack([shifted(0)] * 4 + [half, empty]), np.stack([shifted(15)] * 6)]
    )  # fmt: skip
    # Right, rough, on nothing, on the other thing; partly hidden, hidden.
    masks = [shifted(0), shifted(2), empty, shifted(15), shifted(0), shifted(0)]
    score = score_track(masks, truth, 0)
    assert sum(score.lost.values()) == pytest.approx(1 - score.region_and_boundary)
    lost = {kind for kind, value in score.lost.items() if value > 0}
    assert lost == {Loss.ROUGH, Loss.MISSING, Loss.OTHER, Loss.PARTLY, Loss.HIDDEN}
    assert score.lost[Loss.OTHER] == score.lost[Loss.MISSING] == pytest.approx(1 / 6)
    elsewhere = score_track([shifted(9)] * 6, truth, 0)
    assert elsewhere.lost[Loss.ELSEWHERE] > 0.4 and elsewhere.lost[Loss.ROUGH] == 0


def test_a_switch_is_counted_once() -> None:
    assert num_switches([0, None, 0, 2, 2, None, 2, 0], 0) == 2
    assert num_switches([None, None], 0) == 0


def test_the_table_has_a_line_for_each_way() -> None:
    truth = np.stack([np.stack([shifted(0)] * 4)])
    score = score_track(truth[0], truth, 0)
    ways = [Way("sam2", 3), Way("sam2", 7, "lost", 1.0), Way(None)]
    lines = table([row_of(way, [score, score], 0.8, 4) for way in ways])
    assert lines[1].split()[:4] == ["sam2,", "3", "memories", "100.0"]
    assert "named again if lost, checked every 1 s" in lines[2] and lines[3].startswith(
        "named on every frame"
    )
    assert lines[3].split()[-1] == "100.0"
    assert lines[5].split()[-6:] == ["hidden", "other", "partly", "missing", "elsewhere", "rough"]
    assert lines[6].split()[-6:] == ["0.0"] * 6


def test_tracking_is_printed_and_saved(
    small_package_track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random weights follow nothing: what counts is that every way has its line."""
    saved = tmp_path / "tracking.json"
    sizes = ["--clips", "1", "--frames", "12", "--memories", "1", "7", "--verify", "1"]
    assert tracking.main([str(small_package_track), *sizes, "--json", str(saved)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 clips of 12 frames, 10 frames a second"
    labels = [row["label"] for row in json.loads(saved.read_text())["rows"]]
    assert [line[:60].strip() for line in lines[2:6]] == labels
    assert labels == [
        "sam2, 1 memories, checked every 1 s",
        "sam2, 7 memories, checked every 1 s",
        "distractor, 7 memories, checked every 1 s",
        "named on every frame",
    ]


def test_windows_are_printed_and_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "windows.json"
    assert windows.main(["--clips", "2", "--numbers", "2", "16", "--json", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "question answering, accuracy" in out
    assert list(json.loads(saved.read_text())) == ["2", "16"]
    assert windows.looked_at(60, 4) == [0, 20, 39, 59] and windows.looked_at(3, 16) == [0, 1, 2]
