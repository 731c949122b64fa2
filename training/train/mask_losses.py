"""Losses of masks: binary cross entropy 2.0 and dice 0.5 as in the paper, and the IoU head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ufvideo_export.torch_model.propagate import TrackedFrame

BCE_WEIGHT = 2.0
DICE_WEIGHT = 0.5
IOU_WEIGHT = 0.2
SCORE_WEIGHT = 0.1


@dataclass(frozen=True)
class MaskLosses:
    """The weighted sum, and the mean IoU of the candidates that the model itself prefers."""

    total: torch.Tensor
    iou: float


@dataclass(frozen=True)
class TrackedLosses:
    """The weighted sum of F frames of M objects, and what they reached.

    Attributes:
        total: The loss.
        iou: True IoU of each mask, float32 [F M].
        present: Whether the object is seen, bool [F M].
        shown: Whether the object score says that it is, bool [F M].
    """

    total: torch.Tensor
    iou: torch.Tensor
    present: torch.Tensor
    shown: torch.Tensor


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
        reached = mask_iou(candidates > 0, small)
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


def tracked_losses(
    found: Sequence[TrackedFrame], truth: torch.Tensor, *, score_weight: float = SCORE_WEIGHT
) -> TrackedLosses:
    """Losses of masks that SAM 2's memory carried, in which the best candidate alone is left.

    Args:
        found: What is found of M objects on F frames.
        truth: Part of each pixel that belongs to the object, float32 [F M, S, S] of 0 to 1.
        score_weight: Weight of the object score.
    """
    logits = torch.cat([frame.mask_logits for frame in found])
    full = F.interpolate(logits[:, None], truth.shape[-2:], mode="bilinear")[:, 0]
    said = torch.cat([frame.iou_scores for frame in found]).amax(-1)
    scores = torch.cat([frame.object_scores for frame in found]).squeeze(-1)
    with torch.no_grad():
        right = truth > 0.5
        reached = mask_iou(full > 0, right)
        present = right.flatten(1).any(1)
    total = (
        BCE_WEIGHT * F.binary_cross_entropy_with_logits(full, truth)
        + DICE_WEIGHT * dice(full.sigmoid(), truth)
        + IOU_WEIGHT * F.mse_loss(said, reached)
        + score_weight * F.binary_cross_entropy_with_logits(scores, present.to(scores.dtype))
    )
    return TrackedLosses(total, reached, present, scores > 0)


def mask_iou(masks: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """IoU of bool [..., H, W], float32 [...]; 1 where both are empty."""
    shared = (masks & truth).sum((-2, -1))
    union = (masks | truth).sum((-2, -1))
    return torch.where(union > 0, shared / union.clamp(min=1), 1.0)


def dice(parts: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 less the overlap of parts with the truth, float32 [M, S, S] each; mean over M."""
    shared = 2 * (parts * truth).sum((1, 2))
    return (1 - (shared + 1) / (parts.sum((1, 2)) + truth.sum((1, 2)) + 1)).mean()
