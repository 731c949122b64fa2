"""The model card's table is what the evaluation wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from training.evaluate.model_card import CARD, filled, main
from training.evaluate.report import Report
from training.evaluate.rows import rows_of


def _report() -> Report:
    return Report("nano fp32", "training", 500, rows_of([], [0.9, 0.8]), 12.0)


def test_the_table_replaces_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = tmp_path / "card.md"
    original = CARD.read_text(encoding="utf-8")
    card.write_text(original, encoding="utf-8")
    files = []
    for name in ("training", "flat"):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(replace(_report(), renderer=name).to_json()))
    monkeypatch.setattr("sys.argv", ["model_card", *map(str, files), "--card", str(card)])
    for _ in range(2):
        assert main() == 0
        text = card.read_text(encoding="utf-8")
        assert "| nano fp32, training renderer, 500 clips | nano fp32, flat renderer" in text
        assert "| tracking, J&F behind the prompted frame | 80 | 85.0 (2) | 85.0 (2) |" in text
        assert text.count("| tracking") == 1 and "Not measured yet" not in text
    assert text.startswith(original[: original.index("<!-- scores")])


def test_a_card_without_marks_and_other_rows_are_refused() -> None:
    column = _report().to_json()
    with pytest.raises(ValueError, match="expected one <!-- scores"):
        filled("# nano", [column])
    longer = {**column, "rows": [*column["rows"], {**column["rows"][0], "label": "more"}]}  # type: ignore[misc, index]
    with pytest.raises(ValueError, match=r"no row that the first file lacks, got \['more'\]"):
        filled(CARD.read_text(encoding="utf-8"), [column, longer])


def test_what_a_column_did_not_measure_is_empty() -> None:
    column = _report().to_json()
    shorter = {**column, "rows": column["rows"][:-1]}  # type: ignore[index]
    text = filled(CARD.read_text(encoding="utf-8"), [column, shorter])
    label, percent = "tracking, J&F behind the prompted frame", "85.0 (2)"
    assert f"| {label} | 80 | {percent} | {percent} |" in text
    last = column["rows"][-1]  # type: ignore[index]
    assert f"| {last['label']} |  |  |  |" in text
