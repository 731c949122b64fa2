"""Frames of a scene for the mask model, with the truth of every thing on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.train.pixels import draw_clip, resized
from training.train.sizes import SAM2
from training.world import Rendered, Scene


@dataclass(frozen=True)
class MaskFrames:
    """Frames to segment.

    Attributes:
        frames: uint8 [F, S, S, 3].
        truth: Part of each pixel that belongs to each thing, float32 [K, F, S, S].
        drawn: The same frames as they were drawn.
    """

    frames: NDArray[np.uint8]
    truth: NDArray[np.float32]
    drawn: Rendered


def draw_mask_frames(
    scene: Scene,
    count: int,
    rng: np.random.Generator,
    *,
    frame_idxs: NDArray[np.int64] | None = None,
) -> MaskFrames:
    """Draw frames with their masks.

    Args:
        scene: What to draw.
        count: Frames, fewer where there are no more.
        rng: Chooses them.
        frame_idxs: Frames to choose from; all when None.
    """
    choices = np.arange(scene.num_frames) if frame_idxs is None else np.unique(frame_idxs)
    idxs = np.sort(rng.choice(choices, min(count, len(choices)), replace=False))
    drawn = draw_clip(scene, idxs, rng)
    side = SAM2.image_size_px
    return MaskFrames(resized(drawn.frames, side), part_of_pixels(drawn.masks, side), drawn)


def part_of_pixels(masks: NDArray[np.bool_], side: int) -> NDArray[np.float32]:
    """Masks at the mask model's size, bool [..., H, W] -> float32 [..., side, side]."""
    flat = torch.from_numpy(masks.reshape(-1, 1, *masks.shape[-2:])).float()
    small = torch.nn.functional.interpolate(
        flat, (side, side), mode="bilinear", align_corners=False, antialias=True
    )
    return small.numpy().reshape(*masks.shape[:-2], side, side)
