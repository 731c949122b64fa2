"""Scores of a text judge as the released scripts read them from its replies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DIMENSIONS = (
    "Subject Correspondence",
    "Appearance Description",
    "Temporal Description",
    "Hallucination Detection",
)
_TEMPORAL = DIMENSIONS[2]
_LINE = re.compile(r"\d+\.\s+(.*?):\s+([\d.]+)")


@dataclass(frozen=True)
class JudgeScores:
    """What the scripts make of a judge's replies.

    Attributes:
        means: Mean of each dimension, 0 to 5, over the replies that have it.
        counts: Over how many replies each mean is: each dimension has a number of its own.
        num_dropped: Replies that are missing or cannot be read, and count for nothing.
    """

    means: Mapping[str, float]
    counts: Mapping[str, int]
    num_dropped: int

    @property
    def average(self) -> float | None:
        """The mean of the four means; None if a dimension has none: the script divides by zero."""
        return self._mean_of(DIMENSIONS)

    @property
    def average_without_temporal(self) -> float | None:
        """The mean of the three others."""
        return self._mean_of([name for name in DIMENSIONS if name != _TEMPORAL])

    def _mean_of(self, names: Sequence[str]) -> float | None:
        if any(name not in self.means for name in names):
            return None
        return sum(self.means[name] for name in names) / len(names)


def released_judge_scores(replies: Sequence[str | None]) -> JudgeScores:
    """Read replies such as "1. Subject Correspondence: 5", a line for each dimension.

    A dimension in `**bold**` is not read, nor is a score in bold.

    Args:
        replies: The judge's replies; None for one that failed five times.
    """
    values: dict[str, list[float]] = {}
    num_dropped = 0
    for reply in replies:
        found = None if reply is None else _numbers(reply)
        if found is None:
            num_dropped += 1
            continue
        for name in DIMENSIONS:
            if name in found:
                values.setdefault(name, []).append(found[name])
    means = {name: sum(found) / len(found) for name, found in values.items()}
    return JudgeScores(means, {name: len(found) for name, found in values.items()}, num_dropped)


def _numbers(reply: str) -> dict[str, float] | None:
    """The scores of a reply by what stands before them; None if one is no number."""
    try:
        return {name: float(number) for name, number in _LINE.findall(reply)}
    except ValueError:
        return None
