"""SAM 2 for single frames and the [SEG] projection in front of it (docs/model.md, part 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import Sam2VideoConfig, Sam2VideoModel

from ufvideo_export.checkpoint.config import Sam2Sizes

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Sam2Widths:
    """Widths that the tensors themselves tell."""

    hidden_size: int
    memory_width: int
    num_memories: int


def sam2_config(sizes: Sam2Sizes, widths: Sam2Widths) -> Sam2VideoConfig:
    """SAM 2.0's configuration for transformers (2.1 differs in the three switches at the end)."""
    channels = [sizes.embed_dim * 2**stage for stage in range(4)]
    grid = sizes.feature_grid
    side = sizes.image_size_px
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": sizes.embed_dim,
        "num_attention_heads": sizes.num_heads,
        "image_size": [side, side],
        "window_positional_embedding_background_size": list(
            sizes.window_pos_embed_bkg_spatial_size
        ),
        "blocks_per_stage": list(sizes.stages),
        "embed_dim_per_stage": channels,
        "num_attention_heads_per_stage": [sizes.num_heads * 2**stage for stage in range(4)],
        "window_size_per_stage": list(sizes.window_spec),
        "global_attention_blocks": list(sizes.global_att_blocks),
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": channels[::-1],
        "backbone_feature_sizes": [[grid * 4] * 2, [grid * 2] * 2, [grid] * 2],
        "fpn_hidden_size": widths.hidden_size,
    }
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": widths.hidden_size, "image_size": side},
        mask_decoder_config={
            "hidden_size": widths.hidden_size,
            "mlp_dim": sizes.mask_decoder_mlp_dim,
            "iou_head_hidden_dim": widths.hidden_size,
        },
        image_size=side,
        num_maskmem=widths.num_memories,
        memory_attention_hidden_size=widths.hidden_size,
        memory_attention_num_layers=sizes.memory_attention_layers,
        memory_attention_feed_forward_hidden_size=sizes.memory_attention_feedforward,
        memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=widths.hidden_size,
        memory_encoder_output_channels=widths.memory_width,
        mask_downsampler_embed_dim=widths.hidden_size,
        memory_fuser_embed_dim=widths.hidden_size,
        memory_fuser_intermediate_dim=widths.hidden_size * 4,
        enable_occlusion_spatial_embedding=False,
        enable_temporal_pos_encoding_for_object_pointers=False,
        multimask_output_for_tracking=True,
    )


def build_sam2_video(sizes: Sam2Sizes, widths: Sam2Widths) -> Sam2VideoModel:
    """SAM 2, memory path included, with the weights that transformers starts it with."""
    sam = Sam2VideoModel(sam2_config(sizes, widths))
    for layer in sam.memory_attention.layers:
        attention = layer.cross_attn_image
        # Written as 64 in transformers, whatever the width of a memory is.
        if attention.k_proj.in_features != widths.memory_width:
            for name in ("k_proj", "v_proj"):
                setattr(attention, name, nn.Linear(widths.memory_width, attention.internal_dim))
    return sam


