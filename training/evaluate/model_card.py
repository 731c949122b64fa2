"""`python -m training.evaluate.model_card SCORES...`: put scores into nano's model card.

Each file is what `python -m training.evaluate --json` wrote, and becomes a column. The first one
has all rows; what another one did not measure stays empty.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CARD = Path(__file__).parents[1] / "nano" / "README.md"
_BEGIN = "<!-- scores: written by training.evaluate.model_card -->"
_END = "<!-- end of scores -->"

Scores = Mapping[str, Any]


def main() -> int:
    """Replace the table between the two marks of the card."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.model_card", description=__doc__
    )
    parser.add_argument("scores", type=Path, nargs="+", help="files of training.evaluate --json")
    parser.add_argument("--card", type=Path, default=CARD, help="default: training/nano/README.md")
    given = parser.parse_args()
    columns = [json.loads(path.read_text(encoding="utf-8")) for path in given.scores]
    text = given.card.read_text(encoding="utf-8")
    given.card.write_text(filled(text, columns), encoding="utf-8")
    return 0


def filled(card: str, columns: Sequence[Scores]) -> str:
    """The card with a new table.

    Raises:
        ValueError: When the card lacks the marks, or a file has rows that the first one lacks.
    """
    if card.count(_BEGIN) != 1 or card.count(_END) != 1:
        raise ValueError(f"card: expected one {_BEGIN} and one {_END}")
    before, rest = card.split(_BEGIN)
    _, after = rest.split(_END)
    lines = "\n".join(_table(columns))
    return f"{before}{_BEGIN}\n\n{lines}\n\n{_END}{after}"


def _table(columns: Sequence[Scores]) -> list[str]:
    first = columns[0]["rows"]
    by_label = [{row["label"]: row for row in column["rows"]} for column in columns]
    labels = [row["label"] for row in first]
    more = sorted({label for own in by_label for label in own} - set(labels))
    if more:
        raise ValueError(f"scores: expected no row that the first file lacks, got {more}")
    heads = [f"{c['package']}, {c['renderer']} renderer, {c['num_clips']} clips" for c in columns]
    lines = [
        f"| percent | at least | {' | '.join(heads)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
    ]
    for row in first:
        floor = "" if row["floor"] is None else f"{row['floor']:.0f}"
        cells = [_cell(own.get(row["label"])) for own in by_label]
        lines.append(f"| {row['label']} | {floor} | {' | '.join(cells)} |")
    return lines


def _cell(row: Mapping[str, Any] | None) -> str:
    """A score; empty where it was not measured."""
    if row is None or row["percent"] is None:
        return ""
    return f"{row['percent']:.1f} ({row['count']})"


if __name__ == "__main__":
    sys.exit(main())
