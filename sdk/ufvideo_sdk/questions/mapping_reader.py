"""Reads the keys of a mapping; what is wrong is collected, so that all of it is told at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from ufvideo_sdk.questions.entry import Entry, Problems
from ufvideo_sdk.validation.finite import is_finite_number

# What people write first, where it is not near enough to the key for a comparison of letters.
SYNONYMS = {
    "ask": "yes_no",
    "boxes": "regions",
    "category": "choice",
    "clear_s": "cool_down_s",
    "cooldown": "cool_down_s",
    "detect": "track",
    "duration": "for_s",
    "find": "locate",
    "frames": "confirm",
    "how_many": "count",
    "interval": "every_s",
    "line": "crosses",
    "max": "at_most",
    "min": "at_least",
    "motion": "on_change",
    "n_of_m": "confirm",
    "name": "the key of the mapping itself",
    "object": "track",
    "options": "choices",
    "postroll": "post_roll_s",
    "preroll": "pre_roll_s",
    "prompt": "text",
    "region": "regions",
    "schedule": "every_s",
    "threshold": "at_least",
    "where": "in",
    "zone": "in",
}


class MappingReader:
    """Reads one mapping. Values that are wrong are problems, and read as their default."""

    def __init__(self, entry: Entry, problems: Problems, what: str) -> None:
        """Begin to read.

        Args:
            entry: The mapping.
            problems: Where problems are added.
            what: What the mapping is, with an article and an example, for messages.
        """
        self.entry = entry
        self.problems = problems
        self._known: list[str] = []
        self._children: Mapping[str, Entry] = {}
        if isinstance(entry.value, dict):
            self._children = entry.value
        else:
            problems.add(entry, what)

    def has(self, key: str) -> bool:
        """Whether the mapping has a key."""
        return key in self._children

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the mapping, in order."""
        return tuple(self._children)

    def take(self, key: str) -> Entry | None:
        """Return the value of a key, which is then known; None without it.

        A key without a value is a problem.
        """
        self._known.append(key)
        entry = self._children.get(key)
        if entry is not None and entry.value is None:
            self.problems.add(entry, "a value", fix="write one, or leave the key out")
            return None
        return entry

    def text(self, key: str, max_characters: int = 2000) -> str | None:
        """Return a text that is not blank, or None."""
        entry = self.take(key)
        return None if entry is None else as_text(entry, self.problems, max_characters)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return one text or a list of different ones as a tuple, or None."""
        entry = self.take(key)
        if entry is None:
            return None
        items = entry.value if isinstance(entry.value, list) else [entry]
        if not items:
            self.problems.add(entry, "one or more texts", "an empty list")
        found: list[str] = []
        for item in items:
            text = as_text(item, self.problems)
            if text is not None and text in found:
                self.problems.add(item, "each text once", f"{item.shown} again")
            elif text is not None:
                found.append(text)
        return tuple(found) or None

    def seconds(self, key: str, default: float | None, *, low: float = 0.0) -> float | None:
        """Return seconds as a float.

        Args:
            key: The key.
            default: What is returned without the key.
            low: Fewest seconds.
        """
        entry = self.take(key)
        if entry is None:
            return default
        if not is_finite_number(entry.value) or entry.value < low or entry.value > 1e9:
            fewest = f"{low:g} or more" if low else "0 or more"
            self.problems.add(entry, f"seconds as a number, {fewest}", fix=_seconds_fix(entry))
            return default
        return float(entry.value)

    def number(self, key: str, low: float, high: float) -> float | None:
        """Return a number between two bounds, or None."""
        entry = self.take(key)
        if entry is None:
            return None
        if not is_finite_number(entry.value) or not low <= entry.value <= high:
            self.problems.add(entry, f"a number from {low:g} to {high:g}")
            return None
        return float(entry.value)

    def count(self, key: str) -> int | None:
        """Return an integer of 0 or more, or None."""
        entry = self.take(key)
        if entry is None:
            return None
        is_integer = isinstance(entry.value, int) and not isinstance(entry.value, bool)
        if not is_integer or not 0 <= entry.value <= 1_000_000:
            self.problems.add(entry, "an integer from 0 to 1000000")
            return None
        return int(entry.value)

    def one_of(self, key: str, names: Sequence[str], default: str) -> str:
        """Return one of a few words."""
        entry = self.take(key)
        if entry is None:
            return default
        if entry.value not in names:
            fix = did_you_mean(entry.value, names) or _word_fix(entry, names)
            self.problems.add(entry, listed(names), fix=fix)
            return default
        return str(entry.value)

    def finish(self, others: Mapping[str, str] | None = None) -> None:
        """Refuse every key that nobody has taken.

        Args:
            others: Keys that other mappings of this kind have, with the reason why not this one.
        """
        for key in self._children:
            if key in self._known:
                continue
            if others and key in others:
                got = "it"
                self.problems.add_key(self.entry, key, "no such key here", got, others[key])
                continue
            fix = did_you_mean(key, self._known)
            meant = SYNONYMS.get(key.lower(), "")
            if meant in self._known or meant.startswith("the "):
                fix = f"did you mean {meant}?"
            expected = f"one of the keys {', '.join(self._known)}"
            self.problems.add_key(self.entry, key, expected, "an unknown key", fix)


def as_text(entry: Entry, problems: Problems, max_characters: int = 2000) -> str | None:
    """Return a value as a text that is not blank, or None.

    Args:
        entry: The value.
        problems: Where a problem is added.
        max_characters: Most characters.
    """
    if not isinstance(entry.value, str):
        fix = f'write "{entry.shown}"' if isinstance(entry.value, (bool, int, float)) else ""
        problems.add(entry, "a text", fix=fix)
        return None
    if not entry.value.strip():
        problems.add(entry, "a text", "a blank one")
        return None
    if len(entry.value) > max_characters:
        problems.add(entry, f"at most {max_characters} characters", f"{len(entry.value)}")
        return None
    return entry.value


def did_you_mean(word: object, names: Sequence[str]) -> str:
    """Return a question about the name that a word was probably meant to be, or ""."""
    near = _nearest(word, names)
    return f"did you mean {near}?" if near else ""


def listed(names: Sequence[str]) -> str:
    """Return names as people list them: "a, b or c"."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _nearest(word: object, names: Sequence[str]) -> str:
    if not isinstance(word, str):
        return ""
    folded = {name.lower().replace("_", ""): name for name in names}
    plain = word.lower().replace("_", "").replace("-", "")
    found = difflib.get_close_matches(plain, folded, n=1, cutoff=0.75)
    if found:
        return folded[found[0]]
    # `every` for `every_s`, `cool_down` for `cool_down_s`.
    starts = [name for key, name in folded.items() if len(plain) > 2 and key.startswith(plain)]
    return starts[0] if len(starts) == 1 else ""


def _word_fix(entry: Entry, names: Sequence[str]) -> str:
    if isinstance(entry.value, bool) and {"yes", "no"} <= set(names):
        return f"write {'yes' if entry.value else 'no'}"
    return ""


def _seconds_fix(entry: Entry) -> str:
    """What to write for `10s`, `5 min` or `1:30`."""
    if not isinstance(entry.value, str):
        return ""
    words = entry.value.strip().lower().replace(" ", "")
    units = {"s": 1.0, "sec": 1, "secs": 1, "seconds": 1, "m": 60, "min": 60, "minutes": 60}
    units |= {"ms": 0.001, "h": 3600, "hours": 3600}
    digits = words.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = words[len(digits) :]
    if digits.replace(".", "", 1).isdecimal() and unit in units:
        return f"write {float(digits) * units[unit]:g}"
    minutes, colon, rest = words.partition(":")
    if colon and minutes.isdecimal() and rest.isdecimal() and len(rest) == 2:
        return f"write {int(minutes) * 60 + int(rest)}"
    return ""
