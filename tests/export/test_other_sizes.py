"""Checkpoints of other sizes than the golden one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, FP32, assert_close

torch = pytest.importorskip("torch", reason="needs the export extra")
import onnx  # noqa: E402

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.spec import stage_specs  # noqa: E402
from ufvideo_export.stages import STAGES  # noqa: E402
from ufvideo_export.torch_model import model  # noqa: E402
from ufvideo_sdk.package.manifest import (  # noqa: E402
    STAGE_STEMS,
    TrackingConfig,
    read_manifest,
)

pytestmark = pytest.mark.torch
OpenGraph = Callable[[Path, str], Any]


def test_manifest_holds_the_sizes(odd_package: Path, odd_checkpoint: Path) -> None:
    manifest = read_manifest(odd_package / "manifest.json")
    facts = manifest.model
    assert (facts.name, facts.hidden_size, facts.head_dim) == ("odd", 96, 32)
    assert (facts.num_attention_heads, facts.num_key_value_heads) == (3, 1)
    assert (facts.vocab_size, facts.vision_hidden_size) == (801, 36)
    video = manifest.video
    assert (video.num_frames, video.vision_size_px, video.patch_grid) == (5, 37, 5)
    assert (video.aligner_padding, video.mask_size_px, video.mask_logits_size_px) == (1, 96, 24)
    assert manifest.tokens.seg_id == 800
    assert tuple(manifest.stages) == STAGE_STEMS == tuple(STAGES)[: len(STAGE_STEMS)]
    for measured in manifest.verification.values():
        assert measured.max_abs_error <= measured.tolerance_abs
        assert measured.max_rel_error <= measured.tolerance_rel


def test_large_weights_lie_in_their_own_file(odd_package: Path) -> None:
    manifest = read_manifest(odd_package / "manifest.json")
    for stem, entry in manifest.stages.items():
        assert entry.weights is not None and entry.weights.path == f"{stem}.onnx.data"
        assert (odd_package / entry.weights.path).stat().st_size == entry.weights.size_bytes


def test_tracking_of_other_sizes(odd_package_track: Path, odd_package: Path) -> None:
    """Five memories of 32 channels on a grid of 6, which transformers does not expect."""
    manifest = read_manifest(odd_package_track)
    assert manifest.tracking == TrackingConfig(5, 16, 32)
    assert manifest.video.mask_logits_size_px == 4 * 6
    added = [stem for stem in manifest.stages if stem not in read_manifest(odd_package).stages]
    assert added == ["memory_encoder", "memory_attention", "track_decoder"]
    for stem in added:
        measured = manifest.verification[stem]
        assert measured.max_rel_error <= FP32.max_rel and measured.max_abs_error <= FP32.max_abs
        weights = manifest.stages[stem].weights
        assert weights is not None
        assert (odd_package_track / weights.path).stat().st_size == weights.size_bytes


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_odd_grid_and_odd_frames(
    odd_package: Path, odd_checkpoint: Path, open_graph: OpenGraph, num_frames: int
) -> None:
    checkpoint = Checkpoint(odd_checkpoint)
    frames = np.random.default_rng(num_frames).integers(0, 256, (num_frames, 37, 37, 3), np.uint8)
    features = open_graph(odd_package, "vision_encoder").run(None, {"frames": frames})[0]
    with torch.inference_mode():
        expected = model.load_vision_encoder(checkpoint)(torch.from_numpy(frames))
        tokens = model.load_aligner(checkpoint)(expected)
    assert_close(features, expected.numpy(), FP32, where="features")
    if num_frames < 2:
        return
    found = open_graph(odd_package, "aligner").run(None, {"features": features})[0]
    assert_close(found, tokens.numpy(), FP32, where="video tokens")
    # A padded sampler makes floor(n / 2) + 1 of n.
    assert len(found) == (num_frames // 2 + 1) * 3 * 3


def test_streamed_language_model_is_the_whole_one(odd_checkpoint: Path) -> None:
    checkpoint = Checkpoint(odd_checkpoint)
    spec = stage_specs(checkpoint, "fp32")["language_model"]
    stage = STAGES["language_model"](checkpoint, spec, "fp32")
    embeds = np.random.default_rng(0).standard_normal((1, 12, 96), np.float32)
    expected = stage.reference({"inputs_embeds": embeds})
    whole = model.load_language_model(checkpoint)
    with torch.inference_mode():
        states = whole.model(inputs_embeds=torch.from_numpy(embeds)).last_hidden_state
        logits = whole.lm_head(states[:, -1:])
    assert_close(expected["hidden_states"], states.numpy(), FP32, where="states")
    assert_close(expected["logits"][:, -1:], logits.numpy(), FP32, where="logits")
    assert whole.lm_head.weight is whole.model.embed_tokens.weight


def test_rotary_tables_are_exact_at_the_last_position(odd_checkpoint: Path) -> None:
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

    checkpoint = Checkpoint(odd_checkpoint)
    spec = stage_specs(checkpoint, "fp32")["language_model"]
    stage = STAGES["language_model"](checkpoint, spec, "fp32")
    tables = stage._rotary_tables()  # type: ignore[attr-defined]
    positions = torch.arange(checkpoint.sizes.max_position_embeddings).unsqueeze(0)
    rotary = Qwen2RotaryEmbedding(model.qwen2_config(checkpoint.sizes))
    half = checkpoint.sizes.head_dim // 2
    for name, table, expected in zip(
        ("cos", "sin"), tables, rotary(torch.zeros(1), positions), strict=True
    ):
        assert_close(table, expected[0, :, :half].numpy(), EXACT, where=name)


@pytest.mark.parametrize("num_objects", [1, 4])
def test_other_sam2_sizes(
    odd_package: Path, odd_checkpoint: Path, open_graph: OpenGraph, num_objects: int
) -> None:
    checkpoint = Checkpoint(odd_checkpoint)
    random = np.random.default_rng(num_objects)
    frames = random.integers(0, 256, (1, 96, 96, 3), np.uint8)
    states = random.standard_normal((num_objects, 96), np.float32)
    names = ("image_features", "high_res_features_0", "high_res_features_1")
    maps = open_graph(odd_package, "mask_encoder").run(list(names), {"frames": frames})
    decoder = open_graph(odd_package, "mask_decoder")
    found = decoder.run(None, {"hidden_states": states, **dict(zip(names, maps, strict=True))})
    with torch.inference_mode():
        expected = model.load_mask_decoder(checkpoint)(
            torch.from_numpy(states),
            *model.load_mask_encoder(checkpoint)(torch.from_numpy(frames)),
        )
    for number, (left, right) in enumerate(zip(found, expected, strict=True)):
        assert_close(left, right.numpy(), FP32, where=f"output {number}")


def test_graphs_are_readable_by_the_oldest_runtime(odd_package: Path, small_package: Path) -> None:
    for package in (odd_package, small_package):
        for stem in STAGE_STEMS:
            graph = onnx.load(package / f"{stem}.onnx", load_external_data=False)
            assert graph.ir_version <= 10
            opsets = {entry.domain: entry.version for entry in graph.opset_import}
            assert opsets[""] <= 22
            text = graph.SerializeToString()
            assert b"site-packages" not in text and b".py" not in text


def test_random_checkpoint_is_reproducible(tmp_path: Path, tiny_checkpoint: Path) -> None:
    sizes = RandomSizes(num_layers=1, num_aligner_blocks=1)
    again = make_random_checkpoint(tmp_path / "again", sizes, seed=1)
    for path in sorted(tiny_checkpoint.rglob("*.*")):
        twin = again / path.relative_to(tiny_checkpoint)
        assert twin.read_bytes() == path.read_bytes(), path.name
    other = make_random_checkpoint(tmp_path / "other", sizes, seed=2)
    name = "model.safetensors"
    assert (other / name).read_bytes() != (again / name).read_bytes()
