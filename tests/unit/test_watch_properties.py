"""What holds for every stream: random facts, with a seed, against invariants."""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.questions import QuestionKind
from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine import fact_of, line_of, lines_of, replayed
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Dropped,
    Due,
    Event,
    Fact,
    Failed,
    FoundObject,
    FoundSpan,
    Frame,
    Gap,
    Judged,
    Output,
    Tracked,
)

RULES = """
zones: {left: [0, 0, 0.5, 1]}
lines: {gate: {points: [[0.5, 0], [0.5, 1]], inside: right}}
questions:
  light: {choice: What colour is it?, choices: [red, green], every_s: 1}
rules:
  red: {question: light, when: red, confirm: 2 of 3, cool_down_s: 3, pre_roll_s: 2}
  green: {question: light, when: green, for_s: 2, post_roll_s: 4}
  door: {yes_no: Is it open?, on_change: 0.5, every_s: 0.5, force_every_s: 4}
  many: {count: How many?, every_s: 2, at_least: 2, confirm: 2 of 4}
  fall: {locate: a person falls, every_s: 1, confirm: 1 of 2, cool_down_s: 2}
  twice: {locate: a car stops, every_s: 1, confirm: 2 of 3, merge_gap_s: 0}
  parcel: {segment: the parcel, every_s: 3, in: left}
  stay: {track: the man, in: left, dwell_s: 1, lost_s: 1}
  cross: {track: the man, crosses: gate, settle_s: 0.5, cool_down_s: 2}
  out: {track: the man, crosses: gate, direction: out}
"""
SEEDS = range(12)
_NUM_FRAMES = 100


@cache
def random_line(seed: int, origin_s: float = 0.0) -> Timeline:
    """A stream of random facts; all its times are multiples of 1/8 s from an origin."""
    chance = random.Random(seed)
    line = Timeline(RULES)
    tracks = [w.name for w in line.engine.rules.questions if w.schedule is None]
    waiting: list[tuple[str, int, float, float]] = []
    time_s, idx = origin_s, 0
    for _ in range(_NUM_FRAMES):
        time_s, idx = time_s + chance.randint(1, 8) / 8, idx + chance.randint(1, 2)
        line.take(Frame(idx, time_s, chance.choice((None, 0.0, 0.25, 0.75))))
        for watched in line.engine.due:
            turn = chance.random()
            if turn < 0.7:
                window_s = time_s - chance.choice((2.0, 4.0))
                line.take(Asked(watched.name, idx, time_s, window_s))
                waiting.append((watched.name, idx, time_s, window_s))
            elif turn < 0.8:
                line.take(Dropped(watched.name, idx, time_s, "budget"))
        while waiting and chance.random() < 0.9:
            line.take(random_answer(chance, line, waiting.pop(0)))
        for name in tracks:
            line.take(Tracked(name, idx, time_s, random_objects(chance)))
        if chance.random() < 0.03:
            end_s = time_s + 1.0
            line.take(Gap(time_s, end_s, "stalled"))
            time_s = end_s
    line.end(time_s + 1.0)
    return line


def random_answer(
    chance: random.Random, line: Timeline, asked: tuple[str, int, float, float]
) -> Fact:
    name, idx, time_s, start_s = asked
    if chance.random() < 0.1:
        return Failed(name, idx, "cancelled")
    question = line.engine.rules.question(name).question
    if question.kind is QuestionKind.LOCATE:
        eighths = round((time_s - start_s) * 8)
        spans = []
        for _ in range(chance.randint(0, 2)):
            first, second = sorted((chance.randint(0, eighths), chance.randint(0, eighths)))
            spans.append(FoundSpan(start_s + first / 8, start_s + second / 8))
        return Answered(name, idx, "", None, tuple(spans))
    if question.kind is QuestionKind.SEGMENT:
        return Answered(name, idx, "", objects=random_objects(chance))
    if question.choices:
        choice = chance.choice(question.choices)
        return Answered(name, idx, choice, choice)
    return Answered(name, idx, chance.choice(("one", "two", "3", "many")))


