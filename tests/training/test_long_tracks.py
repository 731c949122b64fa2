"""The rows of followed objects are the scores of `training.evaluate.tracking`."""

from __future__ import annotations

import pytest

from training.evaluate import long_tracks
from training.evaluate.long_tracks import LENGTHS, Length, measure
from training.evaluate.tracking import scores_of
from training.world import TEST_SEEDS, render
from training.world.long_scene import make_long_scene
from ufvideo_sdk import UFVideo


def test_the_floors_are_of_minutes() -> None:
    assert [(each.num_frames, each.floor) for each in LENGTHS] == [(300, 80.0), (3000, 70.0)]
    assert long_tracks.WAY.reprompt == "lost"


def test_a_row_is_the_mean_over_all_objects() -> None:
    model = UFVideo.load()
    (row,) = measure(model, [Length(12, 2, 0.0)])
    found = []
    for seed in TEST_SEEDS[:2]:
        scene = make_long_scene(seed, 12)
        rendered = render(scene)
        with model.open(rendered.frames, timestamps_s=scene.times_s) as session:
            scores, _ = scores_of(session, long_tracks.WAY, rendered)
        found += [score.region_and_boundary for score in scores]
    assert row.count == 4 and row.percent == pytest.approx(100 * sum(found) / 4)
    assert row.label == "objects followed over 12 frames, J&F"


def test_the_second_renderer_draws_other_clips() -> None:
    model = UFVideo.load()
    lengths = [Length(8, 1, 0.0)]
    assert measure(model, lengths, flat=True) != measure(model, lengths)
