"""Reads what makes an event of a question's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ufvideo_sdk.questions.mapping_reader import MappingReader, did_you_mean, listed
from ufvideo_sdk.questions.question import Question, QuestionKind
from ufvideo_sdk.questions.shapes import Area, Line
from ufvideo_sdk.runtime.track_config import LOST_S
from ufvideo_sdk.watch.rules.rule import (
    AnswerIs,
    Condition,
    Confirmation,
    Crossing,
    NumberIs,
    Presence,
    Spans,
    TextHas,
)

_MERGE_GAP_S = 1.0
_MAX_ANSWERS = 100
_ANCHORS = ("center", "bottom")
_DIRECTIONS = ("any", "in", "out")
_OF = re.compile(r"\s*(\d{1,4})\s+of\s+(\d{1,4})\s*")
_MAX_PATTERN = 200

T = TypeVar("T")

OTHERS_KEYS = {
    "anchor": "anchor belongs to a track or a segment with a zone or a line",
    "at_least": "at_least belongs to a count, a segment or a track",
    "at_most": "at_most belongs to a count, a segment or a track",
    "cameras": "cameras belongs to a rule",
    "choices": "choices belongs to a choice",
    "contains": "contains belongs to a text",
    "confirm": "a crossing is confirmed by settle_s",
    "cool_down_s": "cool_down_s belongs to a rule",
    "crosses": "crosses belongs to a track",
    "direction": "direction belongs beside crosses",
    "dwell_s": "dwell_s belongs to a track without crosses",
    "for_s": "for_s belongs to a rule whose events last, a crossing is a moment",
    "in": "in belongs to a track or a segment",
    "lost_s": "lost_s belongs to a track without crosses",
    "matches": "matches belongs to a text",
    "merge_gap_s": "merge_gap_s belongs to a locate",
    "post_roll_s": "post_roll_s belongs to a rule",
    "pre_roll_s": "pre_roll_s belongs to a rule",
    "regions": "regions belongs to a question with <region> in its words",
    "settle_s": "settle_s belongs beside crosses",
    "sinks": "sinks belongs to a rule, or to the file",
    "when": "when belongs to a yes_no or a choice",
}
"""Keys of rules, with where they belong: for messages about one that stands elsewhere."""


@dataclass(frozen=True)
class Surroundings:
    """What a condition may name.

    Attributes:
        zones: Zones by name.
        lines: Lines by name.
    """

    zones: Mapping[str, Area]
    lines: Mapping[str, Line]


def read_condition(
    reader: MappingReader, question: Question, around: Surroundings
) -> Condition | None:
    """Read what must hold; None if it is wrong, which is a problem then.

    Args:
        reader: Of the rule.
        question: Its question.
        around: What it may name.
    """
    kind = question.kind
    if kind in (QuestionKind.YES_NO, QuestionKind.CHOICE):
        return _answer_is(reader, question)
    if kind is QuestionKind.COUNT:
        return _number(reader, default=None)
    if kind is QuestionKind.TEXT:
        return _text_has(reader)
    if kind is QuestionKind.LOCATE:
        return Spans(reader.seconds("merge_gap_s", _MERGE_GAP_S) or 0.0)
    if reader.has("crosses") and kind is QuestionKind.TRACK:
        return _crossing(reader, around)
    return _presence(reader, around, is_tracked=kind is QuestionKind.TRACK)


def read_confirmation(reader: MappingReader, question: Question) -> Confirmation:
    """Read how often it must hold: `confirm: 2 of 3` and `for_s`."""
    if question.kind is QuestionKind.TRACK and reader.has("crosses"):
        return Confirmation()
    entry = reader.take("confirm")
    for_s = reader.seconds("for_s", 0.0) or 0.0
    if entry is None:
        return Confirmation(for_s=for_s)
    found = _OF.fullmatch(entry.value) if isinstance(entry.value, str) else None
    if found is None:
        fix = f"write {entry.shown} of {entry.shown}" if isinstance(entry.value, int) else ""
        reader.problems.add(entry, "answers that must hold, such as 2 of 3", fix=fix)
        return Confirmation(for_s=for_s)
    holding, answers = int(found[1]), int(found[2])
    if not 1 <= holding <= answers <= _MAX_ANSWERS:
        expected = f"1 or more of at most {_MAX_ANSWERS}, the first not above the second"
        reader.problems.add(entry, expected)
    return Confirmation(holding, answers, for_s)


def _answer_is(reader: MappingReader, question: Question) -> AnswerIs | None:
    if question.kind is QuestionKind.YES_NO:
        return AnswerIs((reader.one_of("when", question.choices, "yes"),))
    texts = reader.texts("when")
    if not reader.has("when"):
        fix = f"such as when: {question.choices[0]}"
        reader.problems.add(reader.entry, "the key when with a choice", "a rule without it", fix)
    if texts is None:
        return None
    entry = reader.entry.value["when"]
    for text in texts:
        if text not in question.choices:
            fix = did_you_mean(text, question.choices)
            reader.problems.add(
                entry, f"of the choices {listed(question.choices)}", f'"{text}"', fix
            )
    if len(texts) == len(question.choices):
        reader.problems.add(entry, "fewer than all choices", "all: it would always hold")
    return AnswerIs(texts)


def _number(reader: MappingReader, default: int | None) -> NumberIs | None:
    low, high = reader.count("at_least"), reader.count("at_most")
    if low is None and high is None:
        if reader.has("at_least") or reader.has("at_most"):
            return None
        if default is None:
            fix = "such as at_least: 3"
            expected = "at_least or at_most with a count"
            reader.problems.add(reader.entry, expected, "a rule without them", fix)
            return None
        low = default
    if low is not None and high is not None and low > high:
        reader.problems.add(reader.entry.value["at_most"], f"at_most of at_least or more, {low}")
    if low == 0 and high is None:
        entry = reader.entry.value["at_least"]
        reader.problems.add(entry, "1 or more", "0: it would always hold")
    return NumberIs(low, high)


def _text_has(reader: MappingReader) -> TextHas | None:
    contains = reader.texts("contains")
    expression = reader.text("matches", _MAX_PATTERN)
    given = [key for key in ("contains", "matches") if reader.has(key)]
    if len(given) != 1:
        got = "both" if given else "neither"
        expected, fix = "one of contains and matches", "such as contains: fire"
        reader.problems.add(reader.entry, expected, got, "" if given else fix)
    if expression is None:
        return TextHas(contains or (), None)
    try:
        return TextHas((), re.compile(expression))
    except (re.error, OverflowError, RecursionError) as error:
        entry = reader.entry.value["matches"]
        reader.problems.add(entry, "a regular expression of Python", f"one with an error: {error}")
        return None


def _presence(reader: MappingReader, around: Surroundings, *, is_tracked: bool) -> Presence | None:
    name, zone = _named(reader, "in", around.zones, "a zone")
    number = _number(reader, default=1)
    anchor = reader.one_of("anchor", _ANCHORS, "center")
    dwell_s, lost_s = 0.0, 0.0
    if is_tracked:
        dwell_s = reader.seconds("dwell_s", 0.0) or 0.0
        lost_s = reader.seconds("lost_s", LOST_S) or 0.0
    return None if number is None else Presence(zone, name, number, anchor, dwell_s, lost_s)


def _crossing(reader: MappingReader, around: Surroundings) -> Crossing | None:
    name, line = _named(reader, "crosses", around.lines, "a line")
    direction = reader.one_of("direction", _DIRECTIONS, "any")
    anchor = reader.one_of("anchor", _ANCHORS, "center")
    settle_s = reader.seconds("settle_s", 0.0) or 0.0
    if line is None:
        return None
    if direction != "any" and line.inside is None:
        entry = reader.entry.value["direction"]
        fix = f"add inside: above, below, left or right to the line {name}"
        reader.problems.add(entry, "any, as the line has no inside", fix=fix)
    return Crossing(line, name, direction, anchor, settle_s)


def _named(
    reader: MappingReader, key: str, named: Mapping[str, T], what: str
) -> tuple[str, T | None]:
    """A zone or a line of the file by its name; "" and None without the key, or if wrong."""
    entry = reader.take(key)
    if entry is None:
        return "", None
    if isinstance(entry.value, str) and entry.value in named:
        return entry.value, named[entry.value]
    fix = did_you_mean(entry.value, tuple(named))
    if not fix:
        part = "zones" if what == "a zone" else "lines"
        fix = f"the file has {listed(tuple(named))}" if named else f"name it under {part}"
    reader.problems.add(entry, f"the name of {what}", fix=fix)
    return "", None
