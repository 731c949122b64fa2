"""The table as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from training.evaluate.ask import Outcome
from training.evaluate.rows import Row

_WIDTH = 38


@dataclass(frozen=True)
class Report:
    """An evaluation.

    Attributes:
        package: Name and precision of what was evaluated.
        renderer: Who drew the clips: "training" or "flat".
        num_clips: How many.
        rows: The table.
        seconds: How long it took.
    """

    package: str
    renderer: str
    num_clips: int
    rows: tuple[Row, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every floor is reached."""
        return all(row.holds for row in self.rows)

    def to_json(self) -> dict[str, object]:
        """Everything, for `training.evaluate.model_card` and for comparisons."""
        rows = [{**asdict(row), "holds": row.holds} for row in self.rows]
        return {**asdict(self), "rows": rows, "holds": self.holds}


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of text."""
    lines = [f"{'percent':<{_WIDTH}} {'measured':>9} {'at least':>9} {'count':>6}  ok"]
    for row in rows:
        percent = "-" if row.percent is None else f"{row.percent:.1f}"
        floor, mark = ("-", "-") if row.floor is None else (f"{row.floor:.0f}", _mark(row))
        lines.append(f"{row.label:<{_WIDTH}} {percent:>9} {floor:>9} {row.count:>6}  {mark}")
    return lines


def summary(report: Report) -> str:
    """One line: which floors hold."""
    floors = [row for row in report.rows if row.floor is not None]
    failed = [row.label for row in floors if not row.holds]
    said = f"{len(floors) - len(failed)} of {len(floors)} floors hold"
    where = f"{report.num_clips} clips, {report.renderer} renderer, {report.seconds:.0f} s"
    return f"{said} ({where})" + (f"; not: {'; '.join(failed)}" if failed else "")


def speed(outcomes: Sequence[Outcome]) -> str:
    """One line: what a user waits for. Printed, never judged: it tells of this machine."""
    num_answers = len(outcomes)
    num_tokens = sum(outcome.stats.num_generated_tokens for outcome in outcomes)
    first_ms = sum(outcome.stats.time_to_first_token_ms for outcome in outcomes)
    decode_ms = sum(outcome.stats.decode_ms for outcome in outcomes)
    num_frames = sum(outcome.num_masked_frames for outcome in outcomes)
    mask_ms = sum(
        stats.total_ms
        for outcome in outcomes
        for stem, stats in outcome.stats.stages.items()
        if stem.startswith("mask_")
    )
    parts = [f"{num_answers} answers, first token after {first_ms / max(num_answers, 1):.1f} ms"]
    if decode_ms > 0:
        parts.append(f"{1e3 * (num_tokens - num_answers) / decode_ms:.0f} tokens/s")
    if num_frames:
        parts.append(f"masks {mask_ms / num_frames:.1f} ms a frame")
    return ", ".join(parts)


def _mark(row: Row) -> str:
    return "yes" if row.holds else "NO"
