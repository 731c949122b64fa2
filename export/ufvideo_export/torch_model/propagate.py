"""Prompted objects carried through a clip by SAM 2's memory (docs/model.md, part 7).

This is the reference of what a tracking runtime computes, and what training runs through:
everything is differentiable. Objects that are prompted on the first frame alone, of one clip or of
as many clips, go in one batch (`propagate`); `propagate_objects` takes objects that are prompted on
frames of their own. Backwards is the same with the frames in reverse order: a pass of its own,
which begins at the prompted frame and knows nothing of the one forwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch.nn.functional import interpolate
from transformers import Sam2VideoModel

from ufvideo_export.torch_model.mask_model import decode_best, frame_maps
from ufvideo_export.torch_model.memory_bank import MemoryBank, MemoryRules
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


class Remembered(Protocol):
    """What a later frame uses of an earlier one."""

    @property
    def object_pointers(self) -> torch.Tensor:
        """Float32 [B, C]."""

    @property
    def memory_features(self) -> torch.Tensor:
        """Float32 [B, M, h, w]."""


RememberedT = TypeVar("RememberedT", bound=Remembered)


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
    tracked = _track(sam, maps, {0: prompts}, memory_rules(sam))
    return [tracked[number] for number in range(len(maps))]


def propagate_objects(
    sam: Sam2VideoModel,
    maps: Sequence[Maps],
    prompts: Sequence[Mapping[int, torch.Tensor]],
    *,
    used_memories: int | None = None,
    max_prompted: int | None = None,
) -> list[dict[int, TrackedFrame]]:
    """Track objects of one clip that are prompted on frames of their own, each by itself.

    Args:
        sam: SAM 2, memory path included.
        maps: Of every frame of the clip, as `propagate_maps` takes them, B = 1.
        prompts: By object, and by number of the frame, a projected [SEG] state, float32 [C]. An
            object is born on the first frame that it is prompted on; on each later one it is
            segmented by the prompt alone, and remembered as prompted.
        used_memories: See `MemoryRules`.
        max_prompted: See `MemoryRules`.

    Returns:
        By object, what is found on each frame from its first one on, with B = 1.

    Raises:
        ConfigError: For numbers that `MemoryRules` refuses.
        InputError: When an object has no prompt, or one on a frame that is not there.
    """
    rules = memory_rules(sam, used_memories=used_memories, max_prompted=max_prompted)
    for number, own in enumerate(prompts):
        if not own or min(own) < 0 or max(own) >= len(maps):
            raise InputError(
                f"expected prompts of object {number} on frames 0 to {len(maps) - 1}, found them on"
                f" {sorted(own)}"
            )
    return [
        _track(sam, maps, {idx: prompt.unsqueeze(0) for idx, prompt in own.items()}, rules)
        for own in prompts
    ]


def memory_rules(
    sam: Sam2VideoModel, *, used_memories: int | None = None, max_prompted: int | None = None
) -> MemoryRules:
    """SAM 2's own rules, within what a caller chooses."""
    return MemoryRules(
        num_memories=sam.config.num_maskmem,
        max_object_pointers=sam.config.max_object_pointers_in_encoder,
        used_memories=used_memories,
        max_prompted=max_prompted,
    )


def _track(
    sam: Sam2VideoModel,
    maps: Sequence[Maps],
    prompts: Mapping[int, torch.Tensor],
    rules: MemoryRules,
) -> dict[int, TrackedFrame]:
    """Objects that are prompted on the same frames, float32 [O, C] each, from the first one on."""
    bank: MemoryBank[TrackedFrame] = MemoryBank(rules)
    found: dict[int, TrackedFrame] = {}
    num_objects = next(iter(prompts.values())).shape[0]
    for number in range(min(prompts), len(maps)):
        coarse, fine, middle = (each.expand(num_objects, -1, -1, -1) for each in maps[number])
        found[number] = track_frame(sam, (coarse, fine, middle), prompts.get(number), bank)
        bank.add(found[number], prompted=number in prompts)
    return found


