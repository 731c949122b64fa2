"""Events of answers: small timelines, worked out by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.errors import InputError, StateError
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Event,
    Failed,
    FoundObject,
    Frame,
    Judged,
)

ASK = "yes_no: Is it open?, every_s: 1"
# Keys of the rule; answers as one letter a second from 0.0 s; the events as
# (start, end, known at its start, known at its end).
ANSWERS = [
    ("", "nnnn", []),
    ("", "nyn", [(1.0, 1.0, 1.0, 2.0)]),
    ("", "yyyn", [(0.0, 2.0, 0.0, 3.0)]),
    # Two events, one after the other.
    ("", "ynyn", [(0.0, 0.0, 0.0, 1.0), (2.0, 2.0, 2.0, 3.0)]),
    # Still under way when the stream ends, a second after the last answer.
    ("", "nyy", [(1.0, 2.0, 1.0, 3.0)]),
    ("when: no", "yny", [(1.0, 1.0, 1.0, 2.0)]),
    # One yes is not enough; the second of three is, and the start is the first yes.
    ("confirm: 2 of 3", "nynnn", []),
    ("confirm: 2 of 3", "nyny", [(1.0, 3.0, 3.0, 4.0)]),
    # It goes on through one no, and ends when two of the latest three are no.
    ("confirm: 2 of 3", "yynyynn", [(0.0, 4.0, 1.0, 6.0)]),
    # The yes at 3 s is evidence of the first event only: one more yes starts none.
    ("confirm: 2 of 2", "yynyn", [(0.0, 1.0, 1.0, 2.0)]),
    ("confirm: 3 of 3", "yynyyyn", [(3.0, 5.0, 5.0, 6.0)]),
    # Within 3 s of the end nothing counts; what still holds then starts the next event.
    ("cool_down_s: 3", "ynyynynnn", [(0.0, 0.0, 0.0, 1.0), (3.0, 3.0, 3.0, 4.0)]),
    ("cool_down_s: 2", "ynyyyn", [(0.0, 0.0, 0.0, 1.0), (2.0, 4.0, 2.0, 5.0)]),
    # It must have held for two seconds, and starts where it began to hold.
    ("for_s: 2", "yynyyyyn", [(3.0, 6.0, 5.0, 7.0)]),
    ("for_s: 2, confirm: 2 of 3", "ynyyyn", [(0.0, 4.0, 2.0, 6.0)]),
]


@pytest.mark.parametrize(("keys", "answers", "events"), ANSWERS)
def test_answers_make_events(
    keys: str, answers: str, events: list[tuple[float, float, float, float]]
) -> None:
    rule = f"{{{', '.join(filter(None, (ASK, keys)))}}}"
    line = Timeline(f"rules: {{door: {rule}}}")
    for second, letter in enumerate(answers):
        line.answer("door", float(second), "yes" if letter == "y" else "no")
    line.end(float(len(answers)))
    assert line.events == events


# What holds, by the kind of question.
HOLDING = [
    ("count: How many?, at_least: 3", {"There are three.": True, "2": False, "many": False}),
    ("count: How many?, at_most: 0", {"None of them.": True, "No cars": True, "one": False}),
    ("count: How many?, at_least: 2, at_most: 3", {"1": False, "2": True, "3": True, "4": False}),
    ("choice: What colour?, choices: [red, Green], when: Green", {"red": False, "Green": True}),
    ("choice: What?, choices: [a, b, c], when: [a, b]", {"a": True, "b": True, "c": False}),
    ("text: What is written?, contains: Fire", {"a FIRE alarm": True, "water": False}),
    ("text: What?, contains: [fire, smoke]", {"smoke": True, "fir": False}),
    ('text: What?, matches: "^[A-Z]{2} \\\\d+$"', {"AB 12": True, "ab 12": False}),
]


@pytest.mark.parametrize(("keys", "answers"), HOLDING)
def test_what_holds(keys: str, answers: dict[str, bool]) -> None:
    for answer, holds in answers.items():
        line = Timeline(f"rules: {{a: {{{keys}, every_s: 1}}}}")
        judged = line.answer("a", 0.0, answer)[0]
        assert isinstance(judged, Judged) and judged.holds is holds, (answer, judged)


def test_a_choice_that_was_cut_short_does_not_hold() -> None:
    line = Timeline(f"rules: {{door: {{{ASK}, when: no}}}}")
    idx = line.ask("door", 0.0)
    (judged,) = line.take(Answered("door", idx, "y", None))
    assert isinstance(judged, Judged) and not judged.holds
    assert judged.found == "the answer was none of the choices"


def test_a_segment_holds_where_objects_lie_in_the_zone() -> None:
    rules = "zones: {left: [0, 0, 0.5, 1]}\nrules: {a: {segment: the box, every_s: 1, in: left}}"
    line = Timeline(rules)
    for second, right in enumerate((0.2, 1.0)):
        idx = line.ask("a", float(second))
        found = FoundObject(1, 0.0, 0.0, right, 0.5)
        line.take(Answered("a", idx, "", objects=(found,)))
    line.ask("a", 2.0)
    line.take(Answered("a", 2, ""))
    holding = [fact.holds for fact in line.log if isinstance(fact, Judged)]
    # The middle of a box from 0.0 to 1.0 lies on the edge, which belongs to the zone.
    assert holding == [True, True, False]


def test_an_edge_says_why_and_from_what() -> None:
    keys = "confirm: 2 of 3, pre_roll_s: 5, post_roll_s: 10"
    line = Timeline(f"rules: {{door: {{{ASK}, {keys}}}}}")
    for second, answer in enumerate(("yes", "no", "yes", "no", "no")):
        line.answer("door", 20.0 + second, answer)
    start, end = (fact for fact in line.log if isinstance(fact, Event))
    assert start == Event(
        edge="start",
        id=1,
        rule="door",
        known_s=22.0,
        start_s=20.0,
        end_s=None,
        clip_start_s=15.0,
        clip_end_s=None,
        reason='2 of the latest 3 answers hold; the last one of them: the answer was "yes"',
        frame_idxs=(0, 2),
        object_ids=(),
    )
    assert (end.clip_start_s, end.clip_end_s, end.frame_idxs) == (15.0, 32.0, (0, 2))
    assert end.reason == 'only 1 of the latest 3 answers hold; the last one: the answer was "no"'


def test_two_rules_share_one_question_and_one_counter() -> None:
    rules = """
