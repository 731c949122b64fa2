"""What SAM 2's own release calls the tensors of transformers' Sam2VideoModel."""

from __future__ import annotations

import re
from collections.abc import Sequence

SAM2_PREFIX = "model.mask_encoder.sam2_model."

# What transformers' Sam2VideoModel calls a tensor -> what SAM 2's own release calls it. Each row is
# applied in turn.
_THREE_LAYERS = (("proj_in", "layers.0"), ("layers.0", "layers.1"), ("proj_out", "layers.2"))
_HEADS = (
    (r"mask_decoder\.(output_hypernetworks_mlps\.\d+)", r"mask_decoder.\1"),
    (r"mask_decoder\.iou_prediction_head", "mask_decoder.iou_prediction_head"),
    (r"mask_decoder\.pred_obj_score_head", "mask_decoder.pred_obj_score_head"),
    (r"object_pointer_proj", "obj_ptr_proj"),
)
_SAM2_NAMES: tuple[tuple[str, str], ...] = (
    *(
        (rf"^{module}\.{re.escape(ours)}\.", rf"{theirs}.@{released}.")
        for module, theirs in _HEADS
        for ours, released in _THREE_LAYERS
    ),
    ("@", ""),
    (r"^vision_encoder\.backbone\.patch_embed\.projection", "image_encoder.trunk.patch_embed.proj"),
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)", r"image_encoder.neck.convs.\1.conv"),
    (r"\.mlp\.proj_in\.", ".mlp.layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"^memory_attention\.layer_norm\.", "memory_attention.norm."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    *(
        (rf"\.mask_downsampler\.layers\.{n}\.{ours}", f".mask_downsampler.encoder.{3 * n + offset}")
        for n in range(4)
        for offset, ours in enumerate(("conv", "layer_norm"))
    ),
    (r"\.mask_downsampler\.final_conv", ".mask_downsampler.encoder.12"),
    (r"\.memory_fuser\.", ".fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv(\d)\.", r".pwconv\1."),
    (r"(\.fuser\.layers\.\d+)\.scale$", r"\1.g_weight"),
    (r"(\.fuser\.layers\.\d+)\.layer_norm\.", r"\1.norm."),
    (r"^memory_encoder\.feature_projection", "memory_encoder.pix_feat_proj"),
    (r"^memory_encoder\.projection", "memory_encoder.out_proj"),
    (
        r"^(shared_image_embedding|prompt_encoder\.shared_embedding)\.positional_embedding",
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.layer_norm(\d)\.", r".norm\1."),
    (r"\.o_proj\.", ".out_proj."),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
)


def sam2_keys(name: str) -> Sequence[str]:
    """Keys whose concatenation is a tensor of `Sam2VideoModel`."""
    if name == "prompt_encoder.point_embed.weight":
        prefix = f"{SAM2_PREFIX}sam_prompt_encoder.point_embeddings"
        return [f"{prefix}.{kind}.weight" for kind in range(4)]
    for pattern, replacement in _SAM2_NAMES:
        name = re.sub(pattern, replacement, name)
    return [SAM2_PREFIX + name]
