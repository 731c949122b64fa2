"""Texts of people and models in one short line."""

from __future__ import annotations

_MOST_CHARACTERS = 48


def quoted(text: str) -> str:
    """The text as Python writes it, long ones cut in the middle, control characters escaped."""
    return repr(shortened(text))


def shortened(text: str) -> str:
    """The text, a long one cut in the middle."""
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:half]}...{text[-half:]}"


def counted(number: int, singular: str) -> str:
    """The number with its noun: "1 frame", "2 frames"."""
    return f"{number} {singular}{'' if number == 1 else 's'}"
