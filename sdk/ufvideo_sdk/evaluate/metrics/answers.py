"""Scores of words: right or wrong choices, and a text score that needs no judge."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ufvideo_sdk import InputError

_WORD = re.compile(r"[^\W_]+")
_IN_PARENTHESES = re.compile(r"\(\s*([A-Za-z])\s*\)")
_ALONE = re.compile(r"\W*([A-Za-z])\W*")
# "A man walks" begins with an article, "A. a man" and "the answer is A" name an option.
_BARE = re.compile(r"(?<![\w'])([A-Z])(?=[.):,;]|\s*$)")


def accuracy(right: Sequence[bool]) -> float:
    """The share of right answers, 0 to 1.

    Raises:
        InputError: When there is no answer.
    """
    if not right:
        raise InputError("right: expected one answer or more, got none")
    return sum(right) / len(right)


def chosen_option(answer: str, options: Sequence[str]) -> int | None:
    """Which option an answer to a multiple-choice question names.

    A letter in parentheses counts first, then an answer that is one letter, both in either case;
    then a capital that stands alone, with a stop or the end behind it; then the one option whose
    words the answer has. Of options that are part of one another the longest counts.

    Args:
        answer: What was answered.
        options: The options' words without their letters, in the order of the letters.

    Returns:
        Position of the option, None if the answer names none, or more than one.
    """
    for pattern in (_IN_PARENTHESES.search, _ALONE.fullmatch, _BARE.search):
        found = pattern(answer)
        if found:
            position = ord(found.group(1).upper()) - ord("A")
            return position if position < len(options) else None
    return _named_option(answer.casefold(), [option.casefold().strip(" .") for option in options])


def _named_option(answer: str, options: Sequence[str]) -> int | None:
    named = [
        position
        for position, option in enumerate(options)
        if option and re.search(rf"(?<!\w){re.escape(option)}(?!\w)", answer)
    ]
    if not named:
        return None
    longest = max(named, key=lambda position: len(options[position]))
    within = all(options[position] in options[longest] for position in named)
    repeated = sum(options[position] == options[longest] for position in named) > 1
    return longest if within and not repeated else None


def rouge_l(text: str, reference: str) -> float:
    """ROUGE-L: the F1 of the longest common subsequence of words, a text score without a judge.

    It compares wording, not meaning, and is no substitute for a published score of a judge. Words
    are runs of letters and digits in lower case, without stemming (Lin, ROUGE, 2004).

    Args:
        text: What was answered.
        reference: What is right.

    Returns:
        0 to 1; 1 if neither has a word.
    """
    words, right = _WORD.findall(text.casefold()), _WORD.findall(reference.casefold())
    if not words or not right:
        return float(len(words) == len(right))
    common = _common_length(words, right)
    # The harmonic mean of common / len(words) and common / len(right).
    return 2 * common / (len(words) + len(right))


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        above_left = 0
        for position, other in enumerate(second, start=1):
            above = row[position]
            longer = above_left + 1 if word == other else max(above, row[position - 1])
            row[position], above_left = longer, above
    return row[-1]
