"""How well single frames of validation clips are segmented, while that is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from training.train.mask_losses import mask_iou
from training.train.pretrain_masks import mask_batch
from training.train.train_occluded import (
    OccludedBatch,
    OccludedTraining,
    occluded_batch,
    shown_masks,
)
from training.world import VALIDATION_SEEDS

# A thing of which less than this part of its largest area is seen is hidden in part.
_WHOLE_SHARE = 0.8


class OccludedFrames:
    """Frames of long clips, and of short scenes as the stage "masks" has them."""

    def __init__(self, module: OccludedTraining, *, num_long: int, num_short: int) -> None:
        """Draw the frames.

        Args:
            module: What learns.
            num_long: Batches of long clips.
            num_short: Batches of short scenes.
        """
        self._module = module
        self._batches = [occluded_batch(n, seeds=VALIDATION_SEEDS) for n in range(num_long)]
        for number in range(num_short):
            parts = mask_batch(number, level=3, seeds=VALIDATION_SEEDS)
            names = ("frames", "truth", "looks", "shown")
            self._batches.append(OccludedBatch(**{n: parts[n] for n in names}, is_long=False))

    def scores(self) -> Mapping[str, float]:
        """Mean J of what is whole, partly hidden and hidden on long clips, and of short scenes."""
        found: dict[str, list[float]] = {}
        for batch in self._batches:
            for name, values in self._scored(batch).items():
                found.setdefault(name, []).extend(values)
        return {name: float(np.mean(values)) for name, values in found.items() if values}

    def _scored(self, batch: OccludedBatch) -> Mapping[str, Sequence[float]]:
        with torch.no_grad():
            masks = shown_masks(self._module, batch)
        truth = batch.truth > 0.5
        j = mask_iou(masks, truth)
        areas = truth.flatten(2).sum(-1)
        is_seen = areas > 0
        if not batch.is_long:
            return {
                "short": j[batch.shown & is_seen].tolist(),
                "short_absent": j[batch.shown & ~is_seen].tolist(),
            }
        is_whole = areas >= _WHOLE_SHARE * areas.amax(0)
        return {
            "whole": j[is_whole & is_seen].tolist(),
            "partly": j[~is_whole & is_seen].tolist(),
            "hidden": j[~is_seen].tolist(),
        }
