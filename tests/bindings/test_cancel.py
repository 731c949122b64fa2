"""A cancel at any moment, and time that is nobody's but the runtime's."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import Golden
from tests.compare import EXACT, assert_close
from ufvideo_sdk import _native

GREEDY = _native.GenerationConfig(max_new_tokens=24)
CANCELLED = _native.StopReason.CANCELLED


def elsewhere(call: Any) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def ended() -> Any:
    """A token that is cancelled already."""
    token = _native.CancellationToken()
    elsewhere(token.cancel)
    return token


def test_a_cancel_before_the_prefill_ends_the_answer(session: Any, segmenting: Golden) -> None:
    generation = session.generate(segmenting.prompt, GREEDY, cancel=ended())
    assert (generation.token_ids, generation.stop_reason) == ([], CANCELLED)
    assert generation.num_prefill_tokens == 0 and "language_model" not in generation.timings
    # It has ended one answer, and ends no other.
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_a_cancel_between_begin_and_step_ends_the_answer(session: Any, segmenting: Golden) -> None:
    for num_steps in (0, 1):
        session.begin(segmenting.prompt, GREEDY)
        for _ in range(num_steps):
            session.step()
        elsewhere(session.cancel)
        assert session.step() is None
        generation = session.finish()
        assert generation.token_ids == segmenting.generated_ids[:num_steps]
        assert generation.stop_reason == CANCELLED
        assert (generation.num_prefill_tokens > 0) == (num_steps > 0)
        assert (generation.time_to_first_token_ms > 0) == (num_steps > 0)
        assert generation.decode_ms == 0.0


def test_a_cancel_of_a_session_with_nothing_under_way_does_nothing(
    session: Any, segmenting: Golden
) -> None:
    session.cancel()
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_a_cancel_before_a_forced_answer(session: Any, segmenting: Golden) -> None:
    ids = [*segmenting.prompt.token_ids, 625]
    prompt = _native.Prompt(token_ids=ids)
    forced = session.teacher_force(prompt, len(ids) - 1, cancel=ended())
    assert forced.stop_reason == CANCELLED and forced.seg_hidden_states.size == 0
    assert len(session.teacher_force(prompt, len(ids) - 1).seg_positions)


def test_a_cancel_before_the_first_mask(session: Any, segmenting: Golden) -> None:
    states = np.ones((2, 64), np.float32)
    none = session.segment(states, segmenting.frames, list(range(8)), cancel=ended())
    assert none.cancelled and none.runs == [[], []] and none.scores.shape == (2, 0)
    assert not session.segment(states, segmenting.frames, list(range(8))).cancelled


def test_a_cancel_between_masks_keeps_those_that_are_done(session: Any, segmenting: Golden) -> None:
    """The frames done are a beginning of all, with the same masks."""
    states = np.random.default_rng(5).normal(size=(3, 64)).astype(np.float32)
    idxs = list(range(8)) * 20
    frames = np.ascontiguousarray(segmenting.frames[idxs])
    session.segment(states, frames, idxs)
    begin = time.perf_counter()
    whole = session.segment(states, frames, idxs)
    half_s = (time.perf_counter() - begin) / 2
    # Other work on the machine may delay either thread, but not every time.
    for _ in range(30):
        timer = threading.Timer(half_s, session.cancel)
        timer.start()
        part = session.segment(states, frames, idxs)
        timer.join()
        done = len(part.runs[0])
        assert part.cancelled == (done < len(idxs))
        if 0 < done < len(idxs):
            break
    assert 0 < done < len(idxs)
    assert part.timings["mask_decoder"].num_calls == done
    assert part.runs == [runs[:done] for runs in whole.runs]
    assert_close(part.scores, whole.scores[:, :done], EXACT, where="scores")


def test_dropping_an_answer_frees_the_session(session: Any, segmenting: Golden) -> None:
    session.drop_answer()
    session.begin(segmenting.prompt, GREEDY)
    session.step()
    session.drop_answer()
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


@pytest.mark.parametrize("stepwise", [True, False])
def test_pauses_of_the_caller_are_no_decoding_time(
    session: Any, segmenting: Golden, stepwise: bool
) -> None:
    """An upper bound that holds on any machine: the time measured around the calls."""
    begin = time.perf_counter()
    pauses = 0.0

    def pause(_token_id: int | None = None) -> None:
        nonlocal pauses
        start = time.perf_counter()
        time.sleep(0.01)
        pauses += time.perf_counter() - start

    if stepwise:
        session.begin(segmenting.prompt, GREEDY)
        pause()
        while session.step() is not None:
            pause()
        generation = session.finish()
    else:
        generation = session.generate(segmenting.prompt, GREEDY, pause)
    inside_ms = 1000 * (time.perf_counter() - begin - pauses)
    assert generation.token_ids == segmenting.generated_ids
    assert 0 < generation.decode_ms + generation.time_to_first_token_ms <= inside_ms
    language_model = generation.timings["language_model"].total_ms
    assert generation.decode_ms + generation.time_to_first_token_ms >= language_model
