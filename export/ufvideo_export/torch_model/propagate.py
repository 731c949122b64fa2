"""One prompted frame carried through a clip by SAM 2's memory (docs/model.md, part 7).

This is the reference of what a tracking runtime computes, and what training runs through:
everything is differentiable, and many objects, of one clip or of as many clips, go in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate
from transformers import Sam2VideoModel

from ufvideo_export.torch_model.mask_model import decode_best, frame_maps
from ufvideo_sdk.errors import InputError

Maps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class TrackedFrame:
    """What SAM 2 finds of B objects on one frame, and what later frames remember of it."""

    mask_logits: torch.Tensor
    """Float32 [B, 4h, 4w]."""
    iou_scores: torch.Tensor
    """Predicted IoU of the three candidates, float32 [B, 3]."""
    object_scores: torch.Tensor
    """Above 0 where the object is present, float32 [B, 1]."""
    object_pointers: torch.Tensor
    """Float32 [B, C]."""
    memory_features: torch.Tensor
    """Float32 [B, M, h, w]."""


def propagate(
    sam: Sam2VideoModel, pixel_values: torch.Tensor, prompts: torch.Tensor
) -> torch.Tensor:
    """Segment objects that are prompted on frame 0 alone, on every frame of their clip.

    Args:
        sam: SAM 2, memory path included. In training mode its dropout is active.
        pixel_values: Normalised frames, float32 [F, 3, S, S] of the one clip that all objects are
            in, or [F, O, 3, S, S] with a clip for each object.
        prompts: Projected [SEG] states, float32 [O, C], or [C] for one object.

    Returns:
        Mask logits, float32 [O, F, 4h, 4w], or [F, 4h, 4w] for a prompt [C].

    Raises:
        InputError: When a shape is none of these.
    """
    objects = prompts if prompts.ndim == 2 else prompts.unsqueeze(0)
    clips = pixel_values if pixel_values.ndim == 5 else pixel_values.unsqueeze(1)
    if objects.ndim != 2 or clips.ndim != 5 or clips.shape[1] not in (1, objects.shape[0]):
        raise InputError(
            "expected prompts [O, C] or [C] with pixel_values [F, 3, S, S] or [F, O, 3, S, S],"
            f" got {list(prompts.shape)} and {list(pixel_values.shape)}"
        )
    maps = frame_maps(sam, clips.flatten(0, 1))
    frames = zip(*(each.unflatten(0, clips.shape[:2]) for each in maps), strict=True)
    tracked = propagate_maps(sam, list(frames), objects)
    masks = torch.stack([frame.mask_logits for frame in tracked], dim=1)
    return masks if prompts.ndim == 2 else masks.squeeze(0)


def propagate_maps(
    sam: Sam2VideoModel, maps: Sequence[Maps], prompts: torch.Tensor
) -> list[TrackedFrame]:
    """The same from the maps of `frame_maps`, with all that is found.

    Args:
        sam: SAM 2, memory path included.
        maps: Three float32 maps for each frame, [B, C, h, w], [B, C/8, 4h, 4w], [B, C/4, 2h, 2w];
            B is 1 for a clip that all objects are in, else O.
        prompts: Projected [SEG] states, float32 [O, C].

    Returns:
        One entry for each frame.
    """
    found: list[TrackedFrame] = []
    num_objects = prompts.shape[0]
    for shared in maps:
        coarse, fine, middle = (each.expand(num_objects, -1, -1, -1) for each in shared)
        if found:
            decoded = decode_best(sam, None, (_recall(sam, coarse, found), fine, middle))
        else:
            alone = coarse + sam.no_memory_embedding.reshape(1, -1, 1, 1)
            decoded = decode_best(sam, prompts.unsqueeze(1), (alone, fine, middle))
        masks, iou, scores, pointers = (each.squeeze(1) for each in decoded)
        features = _memorise(sam, coarse, masks)
        found.append(TrackedFrame(masks, iou, scores, pointers, features))
    return found


def _memorise(sam: Sam2VideoModel, coarse: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Memory features [B, M, h, w] of a frame; transformers would round them to bfloat16."""
    side = sam.config.image_size
    full = interpolate(masks.unsqueeze(1), (side, side), mode="bilinear", align_corners=False)
    scale, bias = sam.config.sigmoid_scale_for_mem_enc, sam.config.sigmoid_bias_for_mem_enc
    # The prompt is no click, so that even frame 0's mask stays soft.
    features: torch.Tensor = sam.memory_encoder(coarse, torch.sigmoid(full) * scale + bias)[0]
    return features


def _recall(
    sam: Sam2VideoModel, coarse: torch.Tensor, found: Sequence[TrackedFrame]
) -> torch.Tensor:
    """The coarsest map [B, C, h, w] of the next frame, conditioned on the frames before it."""
    batch, channels = coarse.shape[:2]
    memory, places = _spatial_memory(sam, found)
    pointers = _pointer_memory(sam, found)
    neck = sam.vision_encoder.neck
    conditioned = sam.memory_attention(
        _tokens(coarse),
        torch.cat([memory, pointers]),
        _tokens(neck.position_encoding(coarse.shape, coarse.device, coarse.dtype)),
        # Pointers have no place and, in SAM 2.0, no time.
        torch.cat([places, torch.zeros_like(pointers)]),
        num_object_pointer_tokens=pointers.shape[0],
    )
    return conditioned.reshape(batch, -1, channels).transpose(1, 2).reshape(coarse.shape)


def _spatial_memory(
    sam: Sam2VideoModel, found: Sequence[TrackedFrame]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Memory tokens [n h w, B, M] of frame 0 and the latest frames, oldest first, and places."""
    times = sam.memory_temporal_positional_encoding
    recent = range(max(1, len(found) - sam.config.num_maskmem + 1), len(found))
    # The prompted frame has the last row, whenever it was; the frame before this one the first.
    rows = {0: sam.config.num_maskmem - 1} | {idx: len(found) - idx - 1 for idx in recent}
    memory, places = [], []
    for idx, row in rows.items():
        features = found[idx].memory_features
        encoding = sam.memory_encoder.position_encoding
        place = _tokens(encoding(features.shape, features.device, features.dtype))
        memory.append(_tokens(features))
        places.append(place + times[row])
    return torch.cat(memory), torch.cat(places)


def _pointer_memory(sam: Sam2VideoModel, found: Sequence[TrackedFrame]) -> torch.Tensor:
    """Object pointers of frame 0 and the latest frames, latest first, as tokens [n, B, M]."""
    width = sam.config.memory_encoder_output_channels
    limit = sam.config.max_object_pointers_in_encoder
    recent = range(len(found) - 1, max(0, len(found) - limit), -1)
    pointers = torch.stack([found[idx].object_pointers for idx in (0, *recent)])
    # A pointer is C wide and a memory token M: it is cut into C / M tokens.
    pieces = pointers.unflatten(2, (-1, width))
    return pieces.transpose(1, 2).flatten(0, 1)


def _tokens(maps: torch.Tensor) -> torch.Tensor:
    """[B, C, h, w] -> [h w, B, C]."""
    return maps.flatten(2).permute(2, 0, 1)
