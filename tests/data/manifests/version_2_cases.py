"""Manifests of format version 2 that its rules refuse, and what version 1 has no words for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from small_manifest import Json, changed, file_entry, small, tracked, variant

Cases = dict[str, tuple[Json, str]]


def version_2_cases() -> Cases:
    """Name -> (manifest, text its error must contain)."""
    cases = {**_of_version_1(), **_capabilities(), **_tracking(), **_variants(), **_signatures()}
    return {f"2_{name}": case for name, case in cases.items()}


def _edited(edit: Callable[[Json], Any], start: Callable[[], Json] = tracked) -> Json:
    manifest = start()
    edit(manifest)
    return manifest


def _with_variant(**values: Any) -> Json:
    """The variant of the vision encoder with values set."""
    path = "stages__vision_encoder__variants__tensorrt__"
    return changed(tracked, **{path + key: value for key, value in values.items()})


def _of_version_1() -> Cases:
    return {
        "version_1_capabilities": (changed(capabilities=["ask", "segment"]), "capabilities"),
        "version_1_tracking": (changed(tracking=None), "tracking: unknown key"),
        "version_1_variants": (
            changed(stages__aligner__variants={}),
            "stages.aligner.variants: unknown key",
        ),
        "version_1_stage": (
            _edited(lambda m: m["stages"].update(track_decoder={}), small),
            "stages.track_decoder: unknown key",
        ),
        "missing_capabilities": (_edited(lambda m: m.pop("capabilities")), "capabilities"),
        "missing_tracking": (_edited(lambda m: m.pop("tracking")), "tracking"),
        "missing_variants": (
            _edited(lambda m: m["stages"]["aligner"].pop("variants")),
            "stages.aligner.variants",
        ),
    }


def _capabilities() -> Cases:
    def can(*names: Any) -> Json:
        return changed(tracked, capabilities=list(names))

    return {
        "capabilities_type": (changed(tracked, capabilities="ask"), "capabilities"),
        "capabilities_none": (can(), "capabilities"),
        "capability_unknown": (can("ask", "segment", "fly"), "capabilities[2]: expected one of"),
        "capability_number": (can("ask", 3), "capabilities[1]"),
        "capability_twice": (can("ask", "ask"), 'capabilities[1]: expected each once, got "ask"'),
        "capability_alone": (can("segment"), 'capabilities[0]: expected "ask" before "segment"'),
        "capability_skipped": (can("ask", "track"), 'expected "segment" before "track"'),
        "capability_order": (can("segment", "ask"), 'expected "ask" before "segment"'),
        "stage_missing": (
            _edited(lambda m: m["stages"].pop("memory_attention")),
            "stages.memory_attention: expected this key",
        ),
        "stage_beyond": (
            changed(tracked, capabilities=["ask"], tracking=None),
            "unknown key, expected vision_encoder, aligner",
        ),
        "verification_missing": (
            _edited(lambda m: m["verification"].pop("track_decoder")),
            "verification.track_decoder",
        ),
    }


def _tracking() -> Cases:
    return {
        "tracking_null": (changed(tracked, tracking=None), "tracking: expected an object"),
        "tracking_unused": (
            changed(tracked, capabilities=["ask", "segment"]),
            "tracking: expected null without the capability track",
        ),
        "tracking_key": (changed(tracked, tracking__stride=1), "tracking.stride: unknown key"),
        "tracking_missing": (
            _edited(lambda m: m["tracking"].pop("memory_width")),
            "tracking.memory_width",
        ),
        "tracking_memories": (changed(tracked, tracking__num_memories=65), "tracking.num_memories"),
        "tracking_memories_none": (
            changed(tracked, tracking__num_memories=0),
            "tracking.num_memories",
        ),
        "tracking_pointers": (
            changed(tracked, tracking__max_object_pointers=1025),
            "tracking.max_object_pointers",
        ),
        "tracking_width": (changed(tracked, tracking__memory_width=65537), "tracking.memory_width"),
        "tracking_width_divides": (
            changed(tracked, tracking__memory_width=12),
            "tracking.memory_width that divides the 32 channels",
        ),
    }


def _variants() -> Cases:
    encoder = "stages.vision_encoder.variants"
    other = {"rocm": variant("aligner", "rocm")}
    of_model = {"cuda": variant("language_model", "cuda")}
    return {
        "variants_type": (
            changed(tracked, stages__aligner__variants=[]),
            "stages.aligner.variants",
        ),
        "variant_provider": (
            changed(tracked, stages__aligner__variants=other),
            "stages.aligner.variants.rocm: expected a key among tensorrt, cuda, cpu",
        ),
        "variant_language_model": (
            changed(tracked, stages__language_model__variants=of_model),
            "stages.language_model.variants: expected none",
        ),
        "variant_type": (
            changed(tracked, stages__aligner__variants={"cpu": "int8"}),
            "stages.aligner.variants.cpu",
        ),
        "variant_key": (_with_variant(inputs=[]), encoder + ".tensorrt.inputs: unknown key"),
        "variant_missing": (
            _edited(
                lambda m: m["stages"]["vision_encoder"]["variants"]["tensorrt"].pop("verification")
            ),
            encoder + ".tensorrt.verification",
        ),
        "variant_precision": (_with_variant(precision="int5"), encoder + ".tensorrt.precision"),
        "variant_path": (
            _with_variant(graph=file_entry("../graph.onnx")),
            encoder + ".tensorrt.graph.path",
        ),
        "variant_weights": (_with_variant(weights=False), encoder + ".tensorrt.weights"),
        "variant_graph_bytes": (
            _with_variant(graph__size_bytes=(256 << 20) + 1),
            encoder + ".tensorrt.graph.size_bytes",
        ),
        "variant_tolerance": (
            _with_variant(verification={}),
            encoder + ".tensorrt.verification.tolerance_abs",
        ),
    }


def _signatures() -> Cases:
    def shape(stem: str, side: str, index: int, value: list[Any]) -> Json:
        return changed(tracked, **{f"stages__{stem}__{side}__{index}__shape": value})

    return {
        "memory_features_width": (
            shape("memory_encoder", "outputs", 0, ["O", 16, 8, 8]),
            "stages.memory_encoder.outputs[0]: expected memory_features float32 [O, 8, 8, 8], got",
        ),
        "memory_mask_size": (
            shape("memory_encoder", "inputs", 1, ["O", 128, 128]),
            "stages.memory_encoder.inputs[1]: expected mask_logits float32 [O, 32, 32], got",
        ),
        "memory_count": (
            shape("memory_attention", "inputs", 1, ["O", 7, 8, 8, 8]),
            "expected memory_features float32 [O, K, 8, 8, 8], got",
        ),
        "memory_ages_dtype": (
            changed(tracked, stages__memory_attention__inputs__2__dtype="int32"),
            "expected memory_ages int64 [O, K], got",
        ),
        "memory_pointers": (
            shape("memory_attention", "inputs", 3, ["O", 16, 32]),
            "expected object_pointers float32 [O, Q, 32], got",
        ),
        "memory_attention_output": (
            shape("memory_attention", "outputs", 0, [1, 32, 8, 8]),
            "expected conditioned_features float32 [O, 32, 8, 8], got",
        ),
        "track_candidates": (
            shape("track_decoder", "outputs", 0, ["O", 32, 32]),
            "expected mask_logits float32 [O, 3, 32, 32], got",
        ),
        "track_fine_map": (
            shape("track_decoder", "inputs", 1, ["O", 4, 32, 32]),
            "expected high_res_features_0 float32 [1, 4, 32, 32], got",
        ),
        "track_extra": (
            _edited(
                lambda m: m["stages"]["track_decoder"]["inputs"].append(
                    m["stages"]["aligner"]["inputs"][0]
                )
            ),
            "stages.track_decoder.inputs[3]: expected no more tensors",
        ),
    }