def random_objects(chance: random.Random) -> tuple[FoundObject, ...]:
    ids = [number for number in (1, 2) if chance.random() < 0.8]
    places = [chance.randint(0, 8) / 8 for _ in ids]
    return tuple(FoundObject(i, x, 0.25, x, 0.75) for i, x in zip(ids, places, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_facts_give_the_same_bytes(seed: int) -> None:
    log = random_line(seed).log
    text = lines_of(log)
    assert lines_of(replayed(log)) == text
    # Read from bytes, as a recording is.
    assert lines_of(replayed([fact_of(f"{line}\n") for line in text.splitlines()])) == text


@pytest.mark.parametrize("seed", SEEDS)
def test_each_start_has_one_end_and_events_of_a_rule_never_overlap(seed: int) -> None:
    log = random_line(seed).log
    edges = [fact for fact in log if isinstance(fact, Event)]
    starts = [edge for edge in edges if edge.edge == "start"]
    ends = {edge.id: edge for edge in edges if edge.edge == "end"}
    assert [start.id for start in starts] == list(range(1, len(starts) + 1))
    assert len(ends) == len(starts) == len(edges) - len(starts)
    by_rule: dict[str, list[Event]] = defaultdict(list)
    for start in starts:
        end = ends[start.id]
        assert end.rule == start.rule and end.end_s is not None
        assert end.start_s <= start.start_s <= start.known_s <= end.known_s
        assert end.start_s <= end.end_s <= end.known_s
        assert list(end.frame_idxs) == sorted(set(end.frame_idxs)) and start.frame_idxs
        assert set(start.frame_idxs) <= set(end.frame_idxs)
        by_rule[start.rule].append(end)
    for found in by_rule.values():
        for before, after in pairwise(found):
            assert before.end_s is not None and before.end_s <= after.start_s


@pytest.mark.parametrize("seed", SEEDS)
def test_cool_downs_are_kept(seed: int) -> None:
    line = random_line(seed)
    for rule in line.engine.rules.rules:
        events = [fact for fact in line.log if isinstance(fact, Event) and fact.rule == rule.name]
        ends = [event for event in events if event.edge == "end"]
        for before, after in pairwise(ends):
            assert before.end_s is not None
            assert after.start_s - before.end_s >= rule.cool_down_s, (rule.name, before, after)


@pytest.mark.parametrize("seed", SEEDS)
def test_shifting_all_times_shifts_all_events(seed: int) -> None:
    plain, shifted = random_line(seed), random_line(seed, origin_s=4096.0)
    moved = [shift(fact, 4096.0) for fact in plain.log if not isinstance(fact, Judged)]
    assert moved == [fact for fact in shifted.log if not isinstance(fact, Judged)]


def shift(fact: Any, by_s: float) -> Any:
    """A fact with all its times later."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(fact):
        value = getattr(fact, field.name)
        if field.name.endswith("_s") and value is not None:
            changes[field.name] = value + by_s
        elif field.name == "spans":
            changes[field.name] = tuple(shift(span, by_s) for span in value)
    return dataclasses.replace(fact, **changes)


@pytest.mark.parametrize("seed", SEEDS)
def test_rules_do_not_know_each_other(seed: int) -> None:
    """The events of a rule are those of a file with this rule alone, but for their ids."""
    line = random_line(seed)
    by_rule: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for fact in line.log:
        if isinstance(fact, Event):
            by_rule[fact.rule].append(dataclasses.astuple(dataclasses.replace(fact, id=1)))
    whole = line.engine.rules
    for rule in whole.rules:
        alone = Rules(whole.name, whole.text, (whole.question(rule.question),), (rule,))
        engine = Engine(alone)
        found = []
        for fact in line.log[1:]:
            names_other = getattr(fact, "question", rule.question) != rule.question
            if isinstance(fact, Output) or names_other:
                continue
            found += [each for each in engine.take(fact) if isinstance(each, Event)]  # type: ignore[arg-type]
        assert [dataclasses.astuple(dataclasses.replace(each, id=1)) for each in found] == by_rule[
            rule.name
        ]


def test_random_streams_have_what_is_tested() -> None:
    """Not a stream without events: every rule has some, and questions wait and are dropped."""
    logs = [fact for seed in SEEDS for fact in random_line(seed).log]
    rules = [fact.rule for fact in logs if isinstance(fact, Event) and fact.edge == "end"]
    assert min(rules.count(rule.name) for rule in Rules.parse(RULES).rules) >= 10, rules
    assert {fact.why for fact in logs if isinstance(fact, Due)} == {
        *("first", "every", "change", "forced")
    }
    assert {fact.state for fact in logs if isinstance(fact, Judged)} == {
        *("quiet", "waiting", "start", "on", "end", "cool-down")
    }


def test_a_refused_fact_changes_nothing() -> None:
    log = random_line(3).log
    engine = Engine(Rules.parse(RULES))
    told: list[Fact] = [engine.opened("door")]
    for fact in log[1:]:
        if isinstance(fact, Output):
            continue
        told += [fact, *engine.take(fact)]  # type: ignore[arg-type]
        for wrong in (
            Frame(0, -1.0),
            Answered("no", 0, ""),
            Tracked("door", 0, 0.0),
            Gap(-2.0, -1.0, "stalled"),
        ):
            with pytest.raises(UFVideoError):
                engine.take(wrong)
    assert list(map(line_of, told)) == list(map(line_of, log))
