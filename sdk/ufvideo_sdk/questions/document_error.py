"""What is wrong with a document, all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ufvideo_sdk.errors import InputError

# A document of another kind breaks every rule; nobody reads more than these.
_MAX_PROBLEMS = 50


@dataclass(frozen=True)
class Place:
    """A place in a text.

    Attributes:
        line: Number of the line, from 1.
        column: Number of the character in the line, from 1.
    """

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: Keys that lead to it, such as "rules.door.every_s"; empty for the document itself.
        expected: What should be there.
        got: What is there.
        fix: What to do; empty if that is clear.
        place: Where it stands in the text; None for a mapping that was not read from a text.
    """

    path: str
    expected: str
    got: str
    fix: str = ""
    place: Place | None = None

    def text(self, name: str) -> str:
        """Return the problem as one line, in the form that editors jump to.

        Args:
            name: Name of the document, such as "rules.yaml".
        """
        where = f":{self.place.line}:{self.place.column}" if self.place is not None else ""
        path = f" {self.path}:" if self.path else ""
        fix = f": {self.fix}" if self.fix else ""
        return f"{name}{where}:{path} expected {self.expected}, got {self.got}{fix}"


class DocumentError(InputError):
    """A document that cannot be used. The message has one line for each problem.

    Attributes:
        name: Name of the document.
        problems: What is wrong, in the order of the text; at most 50.
    """

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        """Keep the problems.

        Args:
            name: Name of the document.
            problems: One or more.
        """
        super().__init__("\n".join(problem.text(name) for problem in problems[:_MAX_PROBLEMS]))
        self.name = name
        self.problems = tuple(problems[:_MAX_PROBLEMS])

    def __reduce__(self) -> tuple[type[DocumentError], tuple[str, tuple[Problem, ...]], Any]:
        # An exception is made again from `args`, which holds the message alone.
        return DocumentError, (self.name, self.problems), self.__dict__
