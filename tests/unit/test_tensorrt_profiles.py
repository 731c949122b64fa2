"""Between which shapes TensorRT's engines are built to run, and which stages have one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ufvideo_sdk.package.manifest import (
    CAPABILITY_STAGES,
    STAGE_STEMS,
    FileEntry,
    Manifest,
    graph_signatures,
    listed_files,
    read_manifest,
)
from ufvideo_sdk.package.manifest_fields import StageVariant
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.tensorrt.shape_profiles import InputProfile, profile_options, stage_profiles
from ufvideo_sdk.tensorrt.stage_support import tensorrt_stages

SMALL = Path(__file__).parents[1] / "data" / "manifests" / "valid" / "small.json"
TAKEN = ("vision_encoder", "aligner", "region_encoder", "mask_encoder", "mask_decoder")


def with_precision(manifest: Manifest, precision: str) -> Manifest:
    stages = {
        stem: dataclasses.replace(stage, precision=precision)
        for stem, stage in manifest.stages.items()
        if stem != "language_model"
    }
    return dataclasses.replace(manifest, stages={**manifest.stages, **stages})


@pytest.fixture
def full_size() -> Manifest:
    """The sizes of a 7B model with SAM 2 large."""
    small = read_manifest(SMALL)
    model = dataclasses.replace(
        small.model,
        hidden_size=3584,
        num_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        head_dim=128,
        vocab_size=152064,
        max_position_embeddings=32768,
        vision_hidden_size=1152,
        max_region_tokens=64,
    )
    video = dataclasses.replace(
        small.video,
        num_frames=32,
        vision_size_px=384,
        patch_grid=27,
        mask_size_px=1024,
        mask_logits_size_px=256,
    )
    signatures = graph_signatures(model, video, mask_width=256, cache_dtype="float32")
    stages = {
        stem: dataclasses.replace(small.stages[stem], inputs=inputs, outputs=outputs)
        for stem, (inputs, outputs) in signatures.items()
    }
    return dataclasses.replace(small, model=model, video=video, stages=stages)


def options(manifest: Manifest) -> dict[str, tuple[str, str, str]]:
    """By stage the three option values, smallest, typical and largest."""
    found = {}
    profiles = stage_profiles(manifest)
    tracking = CAPABILITY_STAGES["track"] if "track" in manifest.capabilities else ()
    assert {stem for stem in profiles if profiles[stem]} == {*TAKEN, *tracking}
    for stem in (*TAKEN, *tracking):
        named = profile_options(profiles[stem])
        assert set(named) == {f"trt_profile_{which}_shapes" for which in ("min", "opt", "max")}
        found[stem] = (
            named["trt_profile_min_shapes"],
            named["trt_profile_opt_shapes"],
            named["trt_profile_max_shapes"],
        )
    return found


def test_full_size(full_size: Manifest) -> None:
    assert options(full_size) == {
        # A million pixels at once.
        "vision_encoder": ("frames:1x384x384x3", "frames:7x384x384x3", "frames:7x384x384x3"),
        # Pairs of frames; an image is one.
        "aligner": ("features:2x729x1152", "features:16x729x1152", "features:16x729x1152"),
        "region_encoder": (
            "pooled_features:1x1152",
            "pooled_features:64x1152",
            "pooled_features:64x1152",
        ),
        "mask_encoder": (("frames:1x1024x1024x3",) * 3),
        # Inputs without a symbol are not named: ONNX Runtime would build the engine at each start.
        "mask_decoder": ("hidden_states:1x3584", "hidden_states:1x3584", "hidden_states:16x3584"),
    }


def test_nano() -> None:
    manifest = read_manifest(shipped_package())
    video = manifest.video
    side, frames = video.vision_size_px, video.num_frames
    found = options(manifest)
    assert found["vision_encoder"] == (
        f"frames:1x{side}x{side}x3",
        f"frames:8x{side}x{side}x3",
        f"frames:8x{side}x{side}x3",
    )
    assert manifest.video.aligner_padding == 0 and frames >= 2
    assert found["aligner"][0].startswith("features:2x")
    assert found["aligner"][2].startswith(f"features:{min(frames // 2 * 2, 16)}x")
    # One object with a memory or with all of them, to four with some prompts more.
    width, grid = 128, video.mask_logits_size_px // 4
    tracking = manifest.tracking
    assert tracking is not None and tracking.num_memories == 7
    for which, (objects, memories, pointers) in enumerate(((1, 1, 1), (1, 7, 16), (4, 14, 23))):
        assert found["memory_attention"][which] == (
            f"memory_features:{objects}x{memories}x64x{grid}x{grid},"
            f"memory_ages:{objects}x{memories},object_pointers:{objects}x{pointers}x{width}"
        )
        assert found["memory_encoder"][which] == f"mask_logits:{objects}x{4 * grid}x{4 * grid}"
        conditioned = f"conditioned_features:{objects}x{width}x{grid}x{grid}"
        assert found["track_decoder"][which] == conditioned


def test_a_padded_aligner_takes_the_clip_as_one(full_size: Manifest) -> None:
    video = dataclasses.replace(full_size.video, aligner_padding=1)
    manifest = dataclasses.replace(full_size, video=video)
    assert options(manifest)["aligner"] == ("features:32x729x1152",) * 3


def test_several_inputs_are_joined() -> None:
    profiles = (
        InputProfile("a", (1, 2), (3, 2), (4, 2)),
        InputProfile("b.c", (1,), (1,), (9,)),
    )
    assert profile_options(profiles) == {
        "trt_profile_min_shapes": "a:1x2,b.c:1",
        "trt_profile_opt_shapes": "a:3x2,b.c:1",
        "trt_profile_max_shapes": "a:4x2,b.c:9",
    }


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_floats_go_to_tensorrt(precision: str) -> None:
    stages = tensorrt_stages(with_precision(read_manifest(SMALL), precision))
    assert tuple(stage.stem for stage in stages) == STAGE_STEMS
    assert tuple(stage.stem for stage in stages if stage.is_taken) == TAKEN
    assert all(stage.fp16 == (precision == "fp16") for stage in stages if stage.is_taken)


def test_integers_and_the_language_model_do_not() -> None:
    stages = tensorrt_stages(with_precision(read_manifest(SMALL), "int8"))
    reasons = {stage.stem: stage.reason or "" for stage in stages}
    assert not any(stage.is_taken or stage.fp16 for stage in stages)
    assert "GroupQueryAttention" in reasons["language_model"]
    assert "looks rows up" in reasons["token_embedder"]
    for stem in TAKEN:
        assert "DynamicQuantizeLinear" in reasons[stem] and "int8" in reasons[stem]


def with_variant(manifest: Manifest, stem: str, **changes: object) -> Manifest:
    """The manifest with a stage in int8 whose own files are its graph for TensorRT."""
    stage = dataclasses.replace(manifest.stages[stem], precision="int8")
    own = StageVariant(stage.graph, stage.weights, "int8", manifest.verification[stem])
    variants = {"tensorrt": dataclasses.replace(own, **changes)}
    stages = {**manifest.stages, stem: dataclasses.replace(stage, variants=variants)}
    return dataclasses.replace(manifest, stages=stages)


def test_int8_with_fixed_scales_goes_to_tensorrt() -> None:
    manifest = with_variant(read_manifest(SMALL.with_name("2_ask_segment.json")), "mask_encoder")
    stages = {stage.stem: stage for stage in tensorrt_stages(manifest)}
    assert stages["mask_encoder"].is_taken and stages["mask_encoder"].int8
    assert not stages["mask_encoder"].fp16
    assert not any(stage.int8 for stem, stage in stages.items() if stem != "mask_encoder")


def test_a_graph_for_tensorrt_in_other_files_does_not() -> None:
    other = FileEntry(path="mask_encoder.tensorrt.onnx", size_bytes=9, sha256="0" * 64)
    start = read_manifest(SMALL.with_name("2_ask_segment.json"))
    stages = tensorrt_stages(with_variant(start, "mask_encoder", graph=other))
    found = next(stage for stage in stages if stage.stem == "mask_encoder")
    assert not found.is_taken and not found.int8 and "--encoder-int8 qdq" in (found.reason or "")


def test_files_of_a_variant_are_listed_once() -> None:
    start = read_manifest(SMALL.with_name("2_ask_segment.json"))
    paths = [file.path for file in listed_files(with_variant(start, "mask_encoder"))]
    assert paths.count(start.stages["mask_encoder"].graph.path) == 1
    other = FileEntry(path="mask_encoder.tensorrt.onnx", size_bytes=9, sha256="0" * 64)
    paths = [file.path for file in listed_files(with_variant(start, "mask_encoder", graph=other))]
    assert other.path in paths
