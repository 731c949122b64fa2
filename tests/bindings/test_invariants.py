"""What must not depend on how the work is cut: chunks, caches, sessions, threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import Golden, native_config, open_session
from tests.compare import EXACT, REORDERED, assert_close
from ufvideo_sdk import _native, errors

GREEDY = _native.GenerationConfig(max_new_tokens=24)


def fed(model: Any, embeddings: NDArray[np.float32], lengths: list[int]) -> tuple[Any, Any, Any]:
    """Logits, states [S, D] and cache after feeding chunks of these lengths."""
    cache = model.language_model.make_cache()
    states, first = [], 0
    for length in lengths:
        chunk = np.ascontiguousarray(embeddings[first : first + length])
        output = model.language_model.run(chunk, cache)
        states.append(output.hidden_states)
        first += length
    assert first == len(embeddings)
    return output.logits, np.concatenate(states), cache


@pytest.mark.parametrize("lengths", [[50], [49, 1], [16, 16, 16, 2], [1] * 50])
def test_whole_prefill_equals_chunks(native_model: Any, lengths: list[int]) -> None:
    embeddings = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    logits, states, cache = fed(native_model, embeddings, [50])
    chunked_logits, chunked_states, chunked_cache = fed(native_model, embeddings, lengths)
    assert_close(chunked_logits, logits, REORDERED, where="logits")
    assert_close(chunked_states, states, REORDERED, where="hidden states")
    assert chunked_cache.length == cache.length == 50


def test_a_rewound_cache_answers_as_the_first_time(native_model: Any) -> None:
    embeddings = np.random.default_rng(1).normal(size=(30, 64)).astype(np.float32)
    cache = native_model.language_model.make_cache()
    native_model.language_model.run(embeddings[:20], cache)
    first = native_model.language_model.run(embeddings[20:], cache)
    cache.rewind(20)
    noise = np.ascontiguousarray(embeddings[20:] * 3)
    native_model.language_model.run(noise, cache)
    cache.rewind(20)
    again = native_model.language_model.run(embeddings[20:], cache)
    assert_close(again.logits, first.logits, EXACT, where="logits after a rewind")
    assert_close(again.hidden_states, first.hidden_states, EXACT, where="states after a rewind")


def test_a_cache_that_grows_over_its_blocks_loses_nothing(native_model: Any) -> None:
    embeddings = np.random.default_rng(2).normal(size=(600, 64)).astype(np.float32)
    logits, states, whole = fed(native_model, embeddings, [600])
    grown_logits, grown_states, grown = fed(native_model, embeddings, [250, 10, 250, 1, 89])
    assert_close(grown_logits, logits, REORDERED, where="logits")
    assert_close(grown_states, states, REORDERED, where="hidden states")
    assert whole.length == grown.length == 600
    assert grown.capacity <= 768, "memory is taken in blocks, not for the longest context"
    with pytest.raises(errors.StateError, match="600"):
        grown.rewind(601)


def test_a_batch_of_frames_equals_frame_by_frame(native_model: Any) -> None:
    frames = np.random.default_rng(3).integers(0, 256, (5, 56, 56, 3), dtype=np.uint8)
    batch = native_model.vision_encoder.encode(frames)
    single = [native_model.vision_encoder.encode(frames[i : i + 1]) for i in range(5)]
    assert_close(batch, np.concatenate(single), REORDERED, where="features")


def test_a_clip_equals_its_frame_pairs(native_model: Any) -> None:
    features = np.random.default_rng(4).normal(size=(8, 16, 48)).astype(np.float32)
    whole = native_model.aligner.align(features)
    pairs = [native_model.aligner.align(features[i : i + 2]) for i in range(0, 8, 2)]
    assert_close(whole, np.concatenate(pairs), REORDERED, where="video tokens")


def test_the_second_question_equals_a_fresh_sessions(
    native_model: Any, segmenting: Golden, describing: Golden
) -> None:
    session = open_session(native_model, segmenting)
    session.generate(describing.prompt, GREEDY)
    second = session.generate(segmenting.prompt, GREEDY)
    fresh = open_session(native_model, segmenting).generate(segmenting.prompt, GREEDY)
    assert second.token_ids == fresh.token_ids == segmenting.generated_ids
    assert_close(second.seg_hidden_states, fresh.seg_hidden_states, REORDERED, where="[SEG] state")
    assert fresh.num_reused_tokens == 0
    assert second.num_reused_tokens > 16, "system prompt and video are prefilled once"
    assert second.num_reused_tokens + second.num_prefill_tokens == fresh.num_prefill_tokens


def test_no_frame_is_encoded_twice(native_model: Any, segmenting: Golden) -> None:
    session = _native.Session(native_model)
    idxs = [0, 0, 1, 1, 2, 2, 3, 3]
    frames = np.ascontiguousarray(segmenting.frames[idxs])
    session.open_clip(_native.Clip(frames=frames, frame_idxs=idxs))
    for _ in range(2):
        generation = session.generate(segmenting.prompt, GREEDY)
    assert session.timings()["vision_encoder"].num_items == 4
    states = np.repeat(generation.seg_hidden_states, 3, axis=0)
    if not len(states):
        states = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    for _ in range(2):
        session.segment(states, segmenting.frames[:4], [0, 1, 2, 3])
    timings = session.timings()
    assert timings["mask_encoder"].num_items == 4
    assert timings["mask_decoder"].num_calls == 8, "all objects of a frame in one call"
    assert timings["mask_decoder"].num_items == 24


def test_a_full_mask_cache_forgets_and_stays_right(
    small_package: Path, native_model: Any, segmenting: Golden
) -> None:
    states = np.random.default_rng(5).normal(size=(2, 64)).astype(np.float32)
    expected = open_session(native_model, segmenting).segment(
        states, segmenting.frames, list(range(8))
    )
    bound = 200_000
    model = _native.Model.load(str(small_package), native_config(mask_cache_bytes=bound))
    session = open_session(model, segmenting)
    before = session.memory_bytes()
    for _ in range(2):
        found = session.segment(states, segmenting.frames, list(range(8)))
    assert session.memory_bytes() - before <= bound
    assert session.timings()["mask_encoder"].num_items > 8
    assert found.runs == expected.runs
    assert_close(found.scores, expected.scores, REORDERED, where="scores")


def test_two_threads_equal_one_after_the_other(
    native_model: Any, segmenting: Golden, describing: Golden
) -> None:
    def answer(golden: Golden) -> list[int]:
        session = open_session(native_model, golden)
        return [session.generate(golden.prompt, GREEDY).token_ids for _ in range(5)][-1]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(answer, [segmenting, describing] * 4))
    assert answers == [segmenting.generated_ids, describing.generated_ids] * 4


def test_a_second_thread_in_a_session_is_refused(session: Any, segmenting: Golden) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait(_token_id: int) -> None:
        inside.set()
        assert leave.wait(30)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.generate, segmenting.prompt, GREEDY, wait)
        assert inside.wait(30)
        with pytest.raises(errors.StateError, match="one thread at a time"):
            session.generate(segmenting.prompt, GREEDY)
        leave.set()
        assert running.result().token_ids == segmenting.generated_ids


def test_the_session_may_change_threads_between_calls(session: Any, segmenting: Golden) -> None:
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(session.generate, segmenting.prompt, GREEDY).result()
    assert session.generate(segmenting.prompt, GREEDY).token_ids == other.token_ids
