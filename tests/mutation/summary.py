"""What a run says at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.mutation.case import FINDINGS
from tests.mutation.runs import Tally

_MIB = 1 << 20


def table(tallies: Sequence[Tally]) -> str:
    """One row for each kind: cases, how they ended, the slowest, and the most memory."""
    refusals = sorted({what for t in tallies for status, what in t.outcomes if status == "refused"})
    head = ["kind", "cases", "accepted", *refusals, *FINDINGS, "slowest s", "peak MiB", "total s"]
    rows = [head]
    for tally in tallies:
        by_status = {
            status: sum(n for (s, _), n in tally.outcomes.items() if s == status)
            for status in ("accepted", *FINDINGS)
        }
        rows.append(
            [
                tally.kind,
                str(tally.num_cases),
                str(by_status["accepted"]),
                *(str(tally.outcomes["refused", what]) for what in refusals),
                *(str(by_status[status]) for status in FINDINGS),
                f"{tally.slowest_s:.2f}",
                f"{tally.peak_bytes / _MIB:.0f}",
                f"{tally.seconds:.0f}",
            ]
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(lines)


def findings(tallies: Sequence[Tally], folder: Path) -> str:
    """Every kind of finding: how often, where its first case is kept, and the end of its detail."""
    lines = []
    for tally in tallies:
        for (status, what, where), cases in tally.findings.items():
            case, outcome = cases[0]
            last = (outcome.detail.strip().splitlines() or [""])[-1][:300]
            lines += [
                f"{tally.kind}: {status} {what} {where}: {len(cases)} of {tally.num_cases} cases"
                f" ({outcome.seconds:.2f} s, {outcome.peak_bytes / _MIB:.0f} MiB)",
                f"    {last}",
                f"    python -m tests.mutation --replay {folder / str(case)}",
            ]
    return "\n".join(lines)
