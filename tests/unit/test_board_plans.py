"""The boards of docs/jetson.md: the table is what the command prints."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.board_plans import EXPORTS, NUM_VALUES, planned_manifest, table
from tests.released_tensors import released_tensors
from ufvideo_sdk.diagnostics.board_plan import BOARDS_GB, available_bytes, board_plans
from ufvideo_sdk.diagnostics.memory_plan import memory_plan
from ufvideo_sdk.package.manifest import Manifest

ROOT = Path(__file__).parents[2]
GIB = 1 << 30


def test_the_document_has_what_the_command_prints() -> None:
    text = (ROOT / "docs" / "jetson.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in text, "run `python -m benchmarks.board_plans` and paste"


def test_the_table_has_a_row_for_every_precision_and_device() -> None:
    lines = table()
    assert len(lines) == 2 + sum(2 if floats == "fp16" else 1 for _, floats in EXPORTS)
    assert {line.count("|") for line in lines} == {5 + len(BOARDS_GB)}


@pytest.mark.parametrize(("precision", "floats"), EXPORTS)
def test_planned_manifests_are_manifests(precision: str, floats: str) -> None:
    manifest = planned_manifest(precision, floats)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.stages["language_model"].precision == precision


def values(name: str) -> dict[str, int]:
    """Values of each tensor of the released model."""
    return {key: math.prod(shape) for key, shape in released_tensors(name).items()}


def test_the_values_of_a_stage_are_those_of_its_tensors() -> None:
    checkpoint = values("checkpoint")

    def of(*prefixes: str) -> int:
        return sum(count for key, count in checkpoint.items() if key.startswith(prefixes))

    sam = "model.mask_encoder.sam2_model."
    fine = (f"{sam}sam_mask_decoder.conv_s0", f"{sam}sam_mask_decoder.conv_s1")
    decoder = (f"{sam}sam_mask_decoder", f"{sam}sam_prompt_encoder", f"{sam}obj_ptr_proj")
    assert {stem: NUM_VALUES[stem] for stem in NUM_VALUES if stem != "vision_encoder"} == {
        "aligner": of("model.mm_projector"),
        "region_encoder": of("model.region_encoder"),
        "token_embedder": of("model.embed_tokens"),
        "language_model": of("model.layers", "model.norm", "lm_head"),
        "mask_encoder": of(f"{sam}image_encoder", f"{sam}no_mem_embed", *fine),
        "mask_decoder": of("model.text_hidden_fcs", *decoder) - of(*fine),
    }


def test_the_vision_encoder_leaves_out_the_last_layer_and_the_head() -> None:
    left_out = (
        "vision_model.encoder.layers.26.",
        "vision_model.post_layernorm",
        "vision_model.head",
    )
    kept = {key: count for key, count in values("siglip").items() if not key.startswith(left_out)}
    assert NUM_VALUES["vision_encoder"] == sum(kept.values())


def test_a_board_keeps_some_of_its_memory() -> None:
    assert [available_bytes(board_gb) < board_gb * GIB for board_gb in BOARDS_GB] == [True] * 4
    assert available_bytes(8) == pytest.approx(5.76 * GIB, rel=0.01)


@pytest.mark.parametrize(("floats", "devices"), [("fp32", {"cpu"}), ("fp16", {"cpu", "cuda"})])
def test_plans_are_those_of_info_on_devices_that_run_it(floats: str, devices: set[str]) -> None:
    manifest = planned_manifest("int4", floats)
    plans = board_plans(manifest)
    assert {plan.device for plan in plans} == devices
    for plan in plans:
        assert plan.peak_bytes == memory_plan(manifest, device=plan.device).peak_bytes
        assert plan.left_bytes == available_bytes(plan.board_gb) - plan.peak_bytes
