"""Reads the parts of a file of rules: zones, lines, questions, rules and sinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ufvideo_sdk.questions.entry import Entry, Problems
from ufvideo_sdk.questions.mapping_reader import MappingReader, did_you_mean
from ufvideo_sdk.questions.question import EXAMPLE, KINDS, Question, QuestionKind, read_question
from ufvideo_sdk.questions.shape_reader import read_area, read_line
from ufvideo_sdk.questions.shapes import Area, Line, box_area
from ufvideo_sdk.watch.rules.condition_reader import (
    OTHERS_KEYS,
    Surroundings,
    read_condition,
    read_confirmation,
)
from ufvideo_sdk.watch.rules.rule import Rule, Schedule, WatchedQuestion
from ufvideo_sdk.watch.rules.sink_reader import read_chosen, read_sinks
from ufvideo_sdk.watch.rules.sink_settings import EVENT_SINKS, SinkSettings

_MAX_NAMES = 256
_FILE = "a mapping with the key rules"
_RULE = "a rule such as {yes_no: Is the door open?, every_s: 5}"
_SCHEDULE_KEYS = ("every_s", "on_change", "force_every_s")
_MAX_CHARACTERS = 64
_LONGEST_ROLL_S = 3600.0
_ANY_AREA = box_area((0.0, 0.0, 1.0, 1.0))
_ANY_LINE = Line((0.0, 0.0), (1.0, 1.0), "below")

T = TypeVar("T")


@dataclass
class _File:
    """What has been read of a file."""

    problems: Problems
    zones: dict[str, Area] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    questions: dict[str, WatchedQuestion] = field(default_factory=dict)
    # Names of all questions of the file, those that are wrong included.
    named: tuple[str, ...] = ()
    sinks: SinkSettings = field(default_factory=SinkSettings)
    # Names of sinks that stand in the file and are wrong.
    wrong_sinks: tuple[str, ...] = ()


def read_file(
    document: Entry, name: str
) -> tuple[tuple[WatchedQuestion, ...], tuple[Rule, ...], SinkSettings]:
    """Read a file of rules.

    Args:
        document: The document.
        name: Its name for messages.

    Returns:
        The questions and the rules, each in the order of the file, and where events go; named
        questions come first.

    Raises:
        DocumentError: When something is wrong.
    """
    problems = Problems(name)
    file = _File(problems)
    reader = MappingReader(document, problems, _FILE)
    zones, lines = reader.take("zones"), reader.take("lines")
    questions, rules = reader.take("questions"), reader.take("rules")
    sinks = reader.take("sinks")
    reader.finish()
    file.sinks = read_sinks(sinks, problems)
    if sinks is not None and isinstance(sinks.value, dict):
        file.wrong_sinks = tuple(
            name for name in EVENT_SINKS if name in sinks.value and name not in file.sinks.names
        )
    # What is wrong with one is told once, and not again wherever it is named.
    file.zones = _each(zones, problems, lambda _, e: read_area(e, problems, {}) or _ANY_AREA)
    file.lines = _each(lines, problems, lambda _, e: read_line(e, problems) or _ANY_LINE)
    if questions is not None and isinstance(questions.value, dict):
        file.named = tuple(questions.value)
    file.questions = _each(questions, problems, lambda key, entry: _question(key, entry, file))
    found = _each(rules, problems, lambda key, entry: _rule(key, entry, file))
    if rules is None and isinstance(document.value, dict) and not reader.has("rules"):
        fix = f"such as rules: {{door: {_RULE.removeprefix('a rule such as ')}}}"
        problems.add(document, _FILE, "a mapping without it", fix)
    if rules is not None and rules.value == {}:
        problems.add(rules, "one or more rules", "none")
    _check_all_used(questions, found, file)
    problems.raise_if_any()
    return tuple(file.questions.values()), tuple(found.values()), file.sinks


def _each(
    entry: Entry | None, problems: Problems, read: Callable[[str, Entry], T | None]
) -> dict[str, T]:
    """Read a mapping of names; what is wrong is left out."""
    if entry is None:
        return {}
    if not isinstance(entry.value, dict):
        fix = "give each one a name: `name: ...`, without a dash"
        problems.add(entry, "a mapping of names", fix=fix if isinstance(entry.value, list) else "")
        return {}
    if len(entry.value) > _MAX_NAMES:
        problems.add(entry, f"at most {_MAX_NAMES} names", f"{len(entry.value)}")
        return {}
    found = {}
    for name, child in entry.value.items():
        _check_name(entry, name, problems)
        value = read(name, child)
        if value is not None:
            found[name] = value
    return found


def _check_name(entry: Entry, name: str, problems: Problems) -> None:
    """Refuse names that no file, topic or label could have."""
    plain = name.replace("_", "a").replace("-", "a").replace(" ", "a")
    if not (plain.isalnum() and len(name) <= _MAX_CHARACTERS and name == name.strip()):
        expected = f"a name of up to {_MAX_CHARACTERS} letters, digits, spaces, _ and -"
        problems.add_key(entry, name, expected, f'"{name}"' if name.isprintable() else ascii(name))


def _question(name: str, entry: Entry, file: _File) -> WatchedQuestion | None:
    reader = MappingReader(entry, file.problems, EXAMPLE)
    num_before = len(file.problems)
    question = read_question(reader, file.zones)
    schedule = _schedule(reader, question)
    # Without a question any key may be right.
    if question is not None or any(map(reader.has, KINDS)):
        reader.finish(OTHERS_KEYS)
    if question is None or len(file.problems) > num_before:
        return None
    return WatchedQuestion(name, question, schedule)


def _schedule(reader: MappingReader, question: Question | None) -> Schedule | None:
    """Read when a question is asked; None for one that is tracked."""
    if reader.has(QuestionKind.TRACK.value):
        for key in _SCHEDULE_KEYS:
            if reader.has(key):
                entry = reader.take(key)
                fix = "leave it out: a track is carried on over every frame"
                if entry is not None:
                    reader.problems.add(entry, "no schedule beside track", fix=fix)
        return None
    every_s = reader.seconds("every_s", None, low=0.1)
    on_change = reader.number("on_change", 0.0001, 1.0)
    forced_s = reader.seconds("force_every_s", None, low=0.1)
    if not (reader.has("every_s") or reader.has("on_change")):
        if question is not None:
            expected, fix = "every_s or on_change", "say when it is asked, such as every_s: 5"
            reader.problems.add(reader.entry, expected, "a question without them", fix)
        return None
    if forced_s is not None and not reader.has("on_change"):
        entry, fix = reader.entry.value["force_every_s"], "write every_s, or add on_change"
        reader.problems.add(entry, "force_every_s beside on_change", fix=fix)
    if forced_s is not None and every_s is not None and forced_s < every_s:
        entry = reader.entry.value["force_every_s"]
        reader.problems.add(entry, f"force_every_s of every_s or more, {every_s:g}")
    return Schedule(every_s or 0.0, on_change, forced_s)


def _rule(name: str, entry: Entry, file: _File) -> Rule | None:
    reader = MappingReader(entry, file.problems, _RULE)
    num_before = len(file.problems)
    cool_down_s = reader.seconds("cool_down_s", 0.0) or 0.0
    pre_roll_s = _roll(reader, "pre_roll_s")
    post_roll_s = _roll(reader, "post_roll_s")
    sinks = read_chosen(reader, file.sinks, file.wrong_sinks)
    cameras = reader.texts("cameras") or ()
    watched = _question_of_rule(name, reader, file)
    if watched is None:
        # Which keys a rule may have follows from its question.
        return None
    around = Surroundings(file.zones, file.lines)
    condition = read_condition(reader, watched.question, around)
    confirmation = read_confirmation(reader, watched.question)
    reader.finish(OTHERS_KEYS)
    if condition is None or len(file.problems) > num_before:
        return None
    file.questions.setdefault(watched.name, watched)
    rolls = (cool_down_s, pre_roll_s, post_roll_s)
    return Rule(name, watched.name, condition, confirmation, *rolls, sinks, cameras)


def _roll(reader: MappingReader, key: str) -> float:
    seconds = reader.seconds(key, 0.0) or 0.0
    if seconds > _LONGEST_ROLL_S:
        reader.problems.add(reader.entry.value[key], f"at most {_LONGEST_ROLL_S:g} seconds")
    return seconds


def _question_of_rule(name: str, reader: MappingReader, file: _File) -> WatchedQuestion | None:
    """The question that a rule names, or the one that stands in it."""
    entry = reader.take("question")
    if entry is None:
        question = read_question(reader, file.zones)
        schedule = _schedule(reader, question)
        if question is not None and name in file.named:
            got = "a question in both"
            fix = f"write question: {name} in the rule, or rename one"
            file.problems.add(reader.entry, f"another name than the question {name}", got, fix)
        return None if question is None else WatchedQuestion(name, question, schedule)
    inline = next(filter(reader.has, (*KINDS, *_SCHEDULE_KEYS)), None)
    if inline is not None:
        got = f"{inline} too"
        fix = "leave one of them out: the named question has its own schedule"
        file.problems.add(reader.entry.value[inline], "a question by name", got, fix)
        return None
    if entry.value not in file.named:
        fix = did_you_mean(entry.value, file.named)
        fix = fix or "questions of this file stand under questions"
        file.problems.add(entry, "the name of a question", fix=fix)
        return None
    return file.questions.get(entry.value)


def _check_all_used(questions: Entry | None, rules: dict[str, Rule], file: _File) -> None:
    """Refuse a question that no rule uses: it would be asked for nothing."""
    if len(file.problems) or questions is None:
        return
    used = {rule.question for rule in rules.values()}
    for name in file.named:
        if name not in used:
            fix = f"add a rule with question: {name}, or leave the question out"
            file.problems.add_key(questions, name, "a rule that uses it", "none", fix)
