"""SAM 2 learns things that are hidden in part or wholly, on single frames of long clips.

Frames of the stage "masks" go on among them, so that nothing is forgotten. Memory stands still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from training.train.looks import LooksPrompt, looks_of
from training.train.mask_frames import part_of_pixels
from training.train.mask_losses import dice, mask_iou
from training.train.nano import Nano
from training.train.pixels import draw_clip, resized
from training.train.pretrain_masks import mask_batch
from training.train.sizes import SAM2, SAM2_WIDTHS
from training.train.train_memory import memory_parameters
from training.world import TRAIN_SEEDS
from training.world.long_scene import make_long_scene
from training.world.truth import seen_shares
from ufvideo_export.torch_model.mask_model import MaskEncoder, decode_candidates

# Scenes that no other stage has seen: of long clips, and by number those of "masks".
FIRST_SEED = 95_000_000
_FIRST_MASK_BATCH = 200_000
# Of five batches so many are of short scenes.
_SHORT_BATCHES, _ROUND = 3, 5
_HARDEST = 3
SCENES, FRAMES, THINGS = 8, 6, 3
_CLIP_FRAMES = 300
# A thing is hidden below the first share and whole above the second one; how much more often than
# others frames are drawn on which one is hidden in part, or wholly.
_HIDDEN_SHARE, _WHOLE_SHARE = 0.03, 0.9
_PARTLY_WEIGHT, _HIDDEN_WEIGHT = 3.0, 2.0
# A sliver of a thing weighs as much as a whole one: entropy is divided by the thing's pixels and
# these.
_EXTRA_PIXELS = 60
_ENTROPY_WEIGHT, _DICE_WEIGHT, _IOU_WEIGHT, _SCORE_WEIGHT = 0.5, 1.0, 0.2, 0.3
_MOST_NOISE = 0.4


@dataclass(frozen=True)
class OccludedBatch:
    """Frames and their things.

    Attributes:
        frames: uint8 [B, S, S, 3].
        truth: Part of each pixel in which a thing is seen, float32 [B, THINGS, S, S].
        looks: int64 [B, THINGS, NUM_LOOKS].
        shown: Whether there is such a thing, bool [B, THINGS]; it may be hidden.
        is_long: Whether the frames are of long clips.
    """

    frames: torch.Tensor
    truth: torch.Tensor
    looks: torch.Tensor
    shown: torch.Tensor
    is_long: bool


def occluded_batch(number: int, *, seeds: range = TRAIN_SEEDS[FIRST_SEED:]) -> OccludedBatch:
    """Frames of some long clips, mostly those on which a thing is hidden in part.

    Args:
        number: Of the batch; every number has scenes of its own.
        seeds: Where scenes come from.

    Raises:
        ValueError: When the batch's seeds lie outside of them.
    """
    own = seeds[number * SCENES : (number + 1) * SCENES]
    if len(own) < SCENES:
        raise ValueError(f"number: expected below {len(seeds) // SCENES}, got {number}")
    frames: list[NDArray[np.uint8]] = []
    truth: list[NDArray[np.float32]] = []
    looks: list[NDArray[np.int64]] = []
    for seed in own:
        rng = np.random.default_rng([seed, 21])
        scene = make_long_scene(seed, _CLIP_FRAMES)
        chances = _chances(seen_shares(scene, scene.fractions())[[0, 2]])
        idxs = np.sort(rng.choice(_CLIP_FRAMES, FRAMES, replace=False, p=chances))
        drawn = draw_clip(scene, idxs, rng)
        frames.append(resized(drawn.frames, SAM2.image_size_px))
        truth.append(part_of_pixels(drawn.masks, SAM2.image_size_px).swapaxes(0, 1))
        looks.append(np.tile(np.stack([looks_of(each) for each in scene.things]), (FRAMES, 1, 1)))
    return OccludedBatch(
        frames=torch.from_numpy(np.concatenate(frames)),
        truth=torch.from_numpy(np.concatenate(truth)),
        looks=torch.from_numpy(np.concatenate(looks)),
        shown=torch.ones(SCENES * FRAMES, THINGS, dtype=torch.bool),
        is_long=True,
    )


def _chances(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely each frame is drawn, from how much is seen of things, float64 [K, F]."""
    partly = ((shares > _HIDDEN_SHARE) & (shares < _WHOLE_SHARE)).any(0)
    hidden = (shares <= _HIDDEN_SHARE).any(0)
    weights = np.where(partly, _PARTLY_WEIGHT, np.where(hidden, _HIDDEN_WEIGHT, 1.0))
    return np.asarray(weights / weights.sum())


