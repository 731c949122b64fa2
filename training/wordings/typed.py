"""What typing does to a question: no capitals, marks or articles, "colour", slips of the finger."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

# Parts that are no words; nothing is changed in them.
_KEPT = re.compile(r"(<TEMP-\d{3}>|\[?<region>\]?|object_\d)")
_ARTICLE = re.compile(r"\b(?:the|an?|The|An?) ")
_LONG_WORD = re.compile(r"(?<![\w-])[A-Za-z]{4,}(?![\w-])")
PREFIXES = (
    "please", "please,", "hi,", "hello,", "hey,", "ok,", "so", "so,", "quick question:",
    "question:", "please tell me:", "now", "and", "well,", "excuse me,", "sorry,", "just",
    "tell me:", "i wonder:", "next question:",
)  # fmt: skip
SUFFIXES = ("please", "thanks", "thank you", "exactly", "now", "again", "then")
FILLERS = ("actually", "maybe", "just", "really", "now", "exactly", "again", "also", "then", "here")
_SYLLABLES = ("ba", "do", "fi", "gu", "ka", "le", "mo", "ni", "po", "ra", "su", "te", "vi", "zo")
# How often each change is made.
_SHARES = {
    "spelling": 0.4,
    "articles": 0.15,
    "prefix": 0.12,
    "suffix": 0.08,
    "filler": 0.05,
    "slip": 0.07,
    "ending": 0.05,
    "lower": 0.4,
}


def typed(text: str, rng: np.random.Generator) -> str:
    """A question as somebody types it; the marks of times and regions stay.

    Args:
        text: A question in careful English.
        rng: Chooses what changes.
    """

    def often(what: str) -> bool:
        return bool(rng.random() < _SHARES[what])

    if often("spelling"):
        text = text.replace("color", "colour").replace("Color", "Colour")
    if often("articles"):
        text = _ARTICLE.sub("", text)
    if often("slip"):
        text = _changed_word(text, rng, _slipped)
    if often("ending"):
        text = _changed_word(text, rng, lambda word, _: word[:-1] if word[-1] == "s" else word)
    if often("filler"):
        text = _with_filler(text, rng)
    if often("prefix"):
        text = f"{PREFIXES[int(rng.integers(len(PREFIXES)))]} {text[:1].lower()}{text[1:]}"
    text = _ended(text, rng, SUFFIXES[int(rng.integers(len(SUFFIXES)))] if often("suffix") else "")
    if often("lower"):
        return "".join(p if _KEPT.fullmatch(p) else p.lower() for p in _KEPT.split(text))
    return text[:1].upper() + text[1:] if text[:7] != "object_" else text


def _ended(text: str, rng: np.random.Generator, suffix: str) -> str:
    """Other marks at the end, or none, with a word before them."""
    mark = text[-1] if text[-1:] in "?." else ""
    text = text[: len(text) - len(mark)]
    if suffix:
        text += f"{',' if rng.random() < 0.5 else ''} {suffix}"
    chance = rng.random()
    if chance < 0.35:
        return text
    if chance < 0.45:
        return text + ("?", " ?", "??", ".", "!")[int(rng.integers(5))]
    return text + mark


def _changed_word(
    text: str, rng: np.random.Generator, change: Callable[[str, np.random.Generator], str]
) -> str:
    """One of the longer words changed."""
    words = [m for m in _LONG_WORD.finditer(text) if not _in_kept(text, m.start())]
    if not words:
        return text
    word = words[int(rng.integers(len(words)))]
    return f"{text[: word.start()]}{change(word[0], rng)}{text[word.end() :]}"


def _in_kept(text: str, place: int) -> bool:
    return any(m.start() <= place < m.end() for m in _KEPT.finditer(text))


def _slipped(word: str, rng: np.random.Generator) -> str:
    """A word with two letters swapped, one left out or one typed twice; the first one stays."""
    k = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(3))
    if kind == 0:
        return word[:k] + word[k + 1] + word[k] + word[k + 2 :]
    if kind == 1:
        return word[:k] + word[k + 1 :]
    return word[:k] + word[k] + word[k:]


def _with_filler(text: str, rng: np.random.Generator) -> str:
    """A word more: one that says nothing, or one that nobody knows."""
    if rng.random() < 0.5:
        word = FILLERS[int(rng.integers(len(FILLERS)))]
    else:
        parts = rng.integers(len(_SYLLABLES), size=int(rng.integers(2, 5)))
        word = "".join(_SYLLABLES[int(k)] for k in parts)
    words = text.split(" ")
    place = int(rng.integers(1, len(words) + 1)) if len(words) > 1 else 1
    return " ".join([*words[:place], word, *words[place:]])
