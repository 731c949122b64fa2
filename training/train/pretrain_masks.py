"""Second stage of training: SAM 2 learns to find a thing by its looks, on single frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.train.cells import LooksHeads, label_cells
from training.train.looks import NUM_LOOKS, LooksPrompt, looks_of
from training.train.mask_frames import draw_mask_frames
from training.train.mask_losses import MaskLosses, mask_losses
from training.train.nano import Nano
from training.train.sizes import SAM2, SAM2_WIDTHS
from training.train.telling_scenes import shares_a_color, telling_scene
from training.world import TRAIN_SEEDS
from ufvideo_export.torch_model.mask_model import MaskEncoder, decode_candidates

_SCENES = 8
_FRAMES = 4
_THINGS = 3
# Of the coarsest map and of the one before it.
_GRIDS = (SAM2.feature_grid, 2 * SAM2.feature_grid)
_CELL_NAMES = tuple(f"{name}_{grid}" for grid in _GRIDS for name in ("kinds", "colors"))
_LOOKS_WEIGHT = 1.0
Batch = dict[str, torch.Tensor]


def mask_batch(number: int, *, level: int, seeds: range = TRAIN_SEEDS) -> Batch:
    """Frames of some scenes with the masks of their things.

    Args:
        number: Of the batch; every number has scenes of its own.
        level: Of the curriculum.
        seeds: Where scenes come from.

    Returns:
        frames uint8 [B, S, S, 3], truth float32 [B, _THINGS, S, S], looks int64
        [B, _THINGS, NUM_LOOKS], shown bool [B, _THINGS]: whether there is such a thing, and the
        kinds and colours that the cells of each grid show.
    """
    parts: dict[str, list[NDArray[np.generic]]] = {
        name: [] for name in ("frames", "truth", "looks", "shown", *_CELL_NAMES)
    }
    side = SAM2.image_size_px
    for seed in seeds[number * _SCENES : (number + 1) * _SCENES]:
        rng = np.random.default_rng([seed, 12])
        scene = telling_scene(seed, shares_a_color, level=level)
        drawn = draw_mask_frames(scene, _FRAMES, rng)
        count = len(scene.things)
        truth = np.zeros((_FRAMES, _THINGS, side, side), np.float32)
        truth[:, :count] = drawn.truth.transpose(1, 0, 2, 3)
        looks = np.zeros((_FRAMES, _THINGS, NUM_LOOKS), np.int64)
        looks[:, :count] = [looks_of(thing) for thing in scene.things]
        shown = np.zeros((_FRAMES, _THINGS), np.bool_)
        shown[:, :count] = True
        for grid in _GRIDS:
            cells = label_cells(drawn.drawn, grid, pairs=False)
            parts[f"kinds_{grid}"].append(cells.kinds)
            parts[f"colors_{grid}"].append(cells.colors)
        parts["frames"].append(drawn.frames)
        parts["truth"].append(truth)
        parts["looks"].append(looks)
        parts["shown"].append(shown)
    return {name: torch.from_numpy(np.concatenate(values)) for name, values in parts.items()}


class MaskPretraining(nn.Module):
    """SAM 2 with the prompts that stand in for the language model."""

    def __init__(self, nano: Nano) -> None:
        super().__init__()
        self.sam = nano.sam
        self.looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
        width = SAM2_WIDTHS.hidden_size
        self.looks_heads = nn.ModuleList([LooksHeads(width), LooksHeads(width // 4)])
        # In a list it is no child: it shares this SAM 2, whose weights are to be saved once.
        self._encoder = [MaskEncoder(nano.sam)]

    @property
    def encoder(self) -> MaskEncoder:
        """SAM 2's frame side."""
        return self._encoder[0]

    def forward(self, batch: Batch) -> MaskLosses:
        """Losses of one batch."""
        return self.losses(batch)[0]

    def losses(self, batch: Batch) -> tuple[MaskLosses, torch.Tensor, float]:
        """Losses of the masks, that of what the cells show, and how often its kind is right."""
        maps = self.encoder(batch["frames"])
        prompts = self.looks_prompt(batch["looks"])
        candidates, iou, _, scores = decode_candidates(self.sam, prompts, maps)
        shown = batch["shown"]
        masks = mask_losses(
            candidates[shown], iou[shown], scores[shown].squeeze(-1), batch["truth"][shown]
        )
        looks, right = prompts.new_zeros(()), 0.0
        for grid, heads, level in zip(_GRIDS, self.looks_heads, (maps[0], maps[2]), strict=True):
            loss, right = heads(level, batch[f"kinds_{grid}"], batch[f"colors_{grid}"])
            looks = looks + _LOOKS_WEIGHT * loss
        return masks, looks, right


def mask_batches(first: int) -> Iterator[Batch]:
    """Batches without end, from simple scenes to full ones within the first thousand."""
    number = first
    while True:
        yield mask_batch(number, level=min(number // 250, 3) if number % 4 else 3)
        number += 1