def occluded_batches(first: int) -> Iterator[OccludedBatch]:
    """Batches without end, of short scenes and of long ones in turn."""
    number = first
    while True:
        if number % _ROUND < _SHORT_BATCHES:
            parts = mask_batch(_FIRST_MASK_BATCH + number, level=_HARDEST)
            names = ("frames", "truth", "looks", "shown")
            yield OccludedBatch(**{name: parts[name] for name in names}, is_long=False)
        else:
            yield occluded_batch(number)
        number += 1


class OccludedTraining(nn.Module):
    """SAM 2 without its memory, with the prompts that stand in for the language model."""

    def __init__(self, nano: Nano) -> None:
        super().__init__()
        self.sam = nano.sam
        self.looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
        self.looks_prompt.requires_grad_(False)
        for parameter in memory_parameters(nano.sam):
            parameter.requires_grad_(False)
        self.eval()
        # In a list it is no child: it shares this SAM 2, whose weights are to be saved once.
        self._encoder = [MaskEncoder(nano.sam)]

    @property
    def encoder(self) -> MaskEncoder:
        """SAM 2's frame side."""
        return self._encoder[0]

    def forward(self, batch: OccludedBatch) -> tuple[torch.Tensor, Mapping[str, float]]:
        """Loss and figures of a batch."""
        shown = batch.shown
        maps = self.encoder(batch.frames)
        candidates, said, _, scores = decode_candidates(self.sam, self._prompts(batch), maps)
        loss, figures = occluded_losses(
            candidates[shown], said[shown], scores[shown].squeeze(-1), batch.truth[shown]
        )
        prefix = "long_" if batch.is_long else ""
        return loss, {f"{prefix}{name}": value for name, value in figures.items()}

    def _prompts(self, batch: OccludedBatch) -> torch.Tensor:
        """What the looks mean, off by as much as the language model may be."""
        with torch.no_grad():
            exact = self.looks_prompt(batch.looks)
            noise = torch.rand(()) * _MOST_NOISE * torch.randn_like(exact)
            return exact + self.looks_prompt.spread().sqrt() * noise


def shown_masks(module: OccludedTraining, batch: OccludedBatch) -> torch.Tensor:
    """Masks as the runtime shows them, bool [B, THINGS, S, S]: empty if a thing is not there."""
    maps = module.encoder(batch.frames)
    prompts = module.looks_prompt(batch.looks)
    candidates, said, _, scores = decode_candidates(module.sam, prompts, maps)
    best = said.argmax(-1)[:, :, None, None, None].expand(-1, -1, 1, *candidates.shape[-2:])
    logits = candidates.gather(2, best).squeeze(2)
    full = F.interpolate(logits, batch.truth.shape[-2:], mode="bilinear", align_corners=False)
    return (full > 0) & (scores.reshape(best.shape[:2])[:, :, None, None] > 0)


def occluded_losses(
    candidates: torch.Tensor, said: torch.Tensor, scores: torch.Tensor, truth: torch.Tensor
) -> tuple[torch.Tensor, Mapping[str, float]]:
    """Losses of M masks, in which a small part of a thing weighs as much as a whole one.

    The candidate with the best true IoU at full size learns the mask; all learn to tell theirs.

    Args:
        candidates: Logits of the candidates, float32 [M, 3, h, w].
        said: What each candidate is said to reach, float32 [M, 3].
        scores: Logits of whether the object is in the frame, float32 [M].
        truth: Part of each pixel that belongs to the object, float32 [M, S, S] of 0 to 1.

    Returns:
        The loss, and the figures `iou` of what is seen, and how often `present` and `absent` are
        right; NaN of nothing.
    """
    full = F.interpolate(candidates, truth.shape[-2:], mode="bilinear", align_corners=False)
    with torch.no_grad():
        right = truth > 0.5
        reached = mask_iou(full > 0, right[:, None].expand_as(full))
        best = reached.argmax(-1)
        preferred = reached.gather(1, said.argmax(-1, keepdim=True)).squeeze(-1)
        is_seen = right.flatten(1).any(1)
        is_right = (scores > 0) == is_seen
    logits = full[torch.arange(len(best)), best]
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum((1, 2))
    total = (
        _ENTROPY_WEIGHT * (entropy / (truth.sum((1, 2)) + _EXTRA_PIXELS)).mean()
        + _DICE_WEIGHT * dice(logits.sigmoid(), truth)
        + _IOU_WEIGHT * F.mse_loss(said, reached)
        + _SCORE_WEIGHT * F.binary_cross_entropy_with_logits(scores, is_seen.to(scores.dtype))
    )
    return total, {
        "iou": float(preferred[is_seen].mean()),
        "present": float(is_right[is_seen].float().mean()),
        "absent": float(is_right[~is_seen].float().mean()),
    }