def frame_maps(
    sam: Sam2VideoModel, pixel_values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run SAM 2's image encoder.

    Args:
        sam: SAM 2.
        pixel_values: Normalised frames, float32 [F, 3, S, S].

    Returns:
        Float32 maps [F, C, h, w] (without `no_mem_embed`), [F, C/8, 4h, 4w] and [F, C/4, 2h, 2w].
    """
    backbone = sam.vision_encoder.backbone(pixel_values)
    neck = sam.vision_encoder.neck(backbone.intermediate_hidden_states)
    # The neck gives four levels from coarse to fine; the coarsest is not used.
    fine, middle, coarse = neck[0][-3:][::-1]
    return coarse, sam.mask_decoder.conv_s0(fine), sam.mask_decoder.conv_s1(middle)


def decode_candidates(
    sam: Sam2VideoModel, language_prompts: torch.Tensor | None, maps: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run SAM 2's mask decoder.

    Args:
        sam: SAM 2.
        language_prompts: Projected [SEG] states, float32 [B, O, C]: O objects on each of B frames.
            None asks for the one object that the coarsest map already speaks of, as on a frame
            that memory conditions; O is 1 then.
        maps: The coarsest, the finest and the middle map, float32 [B, C, h, w], [B, C/8, 4h, 4w]
            and [B, C/4, 2h, 2w].

    Returns:
        Of three candidates, mask logits [B, O, 3, 4h, 4w], their predicted IoU [B, O, 3] and
        output tokens [B, O, 3, C]; object scores [B, O, 1]. Float32.
    """
    coarse, fine, middle = maps
    encoder = sam.prompt_encoder
    # What the released prompt encoder makes of its one padding point and no box.
    num_objects = 1 if language_prompts is None else language_prompts.shape[1]
    sparse = encoder.not_a_point_embed.weight.expand(coarse.shape[0], num_objects, 2, -1)
    if language_prompts is not None:
        sparse = torch.cat([sparse, language_prompts.unsqueeze(2)], dim=2)
    candidates, iou, tokens, scores = sam.mask_decoder(
        image_embeddings=coarse,
        image_positional_embeddings=sam.get_image_wide_positional_embeddings().expand_as(coarse),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand_as(coarse),
        multimask_output=True,
        high_resolution_features=[fine, middle],
    )[:4]
    return candidates, iou, tokens, scores


def decode_best(
    sam: Sam2VideoModel, language_prompts: torch.Tensor | None, maps: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Decode, and take the candidate with the highest predicted IoU.

    Arguments are those of `decode_candidates`.

    Returns:
        Mask logits [B, O, 4h, 4w], the IoU of three candidates [B, O, 3], object scores [B, O, 1]
        and object pointers [B, O, C], float32.
    """
    candidates, iou, tokens, scores = decode_candidates(sam, language_prompts, maps)
    best = iou.argmax(-1, keepdim=True)[..., None]
    masks = candidates.gather(2, best[..., None].expand(-1, -1, -1, *candidates.shape[3:]))
    token = tokens.gather(2, best.expand(-1, -1, -1, tokens.shape[-1])).squeeze(2)
    # `fixed_no_obj_ptr`: an absent object has that pointer and nothing of its own.
    present = (scores > 0).to(token.dtype)
    pointers = present * sam.object_pointer_proj(token) + (1 - present) * sam.no_object_pointer
    return masks.squeeze(2), iou, scores, pointers


class MaskEncoder(nn.Module):
    """SAM 2's image encoder with everything of the decoder that depends on the frame alone."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, sam: Sam2VideoModel) -> None:
        super().__init__()
        self.sam = sam
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1), persistent=False)

    def encode(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Normalised pixels, float32 [F, 3, S, S] -> the three maps of `forward`."""
        coarse, fine, middle = frame_maps(self.sam, pixel_values)
        return coarse + self.sam.no_memory_embedding.reshape(1, -1, 1, 1), fine, middle

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Encode frames.

        Args:
            frames: RGB frames of the model's size, uint8 [F, S, S, 3].

        Returns:
            Float32 maps [F, C, h, w], [F, C/8, 4h, 4w] and [F, C/4, 2h, 2w].
        """
        return self.encode(self.normalise(frames))

    def normalise(self, frames: torch.Tensor) -> torch.Tensor:
        """Uint8 [F, S, S, 3] -> normalised pixels, float32 [F, 3, S, S]."""
        return (frames.to(torch.float32).permute(0, 3, 1, 2) - self.mean) / self.std


class MaskDecoder(nn.Module):
    """[SEG] states and one frame's features to masks."""

    def __init__(self, sam: Sam2VideoModel, seg_projection: nn.Module) -> None:
        super().__init__()
        self.sam = sam
        self.seg_projection = seg_projection

    def forward(
        self,
        hidden_states: torch.Tensor,
        image_features: torch.Tensor,
        high_res_features_0: torch.Tensor,
        high_res_features_1: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Decode the masks of O objects on one frame.

        Args:
            hidden_states: Language model states, float32 [O, D].
            image_features: Coarsest map, float32 [1, C, h, w].
            high_res_features_0: Finest map, float32 [1, C/8, 4h, 4w].
            high_res_features_1: Middle map, float32 [1, C/4, 2h, 2w].

        Returns:
            Mask logits [O, 4h, 4w] of the candidate with the highest predicted IoU, the IoU of
            three candidates [O, 3], object scores [O, 1] and object pointers [O, C], float32.
        """
        features = (image_features, high_res_features_0, high_res_features_1)
        return self.decode(self.seg_projection(hidden_states), *features)

    def decode(
        self,
        prompts: torch.Tensor,
        image_features: torch.Tensor,
        high_res_features_0: torch.Tensor,
        high_res_features_1: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """The same from the projected prompts, float32 [O, C]."""
        maps = (image_features, high_res_features_0, high_res_features_1)
        return tuple(each.squeeze(0) for each in decode_best(self.sam, prompts.unsqueeze(0), maps))
