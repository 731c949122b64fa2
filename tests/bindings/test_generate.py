"""Decoding: callbacks, steps, sampling, stop reasons, [SEG] states."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import Golden
from tests.compare import FP32, assert_close
from ufvideo_sdk import _native, errors

GREEDY = _native.GenerationConfig(max_new_tokens=24)
Stop = _native.StopReason
Action = _native.StreamAction


def test_the_callback_sees_every_token(session: Any, segmenting: Golden) -> None:
    seen: list[int] = []
    generation = session.generate(segmenting.prompt, GREEDY, seen.append)
    assert seen == generation.token_ids == segmenting.generated_ids
    assert generation.stop_reason == Stop.MAX_NEW_TOKENS


@pytest.mark.parametrize(
    ("action", "reason"), [(Action.STOP, Stop.STOPPED), (Action.CANCEL, Stop.CANCELLED)]
)
def test_the_callback_ends_the_answer(
    session: Any, segmenting: Golden, action: Any, reason: Any
) -> None:
    seen: list[int] = []

    def third_is_enough(token_id: int) -> Any:
        seen.append(token_id)
        return action if len(seen) == 3 else Action.CONTINUE

    generation = session.generate(segmenting.prompt, GREEDY, third_is_enough)
    assert generation.token_ids == segmenting.generated_ids[:3]
    assert generation.stop_reason == reason
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_an_exception_in_the_callback_is_raised_unchanged(session: Any, segmenting: Golden) -> None:
    class WrongError(Exception):
        pass

    problem = WrongError("as it is")

    def fail(_token_id: int) -> None:
        raise problem

    with pytest.raises(WrongError) as caught:
        session.generate(segmenting.prompt, GREEDY, fail)
    assert caught.value is problem
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_cancel_from_another_thread(session: Any, segmenting: Golden) -> None:
    def cancel_once(_token_id: int) -> None:
        thread = threading.Thread(target=session.cancel)
        thread.start()
        thread.join()

    generation = session.generate(segmenting.prompt, GREEDY, cancel_once)
    assert generation.stop_reason == Stop.CANCELLED
    assert generation.token_ids == segmenting.generated_ids[:1]


def test_the_gil_is_free_while_generating(session: Any, segmenting: Golden) -> None:
    """Another thread runs on during native work: its longest pause is far below the whole."""
    running = threading.Event()
    stamps: list[float] = []

    def tick() -> None:
        while not running.is_set():
            stamps.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    config = _native.GenerationConfig(max_new_tokens=2000, temperature=1.0, seed=3)
    num_tokens = 0
    while num_tokens < 1500:
        num_tokens += len(session.generate(segmenting.prompt, config).token_ids)
    end = time.perf_counter()
    running.set()
    thread.join()
    inside = [t for t in stamps if begin < t < end]
    assert len(inside) > 100, "the other thread stood still"


def test_steps_equal_generate(session: Any, segmenting: Golden) -> None:
    session.begin(segmenting.prompt, GREEDY)
    tokens = []
    while (token := session.step()) is not None:
        tokens.append(token)
    generation = session.finish()
    assert tokens == generation.token_ids == segmenting.generated_ids
    assert generation.seg_positions == segmenting.arrays["seg_positions"].tolist()


def test_finish_ends_an_answer_early(session: Any, segmenting: Golden) -> None:
    session.begin(segmenting.prompt, GREEDY)
    first = session.step()
    generation = session.finish()
    assert generation.token_ids == [first]
    assert generation.stop_reason == Stop.STOPPED
    for call in (session.step, session.finish):
        with pytest.raises(errors.StateError, match="begin"):
            call()


def test_an_answer_under_way_is_not_overrun(session: Any, segmenting: Golden) -> None:
    session.begin(segmenting.prompt, GREEDY)
    with pytest.raises(errors.StateError, match="finish"):
        session.begin(segmenting.prompt, GREEDY)
    with pytest.raises(errors.StateError, match="finish"):
        session.generate(segmenting.prompt, GREEDY)
    session.reset()
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids


def test_a_seed_decides_the_sample(session: Any, segmenting: Golden) -> None:
    def sampled(**options: Any) -> list[int]:
        config = _native.GenerationConfig(max_new_tokens=16, temperature=1.5, **options)
        return list(session.generate(segmenting.prompt, config).token_ids)

    assert sampled(seed=7) == sampled(seed=7)
    assert len({tuple(sampled(seed=seed)) for seed in range(6)}) > 1
    assert sampled(top_k=1) == segmenting.generated_ids[:16]
    assert sampled(top_p=1e-6) == segmenting.generated_ids[:16]


def test_the_recorded_states_of_seg(session: Any, segmenting: Golden) -> None:
    generation = session.generate(segmenting.prompt, GREEDY)
    position = generation.seg_positions[0]
    expected = segmenting.arrays["generated_hidden"][position - 1 : position]
    assert_close(generation.seg_hidden_states, expected, FP32, where="preceding state")


def test_the_predicting_package_keeps_the_other_state(
    small_package_predicting: Path, segmenting: Golden
) -> None:
    from tests.bindings.conftest import native_config, open_session

    model = _native.Model.load(str(small_package_predicting), native_config())
    generation = open_session(model, segmenting).generate(segmenting.prompt, GREEDY)
    position = generation.seg_positions[0]
    expected = segmenting.arrays["generated_hidden"][position : position + 1]
    assert_close(generation.seg_hidden_states, expected, FP32, where="predicting state")


def test_the_context_ends_an_answer(session: Any, segmenting: Golden) -> None:
    video = session.video_tokens.shape[0]
    ids = segmenting.prompt.token_ids
    padded = ids + [0] * (4096 - video - len(ids) + 1 - 2)
    config = _native.GenerationConfig(max_new_tokens=50, temperature=1.0, seed=0)
    generation = session.generate(_native.Prompt(token_ids=padded), config)
    assert generation.stop_reason in (Stop.CONTEXT_FULL, Stop.END_TOKEN)
    assert len(generation.token_ids) <= 3


def test_spans_are_pairs_and_moments() -> None:
    first = 100
    ids = [1, first, first + 99, 2, first + 33, 3, first + 66, first + 33, 4]
    spans = [(s.start, s.end) for s in _native.find_spans(ids, first, 100)]
    assert spans == [(0.0, 1.0), (pytest.approx(1 / 3), pytest.approx(1 / 3))]


def test_outputs_outlive_the_session(native_model: Any, segmenting: Golden) -> None:
    from tests.bindings.conftest import open_session

    session = open_session(native_model, segmenting)
    tokens = session.video_tokens
    scores = session.segment(np.zeros((1, 64), np.float32), segmenting.frames[:1], [0]).scores
    copies = tokens.copy(), scores.copy()
    del session
    np.random.default_rng(0).normal(size=100_000)
    assert np.array_equal(tokens, copies[0])
    assert np.array_equal(scores, copies[1])
