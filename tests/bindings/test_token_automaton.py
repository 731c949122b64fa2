"""Answer formats across the border: what is refused, and what masks the decoding."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bindings.conftest import Golden
from ufvideo_sdk import _native, errors

LAST = _native.TokenState([], is_end=True)


def automaton(*states: Any, vocab_size: int = 626) -> Any:
    return _native.TokenAutomaton(list(states), vocab_size=vocab_size, end_ids=[521])


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([], "an edge out of state 0"),
        ([(3, 2, 1)], "ids in order"),
        ([(3, 626, 1)], "0 to 625"),
        ([(3, 3, 2)], "next state of 0 to 1"),
        ([(521, 521, 1)], "no end token"),
        ([(3, 5, 1), (5, 6, 1)], "each id once"),
        ([(3, 3, 0)], "an end behind every state"),
    ],
)
def test_what_is_no_automaton_is_an_input_error(edges: Any, message: str) -> None:
    with pytest.raises(errors.InputError, match=message):
        automaton(_native.TokenState(edges), LAST)


def test_the_longest_answer_is_known() -> None:
    there = _native.TokenState([(3, 3, 1), (4, 9, 2)])
    assert automaton(there, _native.TokenState([(3, 3, 2)]), LAST).longest == 2
    assert automaton(_native.TokenState([(3, 3, 1), (4, 9, 0)]), LAST).longest is None


def test_an_answer_keeps_to_its_automaton(session: Any, segmenting: Golden) -> None:
    free = segmenting.generated_ids[0]
    other = _native.TokenState([(free + 1, free + 1, 1)])
    prompt = _native.Prompt(
        token_ids=segmenting.prompt.token_ids, response_format=automaton(other, LAST)
    )
    generation = session.generate(prompt, _native.GenerationConfig())
    assert generation.token_ids == [free + 1]
    assert generation.stop_reason == _native.StopReason.END_TOKEN
    assert session.timings()["language_model"].num_calls == 1
    prompt = _native.Prompt(
        token_ids=segmenting.prompt.token_ids,
        response_format=automaton(_native.TokenState([(3, 3, 1)]), LAST, vocab_size=600),
    )
    with pytest.raises(errors.InputError, match=r"response_format.*600 tokens"):
        session.generate(prompt, _native.GenerationConfig())
