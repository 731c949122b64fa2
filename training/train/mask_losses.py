"""Losses of masks: binary cross entropy 2.0 and dice 0.5 as in the paper, and the IoU head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

BCE_WEIGHT = 2.0
DICE_WEIGHT = 0.5
IOU_WEIGHT = 0.2
SCORE_WEIGHT = 0.1


@dataclass(frozen=True)
class MaskLosses:
    """The weighted sum, and the mean IoU of the candidates that the model itself prefers."""

    total: torch.Tensor
    iou: float


def mask_losses(
    candidates: torch.Tensor, iou: torch.Tensor, scores: torch.Tensor, truth: torch.Tensor
) -> MaskLosses:
    """Losses of M masks.

    The candidate with the best true IoU learns the mask; all learn to tell their IoU.

    Args:
        candidates: Logits of the candidates, float32 [M, 3, h, w].
        iou: What each candidate is said to reach, float32 [M, 3].
        scores: Logits of whether the object is in the frame, float32 [M].
        truth: Part of each pixel that belongs to the object, float32 [M, S, S] of 0 to 1.
    """
    with torch.no_grad():
        small = F.interpolate(truth[:, None], candidates.shape[-2:], mode="area") > 0.5
        reached = _iou(candidates > 0, small)
        best = reached.argmax(-1)
        preferred = float(reached.gather(1, iou.argmax(-1, keepdim=True)).mean())
    chosen = candidates[torch.arange(len(best)), best]
    logits = F.interpolate(
        chosen[:, None], truth.shape[-2:], mode="bilinear", align_corners=False
    ).squeeze(1)
    entropy = F.binary_cross_entropy_with_logits(logits, truth)
    present = (truth.amax((1, 2)) > 0.5).to(scores.dtype)
    total = (
        BCE_WEIGHT * entropy
        + DICE_WEIGHT * dice(logits.sigmoid(), truth)
        + IOU_WEIGHT * F.mse_loss(iou, reached)
        + SCORE_WEIGHT * F.binary_cross_entropy_with_logits(scores, present)
    )
    return MaskLosses(total, preferred)


def _iou(masks: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of bool [M, 3, h, w] and [M, 1, h, w]; 1 where both are empty."""
    shared = (masks & truth).sum((2, 3)).float()
    union = (masks | truth).sum((2, 3)).float()
    return torch.where(union > 0, shared / union.clamp(min=1), torch.ones_like(union))


def dice(parts: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 less the overlap of parts with the truth, float32 [M, S, S] each; mean over M."""
    shared = 2 * (parts * truth).sum((1, 2))
    return (1 - (shared + 1) / (parts.sum((1, 2)) + truth.sum((1, 2)) + 1)).mean()
