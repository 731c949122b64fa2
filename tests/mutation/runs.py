"""Runs the cases of a kind one after the other and counts what becomes of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.case import (
    INPUT_FOLDER,
    CaseId,
    Entries,
    Kind,
    Outcome,
    write_entries,
    write_finding,
)
from tests.mutation.watch import Limits, Watch

# Findings that look the same are counted all, and this many of them are kept.
_KEPT_EACH = 3


@dataclass
class Tally:
    """Counts of one kind.

    Attributes:
        kind: Its name.
        outcomes: Cases by status and what was raised.
        findings: Cases that must not end so, those that look the same together, oldest first.
        slowest_s: Most wall time of a case.
        peak_bytes: Most resident memory of the worker.
        seconds: Wall time of all cases.
    """

    kind: str
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: dict[tuple[str, str, str], list[tuple[CaseId, Outcome]]] = field(default_factory=dict)
    slowest_s: float = 0.0
    peak_bytes: int = 0
    seconds: float = 0.0

    @property
    def num_cases(self) -> int:
        """Cases that were run."""
        return self.outcomes.total()

    def add(self, case: CaseId, outcome: Outcome) -> None:
        """Count a case."""
        self.outcomes[outcome.status, outcome.what] += 1
        self.slowest_s = max(self.slowest_s, outcome.seconds)
        self.peak_bytes = max(self.peak_bytes, outcome.peak_bytes)
        if outcome.is_finding:
            self.findings.setdefault(outcome.signature, []).append((case, outcome))


@dataclass(frozen=True)
class Extent:
    """Which cases are run.

    Attributes:
        seed: The run's seed.
        first: Number of the first case.
        num_cases: Most cases; None: no bound.
        seconds: Begin no case after this time; None: no bound.
    """

    seed: int = 0
    first: int = 0
    num_cases: int | None = None
    seconds: float | None = None


def run(
    kind: type[Kind], extent: Extent, scratch: Path, findings: Path, limits: Limits | None = None
) -> Tally:
    """Run cases of a kind in one worker.

    Args:
        kind: The kind.
        extent: Which cases.
        scratch: A folder for the worker and the case under way.
        findings: Where cases are kept that must not end as they did.
        limits: What a case may take.
    """
    maker = kind()
    tally = Tally(maker.name)
    shared, folder = scratch / "shared", scratch / INPUT_FOLDER
    shared.mkdir(parents=True)
    maker.prepare(shared)
    begin = time.monotonic()
    with Watch(kind, shared, scratch, limits or Limits()) as watch:
        for number in _numbers(extent, begin):
            case = CaseId(maker.name, extent.seed, number)
            entries = maker.entries(case.chance())
            outcome = _outcome(watch, maker, folder, shared, entries)
            tally.add(case, outcome)
            kept = tally.findings.get(outcome.signature, []) if outcome.is_finding else []
            if kept and len(kept) <= _KEPT_EACH:
                write_finding(findings / str(case), case, entries, outcome)
    tally.seconds = time.monotonic() - begin
    return tally


def replay(
    kind: type[Kind], case: CaseId, entries: Entries, scratch: Path, limits: Limits | None = None
) -> Outcome:
    """Run one case from its bytes."""
    maker = kind()
    shared = scratch / "shared"
    shared.mkdir(parents=True)
    maker.prepare(shared)
    with Watch(kind, shared, scratch, limits or Limits()) as watch:
        return _outcome(watch, maker, scratch / INPUT_FOLDER, shared, entries)


def _outcome(watch: Watch, maker: Kind, folder: Path, shared: Path, entries: Entries) -> Outcome:
    write_entries(folder, entries, shared if maker.links_shared else None)
    return watch.outcome(folder)


def _numbers(extent: Extent, begin: float) -> Iterable[int]:
    number = extent.first
    while extent.num_cases is None or number < extent.first + extent.num_cases:
        if extent.seconds is not None and time.monotonic() - begin > extent.seconds:
            return
        yield number
        number += 1
