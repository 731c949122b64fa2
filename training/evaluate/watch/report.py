"""Scores of watched streams as a table, and whether they reach what is asked of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.evaluate.watch.expected import Expected
from training.evaluate.watch.matching import Matches
from training.evaluate.watch.tracks import TrackScores

KINDS = ("yes_no", "count", "locate", "zone", "crossing")
ASKED = KINDS[:3]
LEAST_RIGHT = 0.95
# Beside the interval from one question to the next: a second for the window to fill.
MOST_DELAY_S = 1.0
_NAME, _CELL = 24, 9


@dataclass(frozen=True)
class RuleScore:
    """A rule on one stream.

    Attributes:
        expected: What it should tell.
        matches: What it told.
    """

    expected: Expected
    matches: Matches

    @property
    def delays_behind_interval_s(self) -> list[float]:
        """By how much each event is known later than one interval behind its start."""
        return [delay - self.expected.interval_s for delay in self.matches.delays_s]


@dataclass(frozen=True)
class Floor:
    """Something that is asked of all events together.

    Attributes:
        label: What a person reads.
        value: What was measured; None: nothing was.
        limit: At least so much, or with `is_most` at most.
        is_most: Whether it is an upper bound, which the value stays below.
    """

    label: str
    value: float | None
    limit: float
    is_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is reached; what was not measured holds none."""
        if self.value is None:
            return False
        return self.value < self.limit if self.is_most else self.value >= self.limit

    def __str__(self) -> str:
        """As people read it."""
        value = "-" if self.value is None else f"{self.value:.3f}"
        sense = "below" if self.is_most else "at least"
        mark = "holds" if self.holds else "FAILS"
        return f"{self.label}: {value}, {sense} {self.limit:.2f}: {mark}"


def floors_of(scores: Sequence[RuleScore]) -> tuple[Floor, ...]:
    """What is asked of the events of all rules together."""
    total = _sum(scores)
    behind = [delay for score in scores for delay in score.delays_behind_interval_s]
    delay = statistics.median(behind) if behind else None
    return (
        Floor("precision", total.precision, LEAST_RIGHT),
        Floor("recall", total.recall, LEAST_RIGHT),
        Floor("median delay behind one interval, s", delay, MOST_DELAY_S, is_most=True),
    )


def table(scores: Sequence[RuleScore], title: str) -> list[str]:
    """A line for each kind of rule and one for all of them."""
    heads = ("events", "told", "wrong", "extra", "prec. %", "recall %", "delay s", "p95", "end s")
    lines = [f"{title:<{_NAME}}" + "".join(f"{head:>{_CELL}}" for head in heads)]
    for kind in KINDS:
        of_kind = [score for score in scores if score.expected.kind == kind]
        if of_kind:
            lines.append(_line(kind, of_kind))
    lines.append(_line("all", scores))
    return lines


def track_lines(scores: Sequence[TrackScores]) -> list[str]:
    """Numbers of tracks and of crossings, and times in zones, of several streams."""
    lines = []
    for name in _names(scores, "num_tracks"):
        pairs = [score.num_tracks[name] for score in scores]
        told, true = (sum(pair[i] for pair in pairs) for i in (0, 1))
        lines.append(f"tracks of {name}: {told}, true {true}")
    for name in _names(scores, "crossings"):
        for way in ("in", "out"):
            both = [score.crossings[name] for score in scores]
            told, true = (sum(pair[i][way] for pair in both) for i in (0, 1))
            lines.append(f"{name}, {way}: {told}, true {true}")
    for name in _names(scores, "zones"):
        overlap = statistics.mean(score.zones[name] for score in scores)
        lines.append(f"{name}: {100 * overlap:.1f} % of the time in common")
    return lines


def to_json(scores: Sequence[RuleScore], floors: Sequence[Floor]) -> Mapping[str, object]:
    """The figures of all kinds, and the floors."""
    by_kind = {
        kind: _figures(_sum([score for score in scores if score.expected.kind == kind]))
        for kind in KINDS
    }
    told = [{"label": f.label, "value": f.value, "holds": f.holds} for f in floors]
    return {"kinds": by_kind, "all": _figures(_sum(scores)), "floors": told}


def _sum(scores: Sequence[RuleScore]) -> Matches:
    total = Matches()
    for score in scores:
        total += score.matches
    return total


def _line(name: str, scores: Sequence[RuleScore]) -> str:
    total = _sum(scores)
    counts = (total.num_expected, total.num_right, total.num_wrong, total.num_optional)
    shares = (_percent(total.precision), _percent(total.recall))
    delays = tuple(_seconds(s) for s in (total.delay_s, total.late_s, total.end_delay_s))
    cells = (*map(str, counts), *shares, *delays)
    return f"{name:<{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)


def _figures(total: Matches) -> dict[str, float | int | None]:
    return {
        "num_expected": total.num_expected,
        "num_right": total.num_right,
        "num_wrong": total.num_wrong,
        "num_optional": total.num_optional,
        "precision": total.precision,
        "recall": total.recall,
        "delay_s": total.delay_s,
        "delay_p95_s": total.late_s,
        "end_delay_s": total.end_delay_s,
    }


def _names(scores: Sequence[TrackScores], field: str) -> list[str]:
    return list(getattr(scores[0], field)) if scores else []


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"
