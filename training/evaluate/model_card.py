"""`python -m training.evaluate.model_card SCORES...`: put scores into nano's model card.

Each file is what `python -m training.evaluate --json` wrote, and becomes a column.
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
        ValueError: When the card lacks the marks, or the files have different rows.
    """
    if card.count(_BEGIN) != 1 or card.count(_END) != 1:
        raise ValueError(f"card: expected one {_BEGIN} and one {_END}")
    before, rest = card.split(_BEGIN)
    _, after = rest.split(_END)
    lines = "\n".join(_table(columns))
    return f"{before}{_BEGIN}\n\n{lines}\n\n{_END}{after}"


def _table(columns: Sequence[Scores]) -> list[str]:
    labels = [[row["label"] for row in column["rows"]] for column in columns]
    if any(own != labels[0] for own in labels):
        raise ValueError("scores: expected the same rows in every file, got others")
    heads = [f"{c['package']}, {c['renderer']} renderer, {c['num_clips']} clips" for c in columns]
    lines = [
        f"| percent | at least | {' | '.join(heads)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
    ]
    for rows in zip(*(column["rows"] for column in columns), strict=True):
        floor = "" if rows[0]["floor"] is None else f"{rows[0]['floor']:.0f}"
        lines.append(f"| {rows[0]['label']} | {floor} | {' | '.join(map(_cell, rows))} |")
    return lines


def _cell(row: Mapping[str, Any]) -> str:
    return "" if row["percent"] is None else f"{row['percent']:.1f} ({row['count']})"


if __name__ == "__main__":
    sys.exit(main())
