"""Questions and requests in place of the name of an object or an event."""

from __future__ import annotations

import re

from ufvideo_sdk.errors import InputError

_MAX_SHOWN = 120
# The words on a sign may be a question, and only the caller knows.
_QUOTES = "; words that are seen, as on a sign, go into quotes"
# Of other scripts too.
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
# What no object's or event's name begins with. "What is on the table", "what is the largest" and
# "who is running" are names, and so is "mask the man wears"; a step of a recipe may be "find the
# centre".
_QUESTION = re.compile(
    r"(where|when|why|how)\s+(is|are|was|were|do|does|did|can|could|will|would|should|has|have"
    r"|many|much)\b"
    r"|what(['\u2019]s|\s+(is|are|was|were))\s+(a|an|this|these|those"
    r"|the(?!\s+(most|least|only|same|first|last|next|\w+est)\b))\b"
    r"|what\s+(do|does|did)\s+(he|she|they|we|you|i)\b"
    r"|(is|are|was|were|did)\s+(there|the|a|an|he|she|it|they|this|that|any)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"(please\s+)?(segment|locate|find|detect)\s+(the|a|an|all|every|each|any|this|that|these|those)"
    r"\b|(please\s+)?show\s+me\b|(can|could|would)\s+you\b",
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"(please\s+)?(locate|find|show(\s+me)?|tell\s+me|say)\s+"
    r"((the\s+)?(exact\s+)?(moment|time|point|part|scene)s?\s+(when|where|at\s+which|in\s+which)"
    r"|when)\b"
    r"|(can|could|would)\s+you\b",
    re.IGNORECASE,
)


def check_is_expression(words: str) -> None:
    """Refuse a question or a request in place of an object's name.

    Raises:
        InputError: When it ends with a question mark, or begins as no name does.
    """
    expected = "expression: expected the name of an object, such as 'the red car'"
    _check(words, expected, _REQUEST, "masks", asked_with=" Please segment it.")


def check_is_event(words: str) -> None:
    """Refuse a question or a request in place of an event.

    Raises:
        InputError: When it ends with a question mark, or begins as no event does.
    """
    _check(words, "event: expected what happens, such as 'a car stops'", _MOMENT, "times")


def _check(
    words: str, expected: str, request: re.Pattern[str], answer: str, *, asked_with: str = ""
) -> None:
    """Refuse a question or a request.

    Args:
        words: What the caller gave.
        expected: What it should be, as a message begins.
        request: What requests begin with.
        answer: What `ask` answers the question with.
        asked_with: What the question needs behind it for such an answer.
    """
    text = words.strip()
    if _is_question(text):
        raise InputError(
            f"{expected}, got the question {_shown(text)}: ask({_shown(text + asked_with)}) answers"
            f" it with {answer}{_QUOTES}"
        )
    if request.match(text):
        raise InputError(
            f"{expected}, got the request {_shown(text)}: leave out what to do with it"
        )


def _is_question(text: str) -> bool:
    return text.rstrip(" .!").endswith(_QUESTION_MARKS) or _QUESTION.match(text) is not None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}...")
