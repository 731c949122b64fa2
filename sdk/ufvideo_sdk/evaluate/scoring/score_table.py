"""Scores as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ufvideo_sdk.evaluate.scoring.score import Score, ScoreRow

_WIDTH = 34


def score_table(rows: Sequence[ScoreRow]) -> list[str]:
    """The table as lines of text: both columns, the paper's number, failures and omissions.

    Args:
        rows: As `score_data_set` returns them.
    """
    lines = [
        f"{'percent':<{_WIDTH}} {'published':>9} {'released':>9} {'corrected':>9}"
        f"  {'95 % interval':<15} {'n':>6} {'without failures':>16}"
    ]
    lines += [_line(row) for row in rows]
    failures = _failures(rows)
    lines += [f"counts 0: {count:,} x {reason}" for reason, count in failures.items()]
    for text in dict.fromkeys(text for row in rows for text in _released_remarks(row.released)):
        lines.append(f"released: {text}")
    return lines


def scores_to_json(rows: Sequence[ScoreRow]) -> list[dict[str, Any]]:
    """The table as plain objects: everything but the samples.

    Args:
        rows: As `score_data_set` returns them.
    """
    return [
        {
            "metric": row.metric,
            "group": row.group,
            "released": None if row.released is None else _plain(row.released),
            "corrected": _plain(row.corrected),
        }
        for row in rows
    ]


def _plain(score: Score) -> dict[str, Any]:
    return {**asdict(score), "failures": dict(score.failures)}


def _line(row: ScoreRow) -> str:
    label = f"{row.metric}, {row.group}" if row.group else row.metric
    published = None if row.released is None else row.released.published
    released = None if row.released is None else row.released.percent
    interval = row.corrected.interval
    bounds = "-" if interval is None else f"{interval.low:.1f} to {interval.high:.1f}"
    return (
        f"{label:<{_WIDTH}} {_number(published):>9} {_number(released):>9}"
        f" {_number(row.corrected.percent):>9}  {bounds:<15} {row.corrected.n:>6}"
        f" {_number(row.corrected.percent_without_failures):>16}"
    )


def _number(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.2f}"


def _failures(rows: Sequence[ScoreRow]) -> Mapping[str, int]:
    """The failures of all metrics; those of one sample are alike in most of them."""
    found: dict[str, int] = {}
    for row in rows:
        if not row.group:
            for reason, count in row.corrected.failures.items():
                found[reason] = max(count, found.get(reason, 0))
    return found


def _released_remarks(score: Score | None) -> list[str]:
    if score is None:
        return []
    remarks = [f"leaves out {count:,} x {reason}" for reason, count in score.failures.items()]
    return [*remarks, score.note] if score.note else remarks
