"""The words of the wordings: each becomes one token, so that it can be learnt in a few steps.

Words that say nothing, which are put before and behind a question, need no tokens of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from training.wordings import names, templates, verbs
from training.wordings.patterns import all_texts

_SLOT = re.compile(r"\{\w*\}")
_WORD = re.compile(r"(?<!')[A-Za-z]{2,}")


def words_behind_spaces() -> tuple[str, ...]:
    """All words of the wordings in small letters, sorted."""
    found = {word.lower() for text in _texts() for word in _WORD.findall(_SLOT.sub(" ", text))}
    return tuple(sorted(found))


def first_words() -> tuple[str, ...]:
    """Words with which a question begins, with a capital letter and without, sorted."""
    found: set[str] = set()
    patterns = [pattern for group in templates.TEMPLATES.values() for pattern in group]
    texts = [text for pattern in patterns for text in _starts(pattern)]
    for text in texts:
        first = text.split(" ")[0]
        match = _WORD.match(first)
        if match:
            found |= {match[0].lower(), match[0].capitalize()}
    return tuple(sorted(found))


def _starts(pattern: str) -> Iterator[str]:
    """Every beginning of a pattern."""
    return all_texts(pattern) if pattern.startswith("[") else iter((pattern,))


def _texts() -> Iterator[str]:
    """Everything that words are chosen from, choices and slots in it."""
    groups = (*templates.TEMPLATES.values(), templates.HEADS, templates.EXPRESSIONS)
    for group in (*groups, templates.EVENTS, templates.CHOICE_TAILS):
        yield from group
    yield from (templates.IN, templates.MASK, *names.WORDS.values(), *names.FORMS)
    yield from ("colour", "coloured")
    yield from verbs.every_text()
