"""Choices are scored as whole texts: what nano answers, whatever their letter case."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from training.demo import SEED
from training.world import make_scene, render
from training.world.scene import COLORS, KINDS
from training.world.sentences import name, with_article
from ufvideo_sdk import Ask, GenerationConfig, InputError, StopReason, StreamAction, UFVideo
from ufvideo_sdk.text.choices import choice_probabilities, letter_cases

CASES = (["yes", "no"], ["Yes", "No"], ["YES", "NO"], ["yes", "No"])


@pytest.fixture(scope="module")
def scene() -> Any:
    return make_scene(SEED)


@pytest.fixture(scope="module")
def session(scene: Any) -> Iterator[Any]:
    with UFVideo.load().open(render(scene).frames, timestamps_s=scene.times_s) as session:
        yield session


@pytest.fixture(scope="module")
def present(scene: Any) -> list[str]:
    """Questions whose answer is yes."""
    return [f"Is there {with_article(name(thing))} in the video?" for thing in scene.things]


@pytest.fixture(scope="module")
def absent(scene: Any) -> list[str]:
    """Questions whose answer is no."""
    kinds = {thing.kind for thing in scene.things}
    missing = [kind for kind in KINDS if kind not in kinds][:2]
    named = (f"{color} {kind}" for color, kind in product(COLORS[:2], missing))
    return [f"Is there {with_article(noun)} in the video?" for noun in named]


@pytest.mark.parametrize("choices", CASES)
def test_yes_and_no_in_any_letter_case(
    session: Any, present: list[str], absent: list[str], choices: list[str]
) -> None:
    yes, no = choices
    for question in present:
        assert session.ask(question).text.startswith("Yes, there is")
        answer = session.ask(question, choices=choices)
        assert (answer.choice, answer.text) == (yes, "Yes")
        assert answer.choice_probabilities[yes] > 0.9
    for question in absent:
        assert session.ask(question).text.startswith("No, there is not")
        answer = session.ask(question, choices=choices)
        assert (answer.choice, answer.text) == (no, "No")
        assert answer.choice_probabilities[no] > 0.9


def test_the_case_of_the_caller_alone(session: Any, present: list[str]) -> None:
    exact = session.ask(present[0], choices=["yes", "no"], choice_case="exact")
    assert exact.choice == exact.text in ("yes", "no")
    trained = session.ask(present[0], choices=["Yes", "No"], choice_case="exact")
    model = session.ask(present[0], choices=["Yes", "No"])
    assert trained.choice == model.choice == "Yes"
    assert trained.choice_probabilities["Yes"] == pytest.approx(model.choice_probabilities["Yes"])
    # Choices that differ in letter case only can be told apart so.
    shouted = session.ask(present[0], choices=["yes", "YES", "Yes"], choice_case="exact")
    assert shouted.choice == "Yes"


def test_probabilities_are_of_all_choices_and_sum_to_1(session: Any, present: list[str]) -> None:
    for choices in (["yes"], ["yes", "no", "maybe"], ["(A)", "(B)", "(C)", "(D)"]):
        answer = session.ask(present[0], choices=choices)
        probabilities = answer.choice_probabilities
        assert list(probabilities) == choices
        assert math.fsum(probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        assert probabilities[answer.choice] == max(probabilities.values())
        assert json.loads(answer.to_json())["choice_probabilities"] == dict(probabilities)
    assert session.ask(present[0]).choice_probabilities is None


def test_a_choice_that_begins_another(session: Any, present: list[str]) -> None:
    """By its tokens' sum alone the shorter one would always win."""
    answer = session.ask(present[0], choices=["Yes", "Yes, there is", "No"])
    assert answer.choice == "Yes, there is"
    other = session.ask(present[0], choices=["Yes", "Yes indeed", "No"])
    assert other.choice == "Yes"


def test_letter_cases_cost_next_to_nothing(session: Any, present: list[str]) -> None:
    """A spelling is left where its beginning is less likely than another one as a whole."""
    long = ["yes, there is", "no, there is not"]
    calls = {
        case: session.ask(present[0], choices=long, choice_case=case)
        .stats.stages["language_model"]
        .num_calls
        for case in ("model", "exact")
    }
    longest = {text: len(session._model.prompts.answer_ids(text)) for text in long}
    # One call is the prompt; the last token of a text is not fed.
    assert calls["exact"] == 1 + sum(length - 1 for length in longest.values())
    assert calls["model"] <= calls["exact"] + 2


