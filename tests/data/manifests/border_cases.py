"""Manifests whose stages do not take and give what their own facts require.

Each agrees with graphs that could be made for it, so nothing else would stop it, and the runtime
copies by these sizes.
"""

from __future__ import annotations

from typing import Any

from small_manifest import Json, changed, edited, tensor

Cases = dict[str, tuple[Json, str]]


def border_cases() -> Cases:
    """Name -> (manifest, text its error must contain)."""
    return {**_count_cases(), **_feature_cases(), **_language_model_cases(), **_mask_cases()}


def _case(key: str, value: Any, contains: str, manifest: Json | None = None) -> tuple[Json, str]:
    """One part of one tensor changed; `contains` follows the tensor's path in the message."""
    stem, side, index, part = key.split("__")
    path = f"stages__{stem}__{side}__{index}__{part}"
    manifest = manifest or changed(**{path: value})
    return manifest, f"stages.{stem}.{side}[{index}]: expected {contains}"


def _append(stem: str, side: str, extra: Json) -> Json:
    return edited(lambda m: m["stages"][stem][side].append(extra))


def _count_cases() -> Cases:
    return {
        "border_num_frames_one": (changed(video__num_frames=1), "video.num_frames"),
        "border_patch_grid_one": (changed(video__patch_grid=1), "video.patch_grid"),
        "border_logits_size_odd": (
            changed(video__mask_logits_size_px=30),
            "video.mask_logits_size_px",
        ),
        "border_input_more": (
            _append("aligner", "inputs", tensor("features", ["T", 16, 48])),
            "stages.aligner.inputs[1]: expected no more tensors, got features float32 [T, 16, 48]",
        ),
        "border_output_less": (
            edited(lambda m: m["stages"]["mask_decoder"]["outputs"].pop()),
            "stages.mask_decoder.outputs: expected object_pointers float32 [O, 32] too, got 3",
        ),
        "border_output_swapped": (
            edited(lambda m: m["stages"]["mask_encoder"]["outputs"].reverse()),
            "stages.mask_encoder.outputs[0]: expected image_features",
        ),
    }


def _feature_cases() -> Cases:
    vision = "features float32 [T, 16, 48], got features float32 "
    return {
        "border_vision_frames_side": _case(
            "vision_encoder__inputs__0__shape", ["T", 28, 28, 3], "frames uint8 [T, 56, 56, 3], got"
        ),
        "border_vision_frames_dtype": _case(
            "vision_encoder__inputs__0__dtype", "float32", "frames uint8"
        ),
        "border_vision_frames_fixed": _case(
            "vision_encoder__inputs__0__shape", [4, 56, 56, 3], "frames uint8 [T, 56, 56, 3], got"
        ),
        "border_vision_patches": _case(
            "vision_encoder__outputs__0__shape", ["T", 9, 48], vision + "[T, 9, 48]"
        ),
        "border_vision_width": _case(
            "vision_encoder__outputs__0__shape", ["T", 16, 4], vision + "[T, 16, 4]"
        ),
        "border_vision_symbols": _case(
            "vision_encoder__outputs__0__shape", ["T", "P", "Dv"], vision + "[T, P, Dv]"
        ),
        "border_vision_frames_differ": _case(
            "vision_encoder__outputs__0__shape", ["U", 16, 48], vision + "[U, 16, 48]"
        ),
        "border_vision_name": _case(
            "vision_encoder__outputs__0__name", "states", "features float32"
        ),
        "border_aligner_in": _case(
            "aligner__inputs__0__shape", ["T", 16, 32], "features float32 [T, 16, 48], got"
        ),
        "border_aligner_out": _case(
            "aligner__outputs__0__shape", ["N", 32], "video_tokens float32 [N, 64], got"
        ),
        "border_aligner_rank": _case(
            "aligner__outputs__0__shape", ["N"], "video_tokens float32 [N, 64], got"
        ),
        "border_aligner_half": _case("aligner__outputs__0__dtype", "float16", "video_tokens"),
        "border_region_in": _case(
            "region_encoder__inputs__0__shape", ["R", 47], "pooled_features float32 [R, 48], got"
        ),
        "border_region_out": _case(
            "region_encoder__outputs__0__shape", ["R", 128], "region_tokens float32 [R, 64], got"
        ),
        "border_embedder_ids": _case(
            "token_embedder__inputs__0__dtype", "int32", "token_ids int64 [S], got"
        ),
        "border_embedder_width": _case(
            "token_embedder__outputs__0__shape", ["S", 63], "embeddings float32 [S, 64], got"
        ),
        "border_embedder_length": _case(
            "token_embedder__outputs__0__shape", ["N", 64], "embeddings float32 [S, 64], got"
        ),
        "border_hidden_size": (
            changed(model__hidden_size=128),
            "stages.aligner.outputs[0]: expected video_tokens float32 [N, 128], got video_tokens",
        ),
    }


