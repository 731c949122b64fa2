"""Features under a region, which the region encoder reads (docs/model.md, part 5).

The reference in PyTorch of what the runtime computes; training runs through it.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


def covered_patches(masks: torch.Tensor, grid: int) -> torch.Tensor:
    """Which patches a region covers: bilinear at half-pixel centres, then above 0.

    Args:
        masks: bool [F, H, W].
        grid: Patches along a side.

    Returns:
        1 or 0, float32 [F, grid * grid].
    """
    small = F.interpolate(masks[:, None].float(), (grid, grid), mode="bilinear")
    return (small > 0).float().flatten(1)


def pool_features(features: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """Mean feature of the covered patches of each frame.

    Args:
        features: float32 [F, P, Dv].
        covered: Of `covered_patches`, float32 [F, P].

    Returns:
        float32 [F, Dv].
    """
    sums = torch.einsum("fp,fpd->fd", covered, features)
    return sums / (covered.sum(-1, keepdim=True) + 1e-8)


def merge_tokens(vectors: torch.Tensor, most: int) -> torch.Tensor:
    """Join the most similar neighbours until there are at most so many.

    Args:
        vectors: float32 [F, Dv].
        most: Vectors to keep.

    Returns:
        float32 [R, Dv].
    """
    count = len(vectors)
    if count <= most:
        return vectors
    with torch.no_grad():
        alike = F.cosine_similarity(vectors[:-1], vectors[1:], dim=-1)
        threshold = alike.topk(count - most).values.min()
        runs = F.pad((alike < threshold).long().cumsum(0), (1, 0))
    members = F.one_hot(runs).T.to(vectors.dtype)
    return members @ vectors / members.sum(-1, keepdim=True)
