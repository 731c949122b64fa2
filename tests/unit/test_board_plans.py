"""The boards of docs/jetson.md: the table is what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.board_plans import NUM_VALUES, PRECISIONS, planned_manifest, table
from ufvideo_sdk.board_plan import BOARDS_GB, available_bytes, board_plans
from ufvideo_sdk.manifest import STAGE_STEMS, Manifest
from ufvideo_sdk.memory_plan import memory_plan

ROOT = Path(__file__).parents[2]
GIB = 1 << 30


def test_the_document_has_what_the_command_prints() -> None:
    text = (ROOT / "docs" / "jetson.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in text, "run `python -m benchmarks.board_plans` and paste"


def test_the_table_has_a_row_for_every_precision_and_device() -> None:
    lines = table()
    assert len(lines) == 2 + 2 * len(PRECISIONS)
    assert {line.count("|") for line in lines} == {5 + len(BOARDS_GB)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_planned_manifests_are_manifests(precision: str) -> None:
    manifest = planned_manifest(precision)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.stages["language_model"].precision == precision


def test_the_released_model_has_8_6_billion_values() -> None:
    assert set(NUM_VALUES) == set(STAGE_STEMS)
    assert sum(NUM_VALUES.values()) == pytest.approx(8.6e9, rel=0.01)


def test_a_board_keeps_some_of_its_memory() -> None:
    assert [available_bytes(board_gb) < board_gb * GIB for board_gb in BOARDS_GB] == [True] * 4
    assert available_bytes(8) == pytest.approx(5.76 * GIB, rel=0.01)


def test_plans_are_those_of_info() -> None:
    manifest = planned_manifest("int4")
    for plan in board_plans(manifest):
        assert plan.peak_bytes == memory_plan(manifest, device=plan.device).peak_bytes
        assert plan.left_bytes == available_bytes(plan.board_gb) - plan.peak_bytes