def track_frame(
    sam: Sam2VideoModel,
    maps: Maps,
    prompt: torch.Tensor | None,
    bank: MemoryBank[RememberedT],
) -> TrackedFrame:
    """Segment objects on the next frame; the caller adds to the bank what is remembered of it.

    Args:
        sam: SAM 2, memory path included.
        maps: Of the frame, as `propagate_maps` takes them, with B = O.
        prompt: Projected [SEG] states, float32 [O, C]: they alone decide, and no memory is used.
            None: memory alone decides.
        bank: The frames before this one; not empty when there is no prompt.

    Returns:
        What is found on the frame.
    """
    coarse, fine, middle = maps
    if prompt is None:
        recalled = recall(sam, coarse, *_remembered(bank))
        decoded = decode_best(sam, None, (recalled, fine, middle))
    else:
        alone = coarse + sam.no_memory_embedding.reshape(1, -1, 1, 1)
        decoded = decode_best(sam, prompt.unsqueeze(1), (alone, fine, middle))
    masks, iou, scores, pointers = (each.squeeze(1) for each in decoded)
    return TrackedFrame(masks, iou, scores, pointers, memorise(sam, coarse, masks))


def _remembered(
    bank: MemoryBank[RememberedT],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The frames of a bank as `recall` takes them: features, ages and pointers."""
    memories = bank.memories()
    features = torch.stack([frame.memory_features for frame, _ in memories], dim=1)
    ages = torch.tensor([age for _, age in memories], device=features.device)
    pointers = torch.stack([frame.object_pointers for frame in bank.pointers()], dim=1)
    return features, ages.expand(features.shape[0], -1), pointers


def memorise(sam: Sam2VideoModel, coarse: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Memory features of a frame; transformers would round them to bfloat16.

    Args:
        sam: SAM 2.
        coarse: Its coarsest map, float32 [B, C, h, w], without `no_mem_embed`.
        masks: Mask logits, float32 [B, 4h, 4w].

    Returns:
        Float32 [B, M, h, w].
    """
    side = sam.config.image_size
    full = interpolate(masks.unsqueeze(1), (side, side), mode="bilinear", align_corners=False)
    scale, bias = sam.config.sigmoid_scale_for_mem_enc, sam.config.sigmoid_bias_for_mem_enc
    # The prompt is no click, so that even a prompted frame's mask stays soft.
    features: torch.Tensor = sam.memory_encoder(coarse, torch.sigmoid(full) * scale + bias)[0]
    return features


def recall(
    sam: Sam2VideoModel,
    coarse: torch.Tensor,
    memories: torch.Tensor,
    ages: torch.Tensor,
    pointers: torch.Tensor,
) -> torch.Tensor:
    """The coarsest map of a frame, conditioned on the frames before it.

    Args:
        sam: SAM 2.
        coarse: The map, float32 [B, C, h, w], without `no_mem_embed`.
        memories: Memory features, float32 [B, K, M, h, w].
        ages: Their rows of the temporal encoding, int64 [B, K].
        pointers: Object pointers, float32 [B, Q, C].

    Returns:
        Float32 [B, C, h, w].
    """
    batch, channels = coarse.shape[:2]
    times = sam.memory_temporal_positional_encoding.flatten(1)[ages]
    encoding = sam.memory_encoder.position_encoding
    place = _tokens(encoding(memories[:, 0].shape, memories.device, memories.dtype))
    tokens = torch.cat([_tokens(each) for each in memories.unbind(1)])
    places = torch.cat([place + time for time in times.unbind(1)])
    # A pointer is C wide and a memory token M: it is cut into C / M tokens.
    pieces = pointers.unflatten(2, (-1, memories.shape[2])).flatten(1, 2).transpose(0, 1)
    neck = sam.vision_encoder.neck
    conditioned = sam.memory_attention(
        _tokens(coarse),
        torch.cat([tokens, pieces]),
        _tokens(neck.position_encoding(coarse.shape, coarse.device, coarse.dtype)),
        # Pointers have no place and, in SAM 2.0, no time.
        torch.cat([places, torch.zeros_like(pieces)]),
        num_object_pointer_tokens=pieces.shape[0],
    )
    return conditioned.reshape(batch, -1, channels).transpose(1, 2).reshape(coarse.shape)


def _tokens(maps: torch.Tensor) -> torch.Tensor:
    """[B, C, h, w] -> [h w, B, C]."""
    return maps.flatten(2).permute(2, 0, 1)