def _language_model_cases() -> Cases:
    stage = "language_model"
    key_0 = "past_key_values.0.key float32 [B, 2, C, 16], got"
    half = changed(stages__language_model__precision="fp16")
    return {
        "border_embeds_width": _case(
            f"{stage}__inputs__0__shape",
            ["B", "S", 32],
            "inputs_embeds float32 [B, S, 64], got inputs_embeds float32 [B, S, 32]",
        ),
        "border_seqlens_dtype": _case(f"{stage}__inputs__1__dtype", "int64", "seqlens_k int32 [B]"),
        "border_total_length_shape": _case(
            f"{stage}__inputs__2__shape", ["B"], "total_sequence_length int32 [1], got"
        ),
        "border_cache_heads": _case(f"{stage}__inputs__3__shape", ["B", 4, "C", 16], key_0),
        "border_cache_head_dim": _case(f"{stage}__inputs__3__shape", ["B", 2, "C", 8], key_0),
        "border_cache_capacity": _case(f"{stage}__inputs__3__shape", ["B", 2, 256, 16], key_0),
        "border_cache_dtype": _case(f"{stage}__inputs__3__dtype", "float16", key_0),
        "border_cache_not_half": _case(
            f"{stage}__inputs__3__dtype",
            None,
            "past_key_values.0.key float16 [B, 2, C, 16], got",
            half,
        ),
        "border_cache_half_of_integers": (
            changed(
                stages__language_model__precision="int4",
                stages__language_model__inputs__3__dtype="float16",
            ),
            f"stages.{stage}.inputs[4]: expected past_key_values.0.value float16 [B, 2, C, 16]",
        ),
        "border_cache_present": _case(
            f"{stage}__outputs__2__shape",
            ["B", 2, "C", 32],
            "present.0.key float32 [B, 2, C, 16], got",
        ),
        "border_logits_vocabulary": _case(
            f"{stage}__outputs__0__shape", ["B", 1, 627], "logits float32 [B, 1, 626], got"
        ),
        "border_logits_positions": _case(
            f"{stage}__outputs__0__shape", ["B", "S", 626], "logits float32 [B, 1, 626], got"
        ),
        "border_states_width": _case(
            f"{stage}__outputs__1__shape", ["B", "S", 63], "hidden_states float32 [B, S, 64], got"
        ),
        "border_num_layers": (
            changed(model__num_layers=3),
            "stages.language_model.inputs: expected past_key_values.2.key float32 [B, 2, C, 16]",
        ),
        "border_vocab_size": (
            changed(model__vocab_size=700),
            "stages.language_model.outputs[0]: expected logits float32 [B, 1, 700], got",
        ),
    }


def _mask_cases() -> Cases:
    width = "image_features float32 [F, C, h, w] with C a multiple of 8"
    wide = ["F", 65544, 8, 8]
    return {
        "border_mask_frames": _case(
            "mask_encoder__inputs__0__shape", ["F", 64, 64, 3], "frames uint8 [F, 128, 128, 3], got"
        ),
        "border_mask_width_odd": _case("mask_encoder__outputs__0__shape", ["F", 31, 8, 8], width),
        "border_mask_width_symbol": _case(
            "mask_encoder__outputs__0__shape", ["F", "C", 8, 8], width
        ),
        "border_mask_width_huge": _case("mask_encoder__outputs__0__shape", wide, width),
        "border_mask_features_rank": _case("mask_encoder__outputs__0__shape", ["F", 32, 64], width),
        "border_mask_features_grid": _case(
            "mask_encoder__outputs__0__shape",
            ["F", 32, 4, 4],
            "image_features float32 [F, 32, 8, 8], got image_features float32 [F, 32, 4, 4]",
        ),
        "border_mask_fine_map": _case(
            "mask_encoder__outputs__2__shape",
            ["F", 8, 32, 32],
            "high_res_features_1 float32 [F, 8, 16, 16], got",
        ),
        "border_mask_decoder_width": _case(
            "mask_decoder__inputs__1__shape",
            [1, 64, 8, 8],
            "image_features float32 [1, 32, 8, 8], got",
        ),
        "border_mask_decoder_frames": _case(
            "mask_decoder__inputs__2__shape",
            ["F", 4, 32, 32],
            "high_res_features_0 float32 [1, 4, 32, 32], got",
        ),
        "border_seg_state_width": _case(
            "mask_decoder__inputs__0__shape", ["O", 32], "hidden_states float32 [O, 64], got"
        ),
        "border_mask_logits_oblong": _case(
            "mask_decoder__outputs__0__shape", ["O", 32, 16], "mask_logits float32 [O, 32, 32], got"
        ),
        "border_mask_logits_size": _case(
            "mask_decoder__outputs__0__shape", ["O", 8, 8], "mask_logits float32 [O, 32, 32], got"
        ),
        "border_mask_logits_objects": _case(
            "mask_decoder__outputs__0__shape", [1, 32, 32], "mask_logits float32 [O, 32, 32], got"
        ),
        "border_iou_scores": _case(
            "mask_decoder__outputs__1__shape", ["O", 4], "iou_scores float32 [O, 3], got"
        ),
        "border_object_scores": _case(
            "mask_decoder__outputs__2__shape", ["O"], "object_scores float32 [O, 1], got"
        ),
        "border_object_pointers": _case(
            "mask_decoder__outputs__3__shape", ["O", 16], "object_pointers float32 [O, 32], got"
        ),
    }