def test_ask_stream_and_ask_many_agree(session: Any, present: list[str], absent: list[str]) -> None:
    questions = [*present, *absent]
    asked = [session.ask(question, choices=["yes", "no"]) for question in questions]
    mixed = [Ask(question, choices=["yes", "no"]) for question in questions]
    many = session.ask_many([mixed[0], present[0], *mixed[1:], absent[0]])
    for one, other in zip(asked, [many[0], *many[2:-1]], strict=True):
        assert (one.choice, one.token_ids) == (other.choice, other.token_ids)
        # How much of the prompt was in the cache differs.
        assert one.choice_probabilities == pytest.approx(other.choice_probabilities, abs=1e-5)
    assert many[1].token_ids == session.ask(present[0]).token_ids
    assert many[-1].token_ids == session.ask(absent[0]).token_ids
    stream = session.stream(present[0], choices=["yes", "no"])
    assert "".join(event.text for event in stream) == "Yes"
    assert stream.answer.choice_probabilities == pytest.approx(
        asked[0].choice_probabilities, abs=1e-5
    )
    assert stream.answer.stop_reason is StopReason.END
    assert stream.answer.stats.tokens_per_s is None, "nothing is decoded"


def test_a_conversation_goes_on_behind_a_choice(session: Any, present: list[str]) -> None:
    answer = session.ask(present[0], choices=["yes", "no"])
    turns = [(present[0], answer)]
    again = session.ask(present[1], history=turns)
    session.reset()
    assert session.ask(present[1], history=turns).token_ids == again.token_ids


def test_callbacks_and_stops(session: Any, present: list[str]) -> None:
    heard: list[str] = []
    choices = ["yes, there is", "no"]
    answer = session.ask(present[0], choices=choices, on_text=lambda e: heard.append(e.text))
    assert "".join(heard) == answer.text and answer.choice == choices[0]
    for ask in (
        lambda: session.ask(present[0], choices=choices, on_text=lambda _: StreamAction.STOP),
        lambda: session.ask_many(
            [Ask(present[0], choices=choices)], on_text=lambda *_: StreamAction.STOP
        )[0],
    ):
        stopped = ask()
        assert stopped.stop_reason is StopReason.STOPPED and stopped.choice is None
        assert len(stopped.token_ids) == 1


def test_a_cancel_ends_the_scoring(session: Any, present: list[str]) -> None:
    long = [f"{word} " * 400 + "end" for word in ("ring", "circle", "triangle", "star", "cross")]
    for ask in (
        lambda: session.ask(present[0], choices=long),
        lambda: session.ask_many([Ask(present[0], choices=long), present[0]])[0],
    ):
        cancelling = threading.Timer(0.1, session.cancel)
        cancelling.start()
        answer = ask()
        cancelling.join()
        assert answer.stop_reason is StopReason.CANCELLED
        assert answer.choice is None and answer.choice_probabilities is None
        assert session.ask(present[0], choices=["yes", "no"]).choice == "yes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"choices": ["a"], "config": GenerationConfig(temperature=0.5)}, "no temperature"),
        (
            {"choices": ["a"], "config": GenerationConfig(repetition_penalty=1.2)},
            "no repetition_penalty",
        ),
        ({"choices": ["a"], "config": GenerationConfig(stop_strings=("x",))}, "no stop_strings"),
        ({"choices": ["Red", "blue", "red"]}, r"choices\[2\]: .* more than letter case"),
        ({"choices": ["a"], "choice_case": "upper"}, '"model" or "exact", got'),
        ({"choice_case": "exact"}, "choice_case: expected choices beside"),
        ({"choices": ["a", "a"], "choice_case": "exact"}, r"choices\[1\]: expected each text once"),
    ],
)
def test_what_is_refused(session: Any, arguments: dict[str, Any], message: str) -> None:
    for ask in (session.ask, session.stream):
        with pytest.raises(InputError, match=message):
            ask("Which?", **arguments)
    config = arguments.pop("config", GenerationConfig())
    with pytest.raises(InputError, match=message):
        session.ask_many(["Why?", Ask("Which?", **arguments)], config=config)


def test_letter_cases() -> None:
    assert letter_cases("yes") == ["yes", "YES", "Yes"]
    lettered = ["(a) Red ball", "(a) red ball", "(A) RED BALL", "(A) Red ball", "(A) red ball"]
    assert letter_cases(lettered[0]) == lettered
    assert letter_cases("42") == ["42"]
    assert letter_cases("\u0131") == ["\u0131"], "its capital is that of another letter"


def test_probabilities_of_choices() -> None:
    assert choice_probabilities(["a", "b"], [-2000.0, -2000.0 + math.log(3)]) == pytest.approx(
        {"a": 0.25, "b": 0.75}
    )
    assert choice_probabilities(["a", "b"], [-math.inf, -1.0]) == {"a": 0.0, "b": 1.0}
