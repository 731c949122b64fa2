"""The words of the wordings: each becomes one token, so that it can be learnt in a few steps.

Words that say nothing, which are put before and behind a question, need no tokens of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from training.wordings import names, put_together, templates, verbs
from training.wordings.patterns import all_texts

_SLOT = re.compile(r"\{\w*\}")
# Wordings that begin with a word that gets tokens for the beginning, too.
_OFTEN = 3
_WORD = re.compile(r"(?<!')[A-Za-z]{2,}")


def words_behind_spaces() -> tuple[str, ...]:
    """All words of the wordings in small letters, sorted."""
    found = {word.lower() for text in _texts() for word in _WORD.findall(_SLOT.sub(" ", text))}
    return tuple(sorted(found))


def first_words() -> tuple[str, ...]:
    """Words with which several wordings begin, with a capital letter and without, sorted."""
    found: Counter[str] = Counter()
    for group in (*templates.TEMPLATES.values(), put_together.every_part()):
        for pattern in group:
            found.update(
                {match[0].lower() for match in map(_WORD.match, _starts(pattern)) if match}
            )
    often = [word for word, count in found.items() if count >= _OFTEN]
    return tuple(sorted([*often, *(word.capitalize() for word in often)]))


def _starts(pattern: str) -> set[str]:
    """Every beginning of a pattern."""
    return set(all_texts(pattern)) if pattern.startswith("[") else {pattern}


def _texts() -> Iterator[str]:
    """Everything that words are chosen from, choices and slots in it."""
    groups = (*templates.TEMPLATES.values(), templates.HEADS, templates.EXPRESSIONS)
    for group in (*groups, templates.EVENTS, templates.CHOICE_TAILS):
        yield from group
    yield from put_together.every_part()
    yield from (templates.IN, templates.MASK, *names.WORDS.values(), *names.FORMS)
    yield from ("colour", "coloured")
    yield from verbs.every_text()
