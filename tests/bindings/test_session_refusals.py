"""What a session refuses, and what it leaves untouched when it does."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import Golden, open_session
from tests.compare import EXACT, assert_close
from ufvideo_sdk import _native, errors

GREEDY = _native.GenerationConfig(max_new_tokens=24)
VIDEO_ID, REGION_ID, SEG_ID = -201, 524, 625


def with_region(golden: Golden, masks: NDArray[np.bool_]) -> Any:
    """The case's prompt with one region mark, on frame 0."""
    ids = golden.prompt.token_ids
    region = _native.RegionPrompt(frame_idxs=[0], masks=masks)
    return _native.Prompt(token_ids=[*ids[:-3], REGION_ID, *ids[-3:]], regions=[region])


@pytest.mark.parametrize("shape", [(1, 3, 5), (1, 0, 120), (2, 90, 120)])
def test_region_masks_of_another_size_than_the_frames(
    session: Any, segmenting: Golden, shape: tuple[int, int, int]
) -> None:
    with pytest.raises(errors.InputError, match=r"masks: expected bool \[1, 90, 120\].*got bool"):
        session.generate(with_region(segmenting, np.ones(shape, bool)), GREEDY)
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_a_stage_refuses_a_mask_without_pixels(native_model: Any, segmenting: Golden) -> None:
    features = segmenting.arrays["vision_features"][:1]
    with pytest.raises(errors.InputError, match=r"region_encoder: masks: .*\[1, 0, 5\]"):
        native_model.region_encoder.encode(features, np.ones((1, 0, 5), bool))


def test_teacher_force_leaves_an_answer_under_way_alone(session: Any, segmenting: Golden) -> None:
    session.begin(segmenting.prompt, GREEDY)
    session.step()
    ids = [*segmenting.prompt.token_ids, SEG_ID]
    with pytest.raises(errors.StateError, match="answer under way"):
        session.teacher_force(_native.Prompt(token_ids=ids), len(ids) - 1)
    while session.step() is not None:
        pass
    assert session.finish().token_ids == segmenting.generated_ids


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_forced_answer_needs_a_question(
    session: Any, segmenting: Golden, asked_before: bool
) -> None:
    """With a reused prefix the state before such an answer is not in the run."""
    if asked_before:
        session.generate(segmenting.prompt, GREEDY)
    media = segmenting.prompt.token_ids.index(VIDEO_ID)
    ids = [*segmenting.prompt.token_ids[: media + 1], SEG_ID, 3]
    for answer_start in (-1, 0, media, media + 1, len(ids)):
        with pytest.raises(errors.InputError, match=f"answer_start: .*got {answer_start}"):
            session.teacher_force(_native.Prompt(token_ids=ids), answer_start)


def test_a_forced_seg_has_one_state_with_and_without_a_reused_prefix(
    native_model: Any, segmenting: Golden
) -> None:
    """The [SEG] stands right behind the first token after the video."""
    media = segmenting.prompt.token_ids.index(VIDEO_ID)
    prompt = _native.Prompt(token_ids=[*segmenting.prompt.token_ids[: media + 2], SEG_ID])
    fresh = open_session(native_model, segmenting).teacher_force(prompt, media + 2)
    session = open_session(native_model, segmenting)
    session.generate(segmenting.prompt, GREEDY)
    again = session.teacher_force(prompt, media + 2)
    assert (fresh.num_reused_tokens, again.num_prefill_tokens) == (0, 2)
    assert_close(again.seg_hidden_states, fresh.seg_hidden_states, where="forced [SEG] state")


def test_a_frame_given_twice_is_encoded_once(session: Any, segmenting: Golden) -> None:
    rows = [0, 0, 1, 0]
    states = np.ones((2, 64), np.float32)
    result = session.segment(states, np.ascontiguousarray(segmenting.frames[rows]), rows)
    assert result.timings["mask_encoder"].num_items == 2
    assert result.timings["mask_decoder"].num_items == 2 * len(rows)
    assert_close(result.scores[:, 0], result.scores[:, 3], EXACT, where="scores of frame 0")


def test_a_callback_must_answer_with_an_action(session: Any, segmenting: Golden) -> None:
    with pytest.raises(errors.InputError, match="StreamAction or None, got 'stop'"):
        session.generate(segmenting.prompt, GREEDY, lambda _token_id: "stop")
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


@pytest.mark.parametrize(
    ("read", "num_refused"),
    [(lambda s: s.timings(), 0), (lambda s: s.memory_bytes(), 0), (lambda s: s.video_tokens, 1)],
    ids=["timings", "memory_bytes", "video_tokens"],
)
def test_a_second_thread_reads_statistics_only_of_a_session_at_work(
    session: Any, segmenting: Golden, read: Any, num_refused: int
) -> None:
    caught: list[str] = []

    def read_elsewhere() -> None:
        try:
            read(session)
        except errors.StateError as error:
            caught.append(str(error))

    def during_the_answer(_token_id: int) -> Any:
        thread = threading.Thread(target=read_elsewhere)
        thread.start()
        thread.join()
        return _native.StreamAction.STOP

    session.generate(segmenting.prompt, GREEDY, during_the_answer)
    assert len(caught) == num_refused
    assert all("one thread at a time" in text for text in caught)
    read(session)


def test_video_tokens_cannot_be_written(session: Any) -> None:
    with pytest.raises(ValueError, match="read-only"):
        session.video_tokens[0, 0] = 1.0


def test_an_array_that_was_pickled_has_the_same_dtype(segmenting: Golden) -> None:
    frames = pickle.loads(pickle.dumps(segmenting.frames))
    resized = _native.resize_bicubic(frames, 10, 12)
    assert_close(resized, _native.resize_bicubic(segmenting.frames, 10, 12), EXACT, where="resize")
