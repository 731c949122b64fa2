"""Questions and requests in place of the name of an object or an event."""

from __future__ import annotations

import re

from ufvideo_sdk.errors import InputError

# Of other scripts too.
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
# What no object's or event's name begins with. "What is on the table" and "who is running" are
# names, and so is "mask the man wears"; a step of a recipe may be "find the centre".
_QUESTION = re.compile(
    r"(where|when|why|how)\s+(is|are|was|were|do|does|did|can|could|will|would|should|has|have"
    r"|many|much)\b"
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
    if _is_question(words):
        raise InputError(
            f"expression: expected the name of an object, such as 'the red car', got the question"
            f' {words.strip()!r}: ask it, ask("... Please segment it."), whose answer has the'
            " masks; a text that is seen goes into quotes"
        )
    if _REQUEST.match(words.strip()):
        raise InputError(
            f"expression: expected the name of an object alone, such as 'the red car', got the"
            f" request {words.strip()!r}"
        )


def check_is_event(words: str) -> None:
    """Refuse a question or a request in place of an event.

    Raises:
        InputError: When it ends with a question mark, or begins as no event does.
    """
    if _is_question(words):
        raise InputError(
            f"event: expected what happens, such as 'a car stops', got the question"
            f" {words.strip()!r}: ask it, ask(...), whose answer has the times; a text that is seen"
            " goes into quotes"
        )
    if _MOMENT.match(words.strip()):
        raise InputError(
            f"event: expected what happens alone, such as 'a car stops', got the request"
            f" {words.strip()!r}"
        )


def _is_question(words: str) -> bool:
    text = words.strip()
    return text.rstrip(" .!").endswith(_QUESTION_MARKS) or _QUESTION.match(text) is not None
