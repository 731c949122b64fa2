"""The number that an answer in words names."""

from __future__ import annotations

import re

_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_NUMBERS = {word: number for number, word in enumerate(_WORDS)}
_NONE = ("no", "none", "nobody", "nothing", "neither")
_WORD = re.compile(r"[0-9]+(?:[.,][0-9]+)?|[^\W\d_]+")
# A count has few digits; a serial number is none.
_MAX_DIGITS = 6


def read_count(text: str) -> int | None:
    """Return the one number that an answer names, in digits or in English words up to twenty.

    Args:
        text: What the model wrote, such as "There are three cars.".

    Returns:
        The number, 0 for "none" and "no"; None if the answer names no number, a fraction, or
        several that differ.
    """
    found: set[int | None] = set()
    says_none = False
    for word in _WORD.findall(text.lower()):
        if word[0].isascii() and word[0].isdigit():
            is_count = word.isdecimal() and len(word) <= _MAX_DIGITS
            found.add(int(word) if is_count else None)
        elif word in _NUMBERS:
            found.add(_NUMBERS[word])
        says_none = says_none or word in _NONE
    if not found:
        return 0 if says_none else None
    return found.pop() if len(found) == 1 else None
