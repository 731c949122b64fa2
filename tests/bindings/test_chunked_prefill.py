"""A prompt in pieces: the same answer and states, and a cancel between two of them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.conftest import Golden, native_config, open_session
from tests.compare import REORDERED, assert_close
from ufvideo_sdk import _native

GREEDY = _native.GenerationConfig(max_new_tokens=24)


def session_of(package: Path, golden: Golden, chunk: int) -> Any:
    model = _native.Model.load(str(package), native_config(prefill_chunk_tokens=chunk))
    return open_session(model, golden)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_whole_equals_pieces(small_package: Path, segmenting: Golden, chunk: int) -> None:
    whole, pieces = (session_of(small_package, segmenting, size) for size in (4096, chunk))
    ours, theirs = (s.generate(segmenting.prompt, GREEDY) for s in (pieces, whole))
    assert ours.token_ids == theirs.token_ids == segmenting.generated_ids
    assert_close(ours.seg_hidden_states, theirs.seg_hidden_states, REORDERED, where="[SEG] state")
    num_pieces = -(-ours.num_prefill_tokens // chunk)
    fed = len(ours.token_ids) - 1
    assert ours.timings["language_model"].num_calls == num_pieces + fed
    assert theirs.timings["language_model"].num_calls == 1 + fed
    ids = [*segmenting.prompt.token_ids, 3, 625, 4, 625, 5]
    first = len(segmenting.prompt.token_ids)
    for s in (whole, pieces):
        s.reset()
    forced = [s.teacher_force(_native.Prompt(token_ids=ids), first) for s in (pieces, whole)]
    assert [f.seg_positions for f in forced] == [[1, 3]] * 2
    states = [f.seg_hidden_states for f in forced]
    assert_close(states[0], states[1], REORDERED, where="forced [SEG] states")


def test_a_cancel_from_another_thread_ends_a_long_prompt(
    small_package: Path, segmenting: Golden
) -> None:
    session = session_of(small_package, segmenting, 1)
    prompt = _native.Prompt(token_ids=[*segmenting.prompt.token_ids, *[3] * 3000])
    config = _native.GenerationConfig(max_new_tokens=1)
    # Other work on the machine may delay either thread, but not every time.
    for _ in range(20):
        session.reset()
        before = session.timings().get("language_model")
        timer = threading.Timer(0.05, session.cancel)
        timer.start()
        generation = session.generate(prompt, config)
        timer.join()
        num_calls = session.timings().get("language_model")
        done = num_calls.num_calls - (before.num_calls if before else 0) if num_calls else 0
        if 0 < done < 3000 and generation.token_ids == []:
            break
    assert 0 < done < 3000
    assert generation.stop_reason == _native.StopReason.CANCELLED
    assert session.generate(segmenting.prompt, GREEDY).token_ids == segmenting.generated_ids
