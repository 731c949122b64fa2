"""Values that know where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ufvideo_sdk.questions.document_error import DocumentError, Place, Problem
from ufvideo_sdk.validation.finite import shown_number
from ufvideo_sdk.validation.strict_json import join_key, shown_key

_MOST_SHOWN = 60
_MAX_DEPTH = 20


@dataclass(frozen=True)
class Entry:
    """A value of a document.

    Attributes:
        value: None, a bool, an int, a float, a str, a list of entries, or a dict of entries.
        path: Keys that lead to it, such as "rules.door.every_s".
        place: Where it begins; None for a value that was not read from a text.
        key_places: Of a dict, where each key stands.
    """

    value: Any
    path: str = ""
    place: Place | None = None
    key_places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The value for a message, without an article where it is a scalar."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, str):
            text = f'"{self.value}"' if self.value.isprintable() else ascii(self.value)
            return text if len(text) <= _MOST_SHOWN else f'{text[: _MOST_SHOWN - 4]}..."'
        return shown_number(self.value)


class Problems:
    """Collects what is wrong with a document."""

    def __init__(self, name: str) -> None:
        """Begin without a problem.

        Args:
            name: Name of the document, such as "rules.yaml".
        """
        self._name = name
        self._found: list[Problem] = []

    def __len__(self) -> int:
        """Number of problems."""
        return len(self._found)

    def add(self, entry: Entry, expected: str, got: str | None = None, fix: str = "") -> None:
        """Add a problem of a value.

        Args:
            entry: The value.
            expected: What should be there.
            got: What is there; None: the value itself.
            fix: What to do.
        """
        shown = entry.shown if got is None else got
        self._found.append(Problem(entry.path, expected, shown, fix, entry.place))

    def add_key(self, entry: Entry, key: str, expected: str, got: str, fix: str = "") -> None:
        """Add a problem of a key; arguments as `add`, the entry is the mapping."""
        path = join_key(entry.path, shown_key(key))
        place = entry.key_places.get(key, entry.place)
        self._found.append(Problem(path, expected, got, fix, place))

    def raise_if_any(self) -> None:
        """Raise what was collected, in the order of the text.

        Raises:
            DocumentError: When something is wrong.
        """
        if self._found:
            raise DocumentError(self._name, sorted(self._found, key=_order))


def _order(problem: Problem) -> tuple[int, int]:
    """Where a problem stands; those without a place stay in the order of their discovery."""
    return (0, 0) if problem.place is None else (problem.place.line, problem.place.column)


def entry_of(value: object, path: str = "", depth: int = 0) -> Entry:
    """Return a plain Python value as an entry, without places.

    Args:
        value: None, a bool, a number, a text, or lists, tuples and mappings of such.
        path: Keys that lead to it.
        depth: How deep it lies.

    Raises:
        DocumentError: When it holds something else, or is nested too deeply.
    """
    if depth > _MAX_DEPTH:
        problem = Problem(path, f"at most {_MAX_DEPTH} levels", "more")
        raise DocumentError("the mapping", [problem])
    if isinstance(value, Mapping):
        children = {}
        for key, item in value.items():
            if not isinstance(key, str):
                problem = Problem(path, "keys that are texts", f"{type(key).__name__} {key!r:.40}")
                raise DocumentError("the mapping", [problem])
            children[key] = entry_of(item, join_key(path, shown_key(key)), depth + 1)
        return Entry(children, path)
    if isinstance(value, (list, tuple)):
        return Entry([entry_of(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)], path)
    if value is None or isinstance(value, (bool, int, float, str)):
        return Entry(value, path)
    problem = Problem(path, "a text, a number, a list or a mapping", type(value).__name__)
    raise DocumentError("the mapping", [problem])
