"""Region similarity J and contour accuracy F of masks, as DAVIS defines them.

Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import InputError

# Contours this close count as the same, a part of the image's diagonal.
CONTOUR_TOLERANCE = 0.008

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MaskScores:
    """J and F of masks.

    Attributes:
        region: J, region similarity, 0 to 1.
        contour: F, contour accuracy, 0 to 1.
    """

    region: float
    contour: float

    @property
    def region_and_contour(self) -> float:
        """J&F: the mean of both."""
        return (self.region + self.contour) / 2


_ZEROS = MaskScores(0.0, 0.0)


def region_similarity(mask: Mask, truth: Mask, *, void: Mask | None = None) -> float:
    """J: the pixels that two masks share, divided by those of both together.

    Args:
        mask: bool [H, W].
        truth: bool [H, W].
        void: Pixels that do not count, bool [H, W].

    Returns:
        0 to 1; 1 if both are empty.

    Raises:
        InputError: When one is not bool [H, W], or their sizes differ.
    """
    mask, truth = _counted(mask, truth, void)
    union = np.count_nonzero(mask | truth)
    return 1.0 if union == 0 else np.count_nonzero(mask & truth) / union


def contour_accuracy(mask: Mask, truth: Mask, *, void: Mask | None = None) -> float:
    """F: the harmonic mean of the precision and the recall of a mask's contour.

    A pixel of one contour is matched if a pixel of the other lies within a disk of radius r,
    x^2 + y^2 <= r^2, where r is 0.8 % of the diagonal, rounded up to whole pixels.

    Args:
        mask: bool [H, W].
        truth: bool [H, W].
        void: Pixels that do not count, bool [H, W].

    Returns:
        0 to 1; 1 if neither has a contour, 0 if one has none. The border of the picture is no
        contour.

    Raises:
        InputError: As `region_similarity`.
    """
    mask, truth = _counted(mask, truth, void)
    disk = _disk(contour_radius(*mask.shape))
    contours = _contour(mask), _contour(truth)
    num_mask, num_truth = (int(contour.sum()) for contour in contours)
    if 0 in (num_mask, num_truth):
        return float(num_mask == num_truth)
    near_mask, near_truth = (np.asarray(cv2.dilate(each, disk), np.uint8) for each in contours)
    precision = int((contours[0] & near_truth).sum()) / num_mask
    recall = int((contours[1] & near_mask).sum()) / num_truth
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def contour_radius(height: int, width: int) -> int:
    """Radius in pixels within which contours of a picture of height x width pixels match."""
    return int(np.ceil(CONTOUR_TOLERANCE * np.linalg.norm((height, width))))


def mask_scores(
    masks: Sequence[Iterable[Mask] | None], truth: Sequence[Iterable[Mask]] | NDArray[np.bool_]
) -> MaskScores:
    """J and F of objects: the mean over the frames of each object, then over the objects.

    Args:
        masks: The masks of each object, bool [H, W] by frame, one at a time. The k-th object
            belongs to the k-th one of the truth; an object that is missing at the end, or None,
            counts 0.
        truth: The right masks of each object, bool [S, F, H, W], or iterables of bool [H, W].

    Raises:
        InputError: When there are more objects than in the truth, no object or no frame, or an
            object's number of frames or size differs from the truth's.
    """
    if len(masks) > len(truth) or not len(truth):
        raise InputError(
            f"masks: expected at most {len(truth)} objects as in the truth, and one or more there,"
            f" got {len(masks)}"
        )
    scores = [
        _ZEROS if given is None else _object_scores(given, right, number)
        for number, (given, right) in enumerate(zip_longest(masks, truth))
    ]
    return _mean(scores)


def _object_scores(masks: Iterable[Mask], truth: Iterable[Mask], number: int) -> MaskScores:
    scores: list[MaskScores] = []
    for mask, right in zip_longest(masks, truth):
        if mask is None or right is None:
            longer = "masks" if right is None else "truth"
            raise InputError(
                f"masks[{number}]: expected a mask for each frame of the truth, got more frames in"
                f" the {longer}, behind {len(scores)}"
            )
        scores.append(MaskScores(region_similarity(mask, right), contour_accuracy(mask, right)))
    if not scores:
        raise InputError(f"masks[{number}]: expected a frame or more, got none")
    return _mean(scores)


def _mean(scores: Sequence[MaskScores]) -> MaskScores:
    return MaskScores(
        float(np.mean([each.region for each in scores])),
        float(np.mean([each.contour for each in scores])),
    )


def _counted(mask: Mask, truth: Mask, void: Mask | None) -> tuple[Mask, Mask]:
    """Both masks without the pixels that do not count."""
    for name, each in (("mask", mask), ("truth", truth), ("void", void)):
        if each is not None and (each.dtype != np.bool_ or each.ndim != 2 or each.size == 0):
            raise InputError(f"{name}: expected bool [H, W], got {each.dtype} {list(each.shape)}")
        if each is not None and each.shape != truth.shape:
            raise InputError(
                f"{name}: expected {list(truth.shape)} as of the truth, got {list(each.shape)}"
            )
    return (mask, truth) if void is None else (mask & ~void, truth & ~void)


@lru_cache(maxsize=16)
def _disk(radius: int) -> NDArray[np.uint8]:
    """The pixels within a radius, uint8 [2 r + 1, 2 r + 1]; OpenCV's ellipse has others."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x**2 + y**2 <= radius**2, np.uint8)


def _contour(mask: Mask) -> NDArray[np.uint8]:
    """Pixels that differ from the one to the right, below, or to the lower right, uint8 [H, W]."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    differs = (here != padded[:-1, 1:]) | (here != padded[1:, :-1]) | (here != padded[1:, 1:])
    return np.asarray(differs, np.uint8)
