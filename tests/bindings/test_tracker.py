"""The tracker from Python: arrays, errors, threads, memory."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import native_config
from tests.compare import EXACT, assert_close
from ufvideo_sdk import _native, errors

HEIGHT, WIDTH = 90, 120
NUM_SETTLED = 20


@pytest.fixture(scope="module")
def model(small_package_track: Path) -> Any:
    return _native.Model.load(str(small_package_track), native_config())


def frame(idx: int) -> NDArray[np.uint8]:
    """A frame uint8 [H, W, 3] with a bright square that moves."""
    pixels = np.random.default_rng(idx).integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
    left = (3 * idx) % (WIDTH - 30)
    pixels[20:60, left : left + 30] = (220, 180, 40)
    return pixels


def state(model: Any, seed: int) -> NDArray[np.float32]:
    width = model.token_embedder.embed([0]).shape[1]
    return np.random.default_rng(seed).normal(size=width).astype(np.float32)


def opened(model: Any, *seeds: int, **options: Any) -> Any:
    tracker = _native.Tracker(model, **options)
    for seed in seeds:
        tracker.add(state(model, seed))
    return tracker


def seen(found: Any) -> list[tuple[Any, ...]]:
    columns = (found.runs, found.iou_scores, found.object_scores, found.was_prompted)
    return [(str(runs), *map(float, rest)) for runs, *rest in zip(*columns, strict=True)]


def tracked(tracker: Any, frames: range) -> list[list[tuple[Any, ...]]]:
    return [seen(tracker.step(frame(idx), idx)) for idx in frames]


def test_what_a_step_returns(model: Any) -> None:
    tracker = opened(model, 1, 2)
    for idx in range(2):
        found = tracker.step(frame(idx), idx)
        assert found.object_ids == tracker.object_ids == [0, 1]
        masks = _native.decode_masks(found.runs, HEIGHT, WIDTH)
        assert masks.shape == (2, HEIGHT, WIDTH) and masks.dtype == np.bool_
        for scores in (found.iou_scores, found.object_scores):
            assert scores.shape == (2,) and scores.dtype == np.float32
        assert_close(found.was_prompted, np.array([idx == 0] * 2), EXACT)
        assert found.timings["memory_encoder"].num_items == 2
    assert tracker.timings["mask_encoder"].num_items == 2
    assert tracker.timings["track_decoder"].num_calls == 2, "one by one on the CPU"
    assert tracker.memory_bytes == model.memory_use().held(_native.MemoryKind.TRACK_MEMORY) > 0


def test_objects_do_not_depend_on_each_other(model: Any) -> None:
    alone = tracked(opened(model, 1), range(NUM_SETTLED))
    tracker = opened(model, 1)
    beside = []
    for idx in range(NUM_SETTLED):
        if idx == 4:
            tracker.add(state(model, 2))
        if idx == 9:
            tracker.prompt(1, state(model, 3))
        if idx == 12:
            tracker.remove(1)
            assert tracker.add(state(model, 4)) == 2
        beside.append(seen(tracker.step(frame(idx), idx))[:1])
    assert beside == alone


def test_two_trackers_take_turns(model: Any) -> None:
    store = _native.FeatureStore(model)
    trackers = [opened(model, seed, store=store) for seed in (1, 2)]
    turns: list[list[Any]] = [[], []]
    for idx in range(NUM_SETTLED):
        for each, tracker in zip(turns, trackers, strict=True):
            each.append(seen(tracker.step(frame(idx), idx)))
    for seed, each in zip((1, 2), turns, strict=True):
        assert each == tracked(opened(model, seed), range(NUM_SETTLED))
    assert "mask_encoder" not in trackers[1].timings, "the first one's features"


def test_features_are_shared_with_a_session(model: Any) -> None:
    session = _native.Session(model)
    frames = np.stack([frame(idx) for idx in range(3)])
    # From the clip the store knows the size of its frames.
    session.begin_clip([0, 1, 2, 2, 2, 2, 2, 2])
    session.add_frames(frames, [0, 1, 2])
    session.segment(state(model, 1)[None], frames, [0, 1, 2])
    tracker = opened(model, 1, store=session.feature_store)
    assert [tracker.holds_features(idx) for idx in range(4)] == [True, True, True, False]
    found = [seen(tracker.step(None, idx)) for idx in range(3)]
    assert found == tracked(opened(model, 1), range(3))
    with pytest.raises(errors.InputError, match=r"pixels of frame 3, .* not kept"):
        tracker.step(None, 3)


def test_prompts_are_tried(model: Any) -> None:
    tracker = opened(model, 1)
    tracker.step(frame(0), 0)
    held = tracker.memory_bytes
    states = np.stack([state(model, 2), state(model, 3)])
    tried = tracker.decode_prompts(states, frame(1), 1)
    expected = [seen(opened(model, seed).step(frame(1), 1))[0] for seed in (2, 3)]
    assert seen(tried) == expected and tried.object_ids == [0, 1]
    assert tracker.memory_bytes == held and tracker.object_ids == [0]


@pytest.mark.parametrize("when", [0, 1, 2])
def test_a_cancelled_step_changes_nothing(model: Any, when: int) -> None:
    tracker = opened(model, 1, 2)
    tracker.step(frame(0), 0)
    held, token = tracker.memory_bytes, _native.CancellationToken()

    def cancel(done: int, total: int) -> None:
        assert total == 2
        if done == when:
            token.cancel()

    with pytest.raises(errors.CancelledError, match="track"):
        tracker.step(frame(1), 1, cancel=token, on_progress=cancel)
    assert tracker.memory_bytes == held
    assert seen(tracker.step(frame(1), 1)) == tracked(opened(model, 1, 2), range(2))[1]


def test_an_exception_of_the_callback_is_raised_unchanged(model: Any) -> None:
    tracker = opened(model, 1)

    def fail(done: int, total: int) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tracker.step(frame(0), 0, on_progress=fail)
    assert tracker.memory_bytes == 0
    assert tracker.step(frame(0), 0).was_prompted.tolist() == [True]


def test_a_second_thread_is_refused(model: Any) -> None:
    tracker = opened(model, 1)
    refused: list[BaseException] = []

    def enter() -> None:
        assert (
            tracker.object_ids == [0] and tracker.memory_bytes >= 0 and tracker.timings is not None
        )
        try:
            tracker.step(frame(0), 0)
        except errors.StateError as error:
            refused.append(error)

    def meanwhile(done: int, total: int) -> None:
        thread = threading.Thread(target=enter)
        thread.start()
        # It runs to its end while the step waits: nobody holds the GIL.
        thread.join()

    tracker.step(frame(0), 0, on_progress=meanwhile)
    assert len(refused) == 2 and "another one is inside" in str(refused[0])


@pytest.mark.parametrize("memory", ["sam2", "distractor"])
def test_both_memories_follow_an_object(model: Any, memory: str) -> None:
    tracker = opened(model, 1, memory=memory, num_memories=3, max_prompted=2)
    found = tracked(tracker, range(NUM_SETTLED))
    assert found == tracked(opened(model, 1, memory=memory, num_memories=3), range(NUM_SETTLED))
    assert found[0] == tracked(opened(model, 1), range(1))[0]


def test_errors(model: Any, native_model: Any) -> None:
    with pytest.raises(errors.PackageError, match="ufvideo export --add track CHECKPOINT PACKAGE"):
        _native.Tracker(native_model)
    with pytest.raises(errors.PackageError, match="--add track"):
        assert native_model.memory_attention
    for options in (
        {"memory": "all"},
        {"num_memories": 8},
        {"num_memories": 0},
        {"max_prompted": 9},
    ):
        with pytest.raises(errors.ConfigError, match=f"{next(iter(options))}: expected"):
            _native.Tracker(model, **options)
    with pytest.raises(errors.InputError, match="another model's"):
        _native.Tracker(model, _native.FeatureStore(native_model))
    tracker = opened(model, 1)
    for wrong in (np.zeros(3, np.float32), np.zeros((1, 64), np.float32), np.zeros(64)):
        with pytest.raises(errors.InputError, match="seg_hidden_state: expected"):
            tracker.add(wrong)
    with pytest.raises(errors.InputError, match=r"object_id: expected one of \[0\], got 7"):
        tracker.prompt(7, state(model, 1))
    for pixels in (frame(0)[None], frame(0).astype(np.float32), frame(0)[:, ::2]):
        with pytest.raises(errors.InputError, match="frame: expected"):
            tracker.step(pixels, 0)
    with pytest.raises(errors.InputError, match="knows no frame size"):
        tracker.step(None, 0)


def test_numbers_that_are_not_finite_change_nothing(model: Any) -> None:
    tracker = opened(model, 1)
    tracker.step(frame(0), 0)
    tracker.add(np.full_like(state(model, 1), np.finfo(np.float32).max))
    with pytest.raises(errors.InferenceError, match=r"mask_decoder: .*finite"):
        tracker.step(frame(1), 1)
    tracker.remove(1)
    assert seen(tracker.step(frame(1), 1)) == tracked(opened(model, 1), range(2))[1]


def test_memories_that_find_no_room_harm_nothing(small_package_track: Path, model: Any) -> None:
    tracker = opened(model, 1)
    tracker.step(frame(0), 0)
    one = tracker.memory_bytes
    config = native_config(memory_budget_bytes=3 * one + one // 2, mask_cache_bytes=0)
    small = _native.Model.load(str(small_package_track), config)
    bounded = opened(small, 1)
    expected = tracked(opened(model, 1), range(3))
    assert tracked(bounded, range(3)) == expected
    for _ in range(2):
        with pytest.raises(errors.CapacityError, match=r"memory_budget_bytes: .* 1 objects"):
            bounded.step(frame(3), 3)
        assert bounded.memory_bytes == 3 * one
    del bounded
    gc.collect()
    assert small.memory_use().total_bytes == 0


def test_memory_stays_flat(model: Any) -> None:
    """Five hundred steps of an object and of one that comes and goes."""
    tracker = opened(model, 1)
    process = psutil.Process()
    held, resident = set(), []
    for idx in range(500):
        if idx % 50 == 10:
            last = tracker.add(state(model, 2))
        # More frames would fill the cache of features, which has a bound of its own.
        tracker.step(frame(idx % 8), idx % 8)
        if idx % 50 == 30:
            tracker.remove(last)
        if idx % 50 == 49:
            held.add(tracker.memory_bytes)
            resident.append(process.memory_info().rss)
    assert len(held) == 1
    growth = max(resident[5:]) - max(resident[:5])
    assert growth < 4 << 20, f"{growth} bytes in 250 steps"
