"""Scores of masks: region overlap J and boundary agreement F, as DAVIS defines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import MaskTrack

_TOLERANCE = 0.008  # of the image's diagonal


def region_score(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """J: intersection over union; 1 where both are empty.

    Args:
        mask: bool [H, W].
        truth: bool [H, W].
    """
    union = np.count_nonzero(mask | truth)
    return 1.0 if union == 0 else np.count_nonzero(mask & truth) / union


def boundary_score(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """F: harmonic mean of boundary precision and recall within 0.8 % of the diagonal.

    Args:
        mask: bool [H, W].
        truth: bool [H, W].
    """
    reach = int(np.ceil(_TOLERANCE * np.hypot(*mask.shape)))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x**2 + y**2 <= reach**2).astype(np.uint8)
    edges = [_boundary(part) for part in (mask, truth)]
    counts = [int(edge.sum()) for edge in edges]
    if 0 in counts:
        return float(counts[0] == counts[1])
    near = [np.asarray(cv2.dilate(edge, disk), np.uint8) for edge in edges]
    precision = float((edges[0] & near[1]).sum()) / counts[0]
    recall = float((edges[1] & near[0]).sum()) / counts[1]
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _boundary(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pixels that differ from the one to the right, below, or to the lower right."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    edge = (here != padded[:-1, 1:]) | (here != padded[1:, :-1]) | (here != padded[1:, 1:])
    return np.asarray(edge, np.uint8)


def mask_scores(
    masks: Sequence[Iterable[NDArray[np.bool_]]], truth: NDArray[np.bool_]
) -> tuple[float, float]:
    """Mean J and F over all objects and frames.

    Args:
        masks: What was answered, for each of S objects the masks of F frames, bool [H, W]; they are
            looked at one after the other (`decoded`).
        truth: What is right, bool [S, F, H, W].

    Raises:
        ValueError: When their numbers or sizes differ, or there is no frame.
    """
    if len(masks) != len(truth):
        raise ValueError(f"masks: expected {len(truth)} objects as of the truth, got {len(masks)}")
    regions, boundaries = [], []
    for object_masks, object_truth in zip(masks, truth, strict=True):
        for mask, right in zip(object_masks, object_truth, strict=True):
            if mask.shape != right.shape:
                raise ValueError(f"masks: expected {right.shape} as of the truth, got {mask.shape}")
            regions.append(region_score(mask, right))
            boundaries.append(boundary_score(mask, right))
    if not regions:
        raise ValueError("masks: expected a frame or more, got none")
    return float(np.mean(regions)), float(np.mean(boundaries))


def decoded(track: MaskTrack) -> Iterator[NDArray[np.bool_]]:
    """The masks of a track, bool [H, W], one at a time."""
    return (mask.pixels() for mask in track)
