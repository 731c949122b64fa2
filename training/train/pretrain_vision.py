"""First stage of training: the vision encoder and the aligner learn to see single things.

Each patch is to tell the kind, the colour and the place of what it shows; each video token the
same of its frame pair, and how it moves. The heads are thrown away; a language model that reads
such tokens learns in minutes what it else learns in hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from training.train.cells import (
    NUM_COLORS,
    NUM_KINDS,
    NUM_MEASURES,
    OUTLINE_SIDE,
    label_cells,
    label_outlines,
)
from training.train.nano import Nano
from training.train.pixels import draw_clip, resized
from training.train.sizes import NUM_FRAMES, SIGLIP
from training.world import TRAIN_SEEDS, make_scene
from ufvideo_export.torch_model.region_pooling import covered_patches
from ufvideo_sdk._native import sample_positions

_SCENES = 8
_PAIRS = 4
# Things marked by their masks, of one frame of each scene.
_POOLED = 3
Batch = dict[str, torch.Tensor]


def vision_batch(number: int, *, level: int, seeds: range = TRAIN_SEEDS) -> Batch:
    """Frame pairs of some scenes with their labels.

    Args:
        number: Of the batch; every number has scenes of its own.
        level: Of the curriculum.
        seeds: Where scenes come from.
    """
    parts: list[dict[str, NDArray[np.generic]]] = []
    for seed in seeds[number * _SCENES : (number + 1) * _SCENES]:
        rng = np.random.default_rng([seed, 11])
        scene = make_scene(seed, level=level)
        sampled = np.array(sample_positions(scene.num_frames, NUM_FRAMES))
        pairs = np.sort(rng.choice(NUM_FRAMES // 2, _PAIRS, replace=False))
        idxs = sampled[np.stack([2 * pairs, 2 * pairs + 1], 1).ravel()]
        drawn = draw_clip(scene, idxs, rng)
        patches = label_cells(drawn, SIGLIP.patch_grid, pairs=False)
        tokens = label_cells(drawn, SIGLIP.patch_grid // 2, pairs=True)
        parts.append(
            {
                "frames": resized(drawn.frames, SIGLIP.image_size_px),
                "patch_kinds": patches.kinds,
                "patch_colors": patches.colors,
                "patch_measures": patches.measures,
                "outlines": label_outlines(drawn, SIGLIP.patch_grid),
                "token_kinds": tokens.kinds,
                "token_colors": tokens.colors,
                "token_measures": tokens.measures,
                "pools": _pools(drawn.masks),
                "pool_kinds": _of_pools(patches.kinds, drawn.masks),
                "pool_colors": _of_pools(patches.colors, drawn.masks),
            }
        )
    return {key: torch.from_numpy(np.concatenate([p[key] for p in parts])) for key in parts[0]}


def _pools(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    num_things, num_frames = masks.shape[:2]
    covered = covered_patches(torch.from_numpy(masks).flatten(0, 1), SIGLIP.patch_grid)
    weights = covered.unflatten(0, (num_things, num_frames)).transpose(0, 1).numpy()
    padded = np.zeros((len(weights), _POOLED, weights.shape[-1]), np.float32)
    padded[:, : weights.shape[1]] = weights
    return padded


def _of_pools(labels: NDArray[np.int64], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The label of most of a region's cells, int64 [F, _POOLED]; 0 where there is none."""
    weights = _pools(masks)
    counts = np.stack([(weights * (labels == k)[:, None]).sum(-1) for k in range(1, 9)], -1)
    return np.where(counts.max(-1) > 0, counts.argmax(-1) + 1, 0)


class Heads(nn.Module):
    """Linear readers of features; they exist in training alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.kinds = nn.Linear(width, NUM_KINDS)
        self.colors = nn.Linear(width, NUM_COLORS)
        self.measures = nn.Linear(width, NUM_MEASURES)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features [..., width] -> scores of kinds and of colours, and measures."""
        features = self.norm(features)
        return self.kinds(features), self.colors(features), self.measures(features)


@dataclass(frozen=True)
class VisionLosses:
    """Sum to minimise, and the share of shown cells whose kind and colour are told right."""

    total: torch.Tensor
    scores: dict[str, float]


class VisionPretraining(nn.Module):
    """The two vision stages with their heads."""

    def __init__(self, nano: Nano) -> None:
        super().__init__()
        self.vision_encoder = nano.vision_encoder
        self.aligner = nano.aligner
        self.patch_heads = Heads(SIGLIP.hidden_size)
        self.outline_head = nn.Linear(SIGLIP.hidden_size, OUTLINE_SIDE**2)
        self.pool_heads = Heads(SIGLIP.hidden_size)
        self.token_heads = Heads(nano.sizes.hidden_size)

    def forward(self, batch: Batch) -> VisionLosses:
        """Losses of one batch."""
        features = self.vision_encoder(batch["frames"])
        tokens = self.aligner(features).view(len(features) // 2, -1, self.aligner_width)
        pools = batch["pools"]
        pooled = pools @ features / (pools.sum(-1, keepdim=True) + 1e-8)
        scores: dict[str, float] = {}
        outlines = self.outline_head(self.patch_heads.norm(features))
        total = 4 * F.binary_cross_entropy_with_logits(outlines, batch["outlines"])
        scores["outline"] = float(total.detach()) / 4
        for name, heads, states in (
            ("patch", self.patch_heads, features),
            ("token", self.token_heads, tokens),
            ("pool", self.pool_heads, pooled),
        ):
            kinds, colors, measures = heads(states)
            right_kinds, right_colors = batch[f"{name}_kinds"], batch[f"{name}_colors"]
            shown = right_kinds > 0
            if name == "pool":
                total = total + 0.5 * _entropy(kinds[shown], right_kinds[shown])
                total = total + 0.5 * _entropy(colors[shown], right_colors[shown])
            else:
                total = total + _entropy(kinds, right_kinds) + _entropy(colors, right_colors)
                errors = (measures - batch[f"{name}_measures"])[shown]
                total = total + F.smooth_l1_loss(errors, torch.zeros_like(errors))
                scores[f"{name}_error"] = float(errors.detach().abs().mean())
            scores[f"{name}_kind"] = _share(kinds[shown], right_kinds[shown])
            scores[f"{name}_color"] = _share(colors[shown], right_colors[shown])
        return VisionLosses(total, scores)

    @property
    def aligner_width(self) -> int:
        """D."""
        return int(self.token_heads.kinds.in_features)


def _entropy(scores: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(scores.flatten(0, -2), right.flatten())


def _share(scores: torch.Tensor, right: torch.Tensor) -> float:
    return float((scores.argmax(-1) == right).float().mean())


def vision_batches(first: int) -> Iterator[Batch]:
    """Batches without end, from simple scenes to full ones within the first thousand."""
    number = first
    while True:
        yield vision_batch(number, level=min(number // 250, 3) if number % 4 else 3)
        number += 1
