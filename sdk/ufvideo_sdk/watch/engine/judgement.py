"""Whether an answer makes a condition hold."""

from __future__ import annotations

from ufvideo_sdk.questions.answer_count import read_count
from ufvideo_sdk.validation.short_text import shortened
from ufvideo_sdk.watch.engine.facts import Answered, Asked
from ufvideo_sdk.watch.engine.presence import is_in_zone, presence_words
from ufvideo_sdk.watch.engine.rule_events import Seen
from ufvideo_sdk.watch.rules.rule import AnswerIs, Condition, NumberIs, Presence, TextHas


def judge(condition: Condition, asked: Asked, answered: Answered) -> Seen:
    """Return what an answer says about a condition.

    Args:
        condition: What must hold, of one answer.
        asked: What the answer is about.
        answered: The answer.
    """
    if isinstance(condition, AnswerIs):
        holds, found = _choice(condition, answered)
    elif isinstance(condition, NumberIs):
        holds, found = _number(condition, answered)
    elif isinstance(condition, TextHas):
        holds, found = _text(condition, answered)
    elif isinstance(condition, Presence):
        number = sum(is_in_zone(condition, each) for each in answered.objects)
        holds, found = condition.number.holds(number), presence_words(condition, number)
    else:
        raise AssertionError(f"{type(condition).__name__} is not a condition of one answer")
    return Seen(asked.frame_idx, asked.time_s, holds, found)


def _choice(condition: AnswerIs, answered: Answered) -> tuple[bool, str]:
    if answered.choice is None:
        return False, "the answer was none of the choices"
    folded = [text.casefold() for text in condition.texts]
    return answered.choice.casefold() in folded, f'the answer was "{shortened(answered.choice)}"'


def _number(condition: NumberIs, answered: Answered) -> tuple[bool, str]:
    number = read_count(answered.text)
    if number is None:
        return False, f'the answer "{shortened(answered.text)}" names no number'
    return condition.holds(number), f"the number was {number}"


def _text(condition: TextHas, answered: Answered) -> tuple[bool, str]:
    text = answered.text
    if condition.matches is not None:
        holds = condition.matches.search(text) is not None
    else:
        holds = any(part.casefold() in text.casefold() for part in condition.contains)
    return holds, f'the answer was "{shortened(text)}"'
