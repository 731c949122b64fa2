"""Features of frames: encoded once, in pieces or as a whole, and kept within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import Golden, native_config, open_session
from tests.compare import EXACT, assert_close
from ufvideo_sdk import _native, errors

GREEDY = _native.GenerationConfig(max_new_tokens=4)
REGION_ID = 524


def about_frames(golden: Golden, idxs: list[int], given: list[int]) -> Any:
    """A question with one region on each frame; `given` are those whose pixels come along."""
    height, width = golden.frames.shape[1:3]
    regions = [
        _native.RegionPrompt(frame_idxs=[idx], masks=np.ones((1, height, width), bool))
        for idx in idxs
    ]
    ids = golden.prompt.token_ids
    pixels = np.stack([np.roll(golden.frames[0], idx, axis=1) for idx in given]) if given else None
    return _native.Prompt(
        token_ids=[*ids[:-3], *[REGION_ID] * len(idxs), *ids[-3:]],
        regions=regions,
        region_frames=pixels,
        region_frame_idxs=given,
    )


def asked(session: Any, golden: Golden, idxs: list[int]) -> int:
    """Ask about regions on these frames as the SDK does; how many frames were encoded for it."""
    before = session.timings()["vision_encoder"].num_items
    session.generate(about_frames(golden, idxs, session.missing_frames(idxs)), GREEDY)
    return int(session.timings()["vision_encoder"].num_items - before)


def bounded(package: Path, golden: Golden, num_frames: int) -> tuple[Any, int]:
    """A session that keeps as many region frames, and the bytes of one."""
    frame_bytes = golden.arrays["vision_features"][0].astype(np.float32).nbytes
    config = native_config(region_cache_bytes=num_frames * frame_bytes)
    return open_session(_native.Model.load(str(package), config), golden), frame_bytes


def test_region_frames_outside_the_clip_are_kept_within_a_bound(
    small_package: Path, segmenting: Golden
) -> None:
    session, frame_bytes = bounded(small_package, segmenting, 3)
    session.generate(segmenting.prompt, GREEDY)
    held = session.memory_bytes()
    assert session.missing_frames([0, 7, 8, 8, 20]) == [8, 20]
    assert asked(session, segmenting, [0, 7]) == 0, "the clip's own frames are encoded already"
    assert asked(session, segmenting, [8, 9, 8]) == 2
    assert session.memory_bytes() - held == 2 * frame_bytes
    assert asked(session, segmenting, [9, 8]) == 0
    for first in range(10, 40, 5):
        assert asked(session, segmenting, list(range(first, first + 5))) == 5
        assert session.memory_bytes() - held == 3 * frame_bytes, "the bound is 3 frames"
        assert session.missing_frames(list(range(8))) == []
    assert asked(session, segmenting, [35, 36, 37]) == 0
    session.reset()
    assert session.missing_frames([0, 35, 36, 37]) == [35, 36, 37]
    session.generate(segmenting.prompt, GREEDY)
    assert session.memory_bytes() == held


def test_a_bound_does_not_change_answers(
    small_package: Path, native_model: Any, segmenting: Golden
) -> None:
    idxs = [8, 9, 10, 8]
    free = open_session(native_model, segmenting)
    prompt = about_frames(segmenting, idxs, [8, 9, 10])
    expected = free.generate(prompt, GREEDY).token_ids
    session, _ = bounded(small_package, segmenting, 0)
    assert [asked(session, segmenting, idxs) for _ in range(2)] == [3, 3]
    assert session.generate(prompt, GREEDY).token_ids == expected


def test_region_frames_that_do_not_fit(session: Any, segmenting: Golden) -> None:
    for prompt, message in (
        (about_frames(segmenting, [30], []), "region_frames: expected frame 30 of a region"),
        (about_frames(segmenting, [30], [31]), "expected frame 30 of a region"),
        (
            _native.Prompt(
                token_ids=segmenting.prompt.token_ids,
                regions=[_native.RegionPrompt(frame_idxs=[0], masks=np.ones((1, 90, 120), bool))],
                region_frames=segmenting.frames[:1, :50].copy(),
                region_frame_idxs=[9],
            ),
            r"region_frames: expected the clip's frame size \[90, 120\], got \[50, 120\]",
        ),
    ):
        with pytest.raises(errors.InputError, match=message):
            session.generate(prompt, GREEDY)


@pytest.mark.parametrize("lengths", [[8], [3, 5], [1] * 8])
def test_a_clip_in_pieces_is_the_whole_clip(
    native_model: Any, segmenting: Golden, lengths: list[int]
) -> None:
    whole = open_session(native_model, segmenting)
    session = _native.Session(native_model)
    session.begin_clip(list(range(8)))
    first = 0
    for length in lengths:
        idxs = list(range(first, first + length))
        session.add_frames(segmenting.frames[first : first + length], idxs)
        first += length
    session.end_clip()
    assert_close(session.video_tokens, whole.video_tokens, EXACT, where="video tokens")
    assert session.timings()["vision_encoder"].num_items == 8
    generation = session.generate(segmenting.prompt, _native.GenerationConfig(max_new_tokens=24))
    assert generation.token_ids == segmenting.generated_ids


def test_a_clip_in_pieces_is_checked(native_model: Any, segmenting: Golden) -> None:
    session = _native.Session(native_model)
    frames = segmenting.frames
    for call in (lambda: session.add_frames(frames, list(range(8))), session.end_clip):
        with pytest.raises(errors.StateError, match="call begin_clip"):
            call()
    with pytest.raises(errors.InputError, match=r"expected 2 to 8 .*num_frames.*got 1"):
        session.begin_clip([0])
    session.begin_clip([0, 0, 1, 1, 2, 2, 3, 3])
    with pytest.raises(errors.InputError, match="indices given to begin_clip, got 5"):
        session.add_frames(frames[:1], [5])
    session.add_frames(frames[:2], [0, 1])
    with pytest.raises(errors.InputError, match=r"frame size \[90, 120\], got \[90, 60\]"):
        session.add_frames(np.ascontiguousarray(frames[2:3, :, :60]), [2])
    with pytest.raises(errors.InputError, match="frame 2 was not given"):
        session.end_clip()
    with pytest.raises(errors.StateError, match="open clip"):
        session.generate(segmenting.prompt, GREEDY)
    session.add_frames(frames[2:4], [2, 3])
    session.end_clip()
    assert session.generate(segmenting.prompt, GREEDY).token_ids


def segmented(session: Any, golden: Golden, states: NDArray[np.float32], sizes: list[int]) -> int:
    """Segment all frames in pieces of these sizes; how many were encoded for it."""
    before = session.timings().get("mask_encoder")
    first = 0
    for size in sizes:
        idxs = list(range(first, first + size))
        session.segment(states, golden.frames[idxs], idxs, continues=first > 0)
        first += size
    after = session.timings()["mask_encoder"].num_items
    return int(after - (before.num_items if before else 0))


@pytest.mark.parametrize("sizes", [[8], [3, 3, 2], [1] * 8])
def test_a_second_scan_over_more_frames_than_fit_reuses_those_that_fit(
    small_package: Path, native_model: Any, segmenting: Golden, sizes: list[int]
) -> None:
    states = np.random.default_rng(5).normal(size=(1, 64)).astype(np.float32)
    free = open_session(native_model, segmenting)
    empty = free.memory_bytes()
    expected = free.segment(states, segmenting.frames, list(range(8)))
    frame_bytes = (free.memory_bytes() - empty) // 8
    config = native_config(mask_cache_bytes=5 * frame_bytes)
    session = open_session(_native.Model.load(str(small_package), config), segmenting)
    assert [segmented(session, segmenting, states, sizes) for _ in range(3)] == [8, 3, 3]
    assert session.memory_bytes() - empty == 5 * frame_bytes
    found = session.segment(states, segmenting.frames, list(range(8)))
    assert found.runs == expected.runs
    # Other frames are not kept out by those of the first scans.
    for _ in range(2):
        session.segment(states, segmenting.frames[6:], [6, 7])
    last = session.segment(states, segmenting.frames[6:], [6, 7])
    assert "mask_encoder" not in last.timings
