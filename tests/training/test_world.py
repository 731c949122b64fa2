"""Scenes, pixels and events of the rendered world."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from training.world import (
    TEST_SEEDS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
    Event,
    Truth,
    make_scene,
    render,
    render_flat,
    write_clip,
)
from training.world.levels import LEVELS, MAX_LEVEL
from training.world.preview import main as preview
from training.world.scene import ACTIONS, BACKGROUNDS, COLORS, DIRECTIONS, KINDS

SEEDS = range(150)


def test_seed_ranges_share_nothing():
    ranges = (TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS)
    ends = sorted((r.start, r.stop) for r in ranges)
    assert all(a[1] <= b[0] for a, b in pairwise(ends))
    assert min(len(r) for r in ranges) >= 5000


@pytest.mark.parametrize("level", range(MAX_LEVEL + 1))
def test_a_seed_makes_one_scene_within_its_level(level):
    limits = LEVELS[level]
    for seed in range(30):
        scene = make_scene(seed, level=level)
        assert scene == make_scene(seed, level=level)
        assert 1 <= len(scene.things) <= limits.max_things
        assert {t.kind for t in scene.things} <= set(limits.kinds)
        assert {t.color for t in scene.things} <= set(limits.colors)
        assert {t.action for t in scene.things} <= set(limits.actions)
        assert scene.height % 2 == scene.width % 2 == 0
        assert (np.diff(scene.times_s) > 0).all()


def test_the_hardest_level_holds_everything():
    scenes = [make_scene(seed) for seed in SEEDS]
    things = [thing for scene in scenes for thing in scene.things]
    assert {t.kind for t in things} == set(KINDS)
    assert {t.color for t in things} == set(COLORS)
    assert {t.action for t in things} == set(ACTIONS)
    assert {e.direction for t in things for e in t.events} >= set(DIRECTIONS)
    assert {s.background.kind for s in scenes} == set(BACKGROUNDS)
    assert {len(s.things) for s in scenes} == {1, 2, 3}
    assert any(np.ptp(np.diff(s.times_s)) > 0.01 for s in scenes)
    assert any(s.camera.reach > 0 for s in scenes)


def test_no_two_things_ever_look_alike():
    for seed in SEEDS:
        things = make_scene(seed).things
        looks = [(t.kind, color) for t in things for color in {t.color, t.final_color}]
        assert len(looks) == len(set(looks)), seed


def test_an_event_cannot_end_before_it_begins():
    with pytest.raises(ValueError, match="start <= end"):
        Event("move", 0.6, 0.4, "left")
    with pytest.raises(ValueError, match="wrong length"):
        Event("stop", 0.4, 0.6)


def test_levels_and_frames_are_checked():
    with pytest.raises(ValueError, match="expected 0 to 3, got 4"):
        make_scene(0, level=4)
    with pytest.raises(ValueError, match="got 1"):
        make_scene(0, num_frames=1)
    with pytest.raises(ValueError, match="frame_idxs"):
        render(make_scene(0, num_frames=8), [8])


@pytest.mark.parametrize("draw", [render, render_flat])
def test_some_frames_are_those_of_the_whole_clip(draw):
    for seed in (2, 10, 38):
        scene = make_scene(seed)
        whole, some = draw(scene), draw(scene, [20, 3])
        assert np.array_equal(some.frames, whole.frames[[20, 3]])
        assert np.array_equal(some.masks, whole.masks[:, [20, 3]])
        assert not (whole.masks.sum(axis=0) > 1).any(), "a pixel of two things"


def test_the_pixels_of_a_mask_have_the_things_color():
    from training.world.render import PALETTE

    names = list(PALETTE)
    palette = np.array([PALETTE[name] for name in names], float)
    for seed in range(40):
        scene = make_scene(seed)
        rendered = render(scene, [0, scene.num_frames - 1])
        for thing, masks in zip(scene.things, rendered.masks, strict=True):
            for f, color in ((0, thing.color), (1, thing.final_color)):
                if masks[f].sum() > 30:
                    mean = rendered.frames[f][masks[f]].mean(axis=0)
                    unit = palette / np.linalg.norm(palette, axis=1, keepdims=True)
                    near = np.linalg.norm(unit - mean / np.linalg.norm(mean), axis=1)
                    assert names[int(near.argmin())] == color, (seed, thing)


def test_things_are_large_enough():
    for seed in range(60):
        scene = make_scene(seed)
        radii = [radius for thing in scene.things for _, radius in thing.radii]
        assert min(radii) >= 0.125, seed


def _centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)[::-1]


def test_pixels_show_the_events():
    seen = set()
    for seed in range(120):
        scene = make_scene(seed)
        truth = Truth(scene)
        ends = {i for span in truth.spans for i in (span.first_frame, span.last_frame)}
        frames = sorted(ends | {0, scene.num_frames - 1})
        masks = render(scene, frames).masks
        row = {frame: k for k, frame in enumerate(frames)}
        for span in truth.spans:
            mask = masks[span.thing]
            before, after = mask[row[span.first_frame]], mask[row[span.last_frame]]
            kind = span.event.kind
            seen.add(kind)
            assert scene.times_s[0] <= span.start_s <= span.end_s <= scene.times_s[-1]
            if kind == "enter":
                assert not mask[0].any() and before.sum() < 0.3 * after.sum(), seed
            elif kind == "leave":
                assert after.sum() < 0.3 * before.sum() and not mask[-1].any(), seed
            elif kind == "grow":
                assert after.sum() > 1.3 * before.sum(), seed
            elif kind == "shrink":
                assert before.sum() > 1.3 * after.sum(), seed
            elif kind == "move" and len(scene.things) == 1:
                way = (_centre(after) - _centre(before)) / [scene.width, scene.height]
                step = np.array(DIRECTIONS[span.event.direction or ""])
                assert (np.sign(np.where(np.abs(way) > 0.12, way, 0)) == step).all(), seed
    assert seen == {"move", "enter", "leave", "turn", "grow", "shrink", "recolor", "collide",
                    "hide", "stop"}  # fmt: skip


def test_what_hides_is_not_seen():
    checked = 0
    for seed in range(150):
        scene = make_scene(seed)
        for span in Truth(scene).spans:
            if span.event.kind == "hide":
                inside = range(span.first_frame, span.last_frame + 1)
                masks = render(scene, inside).masks[span.thing]
                assert masks.sum(axis=(1, 2)).max() <= 12, seed
                assert span.event.end - span.event.start > 0.15
                checked += 1
    assert checked >= 8


def test_collisions_touch():
    checked = 0
    for seed in range(150):
        scene = make_scene(seed)
        for span in Truth(scene).spans:
            if span.event.kind == "collide" and span.event.other is not None:
                after = min(span.first_frame, scene.num_frames - 1)
                masks = render(scene, [after]).masks
                first = np.argwhere(masks[span.thing, 0])
                second = np.argwhere(masks[span.event.other, 0])
                gaps = np.abs(first[:, None] - second[None]).max(axis=2)
                assert gaps.min() <= 4, seed
                assert gaps.min() >= 1, seed
                checked += 1
    assert checked >= 8


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_file_keeps_frames_and_times(tmp_path: Path, name: str):
    seed = next(s for s in SEEDS if np.ptp(np.diff(make_scene(s).times_s)) > 0.01)
    rendered = render(make_scene(seed))
    write_clip(tmp_path / name, rendered)
    with av.open(str(tmp_path / name)) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx(rendered.scene.times_s, abs=1e-6)
    read = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    assert read.shape == rendered.frames.shape
    assert np.abs(read.astype(int) - rendered.frames).mean() < 6


def test_a_file_needs_every_frame(tmp_path: Path):
    with pytest.raises(ValueError, match="expected all 8 frames"):
        write_clip(tmp_path / "clip.mp4", render(make_scene(0, num_frames=8), [0, 1]))


def test_the_two_renderers_differ_in_looks_and_agree_in_truth():
    scene = make_scene(24)
    first, second = render(scene), render_flat(scene)
    assert np.abs(first.frames.astype(int) - second.frames).mean() > 8
    overlap = np.count_nonzero(first.masks & second.masks)
    assert overlap / np.count_nonzero(first.masks | second.masks) > 0.85


def test_preview_writes_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert preview([str(tmp_path / "sheet.png"), "--seed", "10"]) == 0
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    assert "ms a frame" in capsys.readouterr().out