questions:
  light: {choice: What colour is it?, choices: [red, green, off], every_s: 1}
rules:
  stop: {question: light, when: red}
  go: {question: light, when: green}
"""
    line = Timeline(rules)
    assert len(line.engine.rules.questions) == 1
    for second, answer in enumerate(("red", "green", "red", "off")):
        line.answer("light", float(second), answer)
    # The end of one comes before the start of the other only if its rule stands first.
    assert [edge[:3] for edge in line.edges] == [
        ("start", 1, "stop"),
        ("end", 1, "stop"),
        ("start", 2, "go"),
        ("start", 3, "stop"),
        ("end", 2, "go"),
        ("end", 3, "stop"),
    ]
    assert line.engine.under_way == ()


def test_a_gap_ends_what_is_under_way() -> None:
    line = Timeline(f"rules: {{door: {{{ASK}}}}}")
    line.answer("door", 0.0, "yes")
    assert [event.id for event in line.engine.under_way] == [1]
    (end,) = line.gap(0.0, 9.0)
    assert isinstance(end, Event)
    assert (end.edge, end.start_s, end.end_s, end.known_s) == ("end", 0.0, 0.0, 9.0)
    assert end.reason == "the camera stalled"
    line.answer("door", 10.0, "yes")
    line.end(11.0)
    assert line.events == [(0.0, 0.0, 0.0, 9.0), (10.0, 10.0, 10.0, 11.0)]


def test_facts_that_contradict_each_other_are_refused_and_change_nothing() -> None:
    line = Timeline(f"rules: {{door: {{{ASK}}}}}")
    with pytest.raises(InputError, match="a frame that was taken"):
        line.engine.take(Asked("door", 0, 0.0, 0.0))
    line.frame(1.0)
    refusals = [
        (Frame(0, 2.0), InputError, "frame_idx above 0, got 0"),
        (Frame(1, 1.0), InputError, "time_s later than 1.0, got 1.0"),
        (Asked("gate", 0, 1.0, 0.0), InputError, "a question that is asked"),
        (Asked("door", 1, 1.0, 0.0), InputError, "a frame that was taken"),
        (Asked("door", 0, 1.0, 1.5), InputError, "window_start_s up to time_s"),
        (Answered("door", 0, "yes", "yes"), StateError, "a question that was asked"),
        (Failed("door", 0, "cancelled"), StateError, "a question that was asked"),
        (line.engine.opened("door"), InputError, "expected one of Frame, Asked"),
        ("frame", InputError, "expected one of Frame, Asked"),
    ]
    for fact, family, words in refusals:
        with pytest.raises(family, match=words):
            line.engine.take(fact)  # type: ignore[arg-type]
    line.take(Asked("door", 0, 1.0, 0.0))
    with pytest.raises(StateError, match="a question that is due"):
        line.engine.take(Asked("door", 0, 1.0, 0.0))
    with pytest.raises(InputError, match="frame_idx 0, as it was asked, got 1"):
        line.engine.take(Answered("door", 1, "yes", "yes"))
    with pytest.raises(InputError, match="one of the choices yes, no"):
        line.engine.take(Answered("door", 0, "Maybe", "Maybe"))
    line.take(Answered("door", 0, "Yes", "yes"))
    line.end(2.0)
    with pytest.raises(StateError, match="no fact after the stream's end, got Frame"):
        line.frame(3.0)
    assert line.events == [(1.0, 1.0, 1.0, 2.0)]
