"""Patterns of text with choices: "[what|which] color" stands for two texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import numpy as np

# A choice without a choice in it; choices may stand in one another.
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SPACES = re.compile(r" +")


def expanded(pattern: str, rng: np.random.Generator) -> str:
    """One of the texts of a pattern.

    Args:
        pattern: Text with choices.
        rng: Chooses.
    """
    while match := _CHOICE.search(pattern):
        options = match[1].split("|")
        chosen = options[int(rng.integers(len(options)))]
        pattern = f"{pattern[: match.start()]}{chosen}{pattern[match.end() :]}"
    return tidy(pattern)


def all_texts(pattern: str) -> Iterator[str]:
    """Every text of a pattern."""
    parts: list[list[str]] = []
    place = 0
    for match in _CHOICE.finditer(pattern):
        parts += [[pattern[place : match.start()]], match[1].split("|")]
        place = match.end()
    parts.append([pattern[place:]])
    for chosen in product(*parts):
        text = "".join(chosen)
        if _CHOICE.search(text):
            yield from all_texts(text)
        else:
            yield tidy(text)


def tidy(text: str) -> str:
    """The text without double spaces, and without spaces at its ends and before its marks."""
    return re.sub(r" ([.,?])", r"\1", _SPACES.sub(" ", text).strip())
