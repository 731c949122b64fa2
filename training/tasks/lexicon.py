"""Words that carry meaning in the world's answers, by category."""

from __future__ import annotations

import re

from training.world.scene import COLORS, DIRECTIONS, KINDS, SIZES

_VERBS: dict[str, str] = {
    "stay still": "stay",
    "stays still": "stay",
    "move": "move",
    "moves": "move",
    "moving": "move",
    "enter": "enter",
    "enters": "enter",
    "leave": "leave",
    "leaves": "leave",
    "grow": "grow",
    "grows": "grow",
    "shrink": "shrink",
    "shrinks": "shrink",
    "change": "change",
    "changes": "change",
    "hit": "hit",
    "hits": "hit",
    "hide": "hide",
    "hides": "hide",
    "go behind": "hide",
    "goes behind": "hide",
    "stop": "stop",
    "stops": "stop",
}
_NUMBERS = tuple(str(number) for number in range(10))


def _entries() -> dict[str, tuple[str, str]]:
    """Every phrase with its category and the word it counts as."""
    entries = {phrase: ("verb", word) for phrase, word in _VERBS.items()}
    entries |= {color: ("color", color) for color in COLORS}
    entries |= {size: ("size", size) for size in SIZES}
    for kind in KINDS:
        entries[kind] = entries[plural(kind)] = ("kind", kind)
    entries |= {word: ("direction", word) for word in (*DIRECTIONS, "top", "bottom")}
    entries |= {number: ("number", number) for number in _NUMBERS}
    entries |= {word: ("yes_no", word) for word in ("yes", "no")}
    entries |= {f"object_{i}": ("object", f"object_{i}") for i in (1, 2, 3)}
    entries |= {"there is no": ("absent", "absent"), "does not happen": ("absent", "absent")}
    return entries


def plural(noun: str) -> str:
    """A noun in the plural: "circles", "crosses"."""
    return noun + ("es" if noun.endswith("s") else "s")


_ENTRIES = _entries()
_TOKEN = re.compile(r"<TEMP-\d{3}>|\[SEG\]|<region>")
_PHRASE = re.compile(
    r"(?<![\w-])("
    + "|".join(sorted(map(re.escape, _ENTRIES), key=len, reverse=True))
    + r")(?![\w-])"
)
CATEGORIES = frozenset(category for category, _ in _ENTRIES.values())


def read_words(text: str) -> dict[str, tuple[str, ...]]:
    """The meaningful words of a text by category, in order; categories without one are absent."""
    found: dict[str, tuple[str, ...]] = {}
    for match in _PHRASE.finditer(_TOKEN.sub(" ", text).lower()):
        category, word = _ENTRIES[match.group(1)]
        found[category] = (*found.get(category, ()), word)
    return found


def read_phrases(text: str, categories: frozenset[str]) -> tuple[str, ...]:
    """The phrases of some categories as a text says them, in order."""
    found = (match.group(1) for match in _PHRASE.finditer(_TOKEN.sub(" ", text).lower()))
    return tuple(phrase for phrase in found if _ENTRIES[phrase][0] in categories)


def phrases_of(categories: frozenset[str]) -> tuple[str, ...]:
    """Every phrase of some categories, sorted."""
    return tuple(sorted(p for p, (category, _) in _ENTRIES.items() if category in categories))


def lexicon_words(categories: frozenset[str]) -> tuple[str, ...]:
    """Every single word of the phrases of some categories."""
    return tuple(sorted({word for phrase in phrases_of(categories) for word in phrase.split()}))
