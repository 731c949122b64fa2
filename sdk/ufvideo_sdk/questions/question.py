"""One question about a video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.questions.entry import Problems, entry_of
from ufvideo_sdk.questions.mapping_reader import SYNONYMS, MappingReader, listed
from ufvideo_sdk.questions.shape_reader import read_area
from ufvideo_sdk.questions.shapes import Area
from ufvideo_sdk.text.question_words import check_is_event, check_is_expression


class QuestionKind(str, Enum):
    """What kind of answer a question has."""

    YES_NO = "yes_no"
    CHOICE = "choice"
    COUNT = "count"
    TEXT = "text"
    LOCATE = "locate"
    SEGMENT = "segment"
    TRACK = "track"


KINDS = tuple(kind.value for kind in QuestionKind)
EXAMPLE = "a question such as {yes_no: Is the door open?}"
_PHRASES = (QuestionKind.LOCATE, QuestionKind.SEGMENT, QuestionKind.TRACK)
_REGION_MARK, _TIME_MARK = "<region>", "<time>"


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        kind: What kind of answer it has.
        words: The question; of `locate` what happens, of `segment` and `track` the object's name.
        choices: The texts that the answer may be: "yes" and "no" for `yes_no`, the listed ones for
            `choice`, and empty for other kinds.
        regions: An area for each `<region>` of the words, in fractions of the picture.
    """

    kind: QuestionKind
    words: str
    choices: tuple[str, ...] = ()
    regions: tuple[Area, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Question:
        """Read a question from plain Python values.

        Args:
            mapping: Such as {"choice": "What colour is the light?", "choices": ["red", "green"]}.

        Raises:
            DocumentError: When it is no question; the message has all that is wrong.
        """
        problems = Problems("the question")
        reader = MappingReader(entry_of(mapping), problems, EXAMPLE)
        question = read_question(reader, {})
        reader.finish()
        problems.raise_if_any()
        if question is None:
            raise AssertionError("a question that is none has a problem")
        return question


def read_question(reader: MappingReader, zones: Mapping[str, Area]) -> Question | None:
    """Read the keys that make a question; other keys of the mapping are left to the caller.

    Args:
        reader: Of the mapping.
        zones: Areas that `regions` may name.

    Returns:
        The question; None if something is wrong, which is a problem then.
    """
    given = [name for name in KINDS if reader.has(name)]
    num_before = len(reader.problems)
    if len(given) != 1:
        if isinstance(reader.entry.value, dict):
            got = f"{len(given)}: {listed(given)}" if given else "none"
            meant = [(key, SYNONYMS[key]) for key in reader.keys if SYNONYMS.get(key) in KINDS]
            fix = f"such as {EXAMPLE.partition('such as ')[2]}"
            if meant and not given:
                fix = f"write {meant[0][1]} in place of {meant[0][0]}"
            reader.problems.add(reader.entry, f"one of the keys {listed(KINDS)}", got, fix)
        for name in KINDS:
            reader.take(name)
        _take_rest(reader)
        return None
    kind = QuestionKind(given[0])
    words = reader.text(kind.value)
    if words is not None:
        _check_phrase(reader, kind, words)
    choices = _choices(reader, kind)
    regions = _regions(reader, kind, words or "", zones)
    if words is None or len(reader.problems) > num_before:
        return None
    return Question(kind, words.strip(), choices, regions)


def _take_rest(reader: MappingReader) -> None:
    reader.take("choices")
    reader.take("regions")


def _check_phrase(reader: MappingReader, kind: QuestionKind, words: str) -> None:
    """Refuse a question where an object or an event is named, and the reverse."""
    if kind not in _PHRASES:
        return
    check = check_is_event if kind is QuestionKind.LOCATE else check_is_expression
    try:
        check(words)
    except InputError:
        expected = "what happens, such as a car stops"
        if kind is not QuestionKind.LOCATE:
            expected = "the name of an object, such as the red car"
        fix = "a question of yes or no is yes_no, one with an answer in words is text"
        reader.problems.add(reader.entry.value[kind.value], expected, fix=fix)


def _choices(reader: MappingReader, kind: QuestionKind) -> tuple[str, ...]:
    if kind is QuestionKind.YES_NO:
        return ("yes", "no")
    if kind is not QuestionKind.CHOICE:
        return ()
    choices = reader.texts("choices")
    entry = reader.entry
    if not reader.has("choices"):
        fix = "such as choices: [red, green]"
        reader.problems.add(entry, "the key choices with a choice", "a mapping without it", fix)
    if choices is None:
        return ()
    if len(choices) < 2:
        reader.problems.add(entry.value["choices"], "two or more texts", "one")
    if len({choice.casefold() for choice in choices}) < len(choices):
        expected = "texts that differ in more than letter case"
        reader.problems.add(entry.value["choices"], expected, f"{list(choices)}")
    return choices


def _regions(
    reader: MappingReader, kind: QuestionKind, words: str, zones: Mapping[str, Area]
) -> tuple[Area, ...]:
    entry = reader.entry.value.get(kind.value)
    if _TIME_MARK in words:
        expected = "a question without <time>, as a stream has no fixed times"
        reader.problems.add(entry, expected)
    num_marks = words.count(_REGION_MARK)
    if kind in _PHRASES:
        if num_marks:
            reader.problems.add(entry, "a name without <region>")
        return ()
    taken = reader.take("regions")
    items = taken.value if taken is not None else []
    if taken is not None and not isinstance(items, list):
        items = [taken]
    found = [read_area(item, reader.problems, zones) for item in items]
    if len(items) != num_marks:
        expected = f"a region for each <region> of the words, {num_marks}"
        fix = "such as regions: [[0.1, 0.2, 0.5, 0.9]] for one box"
        reader.problems.add(taken or reader.entry, expected, f"{len(items)}", fix)
    return tuple(area for area in found if area is not None)
