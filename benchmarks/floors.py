"""Figures, their floors, and whether they hold; nothing here measures."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ufvideo_sdk.bench.summary import Spread

# Below 1.0 a speed still holds while the middle halves of both sides overlap, down to here.
SLACK_FLOOR = 0.97


@dataclass(frozen=True)
class Figure:
    """One line of the table of floors.

    Attributes:
        name: What was measured.
        value: The measurement; None where it was not measured.
        limit: What it is held against; None for a figure that is shown only.
        sense: "at least", "at most" or "below" the limit.
        detail: What the value was computed from, or why there is none.
        excused: Below its limit, but within the spread.
    """

    name: str
    value: float | None
    limit: float | None
    sense: str
    detail: str = ""
    excused: bool = False

    @property
    def holds(self) -> bool:
        """Whether the floor holds; one that was not measured fails nothing."""
        if self.value is None or self.limit is None or self.excused:
            return True
        if self.sense == "at least":
            return self.value >= self.limit
        return self.value < self.limit if self.sense == "below" else self.value <= self.limit

    @property
    def verdict(self) -> str:
        """One or two words for the table."""
        if self.value is None:
            return "not measured"
        if self.limit is None:
            return ""
        if self.excused:
            return "within spread"
        return "holds" if self.holds else "FAILS"


def speed_figure(
    name: str, ours: Sequence[float], peers: Mapping[str, Sequence[float]], excuse: str = ""
) -> Figure:
    """Our speed over the best peer's, from times.

    Args:
        name: Of the figure.
        ours: Our times.
        peers: Times of every peer that was measured.
        excuse: Why ours is missing, where `ours` is empty.
    """
    if not ours or not peers:
        return Figure(name, None, 1.0, "at least", excuse or "no peer was measured")
    best = min(peers, key=lambda peer: statistics.median(peers[peer]))
    us, them = Spread.of(ours), Spread.of(peers[best])
    ratio = them.median / us.median
    detail = f"{us.median:.2f} ms against {them.median:.2f} ms of {best}"
    return Figure(name, ratio, 1.0, "at least", detail, within_spread(us, them))


def within_spread(us: Spread, them: Spread) -> bool:
    """Whether our times are longer by so little that the spread of both explains it."""
    return SLACK_FLOOR < them.median / us.median < 1.0 and us.low <= them.high


def summary(figures: Sequence[Figure], missing: Sequence[str]) -> str:
    """The last line of the output.

    Args:
        figures: All of them.
        missing: Peers that are not here, each with its reason.
    """
    floors = [figure for figure in figures if figure.limit is not None]
    measured = [figure for figure in floors if figure.value is not None]
    failed = [figure.name for figure in measured if not figure.holds]
    if not measured:
        verdict = "no floor was measured"
    elif failed:
        verdict = f"{len(failed)} of {len(measured)} floors fail: {'; '.join(failed)}"
    else:
        verdict = f"every floor measured holds ({len(measured)} of {len(floors)})"
    return verdict + (f"; without {', '.join(missing)}" if missing else "")


def exit_status(figures: Sequence[Figure]) -> int:
    """0 only where a floor was measured and every floor measured holds."""
    measured = [f for f in figures if f.limit is not None and f.value is not None]
    return 0 if measured and all(figure.holds for figure in measured) else 1
