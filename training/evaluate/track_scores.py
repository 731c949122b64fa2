"""How well a track follows its object: J and F of every frame, whom it follows, what it loses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.evaluate import contour_accuracy, region_similarity

# A mask is on the thing that it overlaps by more than half.
_LEAST_OVERLAP = 0.5
# A thing is partly hidden where less than this part of its largest area is seen.
_WHOLE_SHARE = 0.8


class Loss(Enum):
    """Why a frame loses J&F: the first reason that applies, in this order."""

    HIDDEN = "a mask of what is hidden"
    OTHER = "another thing"
    PARTLY = "it is partly hidden"
    MISSING = "no mask of what is seen"
    ELSEWHERE = "a mask on nothing"
    ROUGH = "a rough mask of it"


@dataclass(frozen=True)
class TrackScore:
    """What one track is worth.

    Attributes:
        region: Mean J over the frames behind the prompted one.
        boundary: Mean F.
        spread: Standard deviation of each frame's J where the object is seen.
        step: Mean change of J from one of these frames to the next.
        num_switches: How often the track went over from one thing to another.
        lost: What 1 - J&F is made of; the parts sum up to it.
    """

    region: float
    boundary: float
    spread: float
    step: float
    num_switches: int
    lost: Mapping[Loss, float]

    @property
    def region_and_boundary(self) -> float:
        """J&F: the mean of both."""
        return (self.region + self.boundary) / 2


def score_track(
    masks: Iterable[NDArray[np.bool_]], truth: NDArray[np.bool_], thing: int
) -> TrackScore:
    """Score a track.

    Args:
        masks: Of each frame, bool [H, W]; they are looked at one after the other.
        truth: The pixels of every thing that are seen on these frames, bool [K, F, H, W].
        thing: Index of the thing that was to be followed.

    Raises:
        ValueError: When there is no frame, or their number differs.
    """
    regions, boundaries, followed, lost = [], [], [], dict.fromkeys(Loss, 0.0)
    areas = truth[thing].sum(axis=(1, 2))
    is_whole = areas >= _WHOLE_SHARE * areas.max(initial=1)
    for mask, right, whole in zip(masks, truth.swapaxes(0, 1), is_whole, strict=True):
        regions.append(region_similarity(mask, right[thing]))
        boundaries.append(contour_accuracy(mask, right[thing]))
        followed.append(_followed(mask, right))
        is_on_other = followed[-1] not in (None, thing)
        kind = _loss(mask, right[thing], is_on_other=is_on_other, is_whole=bool(whole))
        lost[kind] += 1 - (regions[-1] + boundaries[-1]) / 2
    if not regions:
        raise ValueError("masks: expected a frame or more, got none")
    is_seen = areas > 0
    seen = np.array(regions)[is_seen]
    return TrackScore(
        region=float(np.mean(regions)),
        boundary=float(np.mean(boundaries)),
        spread=float(seen.std()) if len(seen) else 0.0,
        step=float(np.abs(np.diff(seen)).mean()) if len(seen) > 1 else 0.0,
        num_switches=num_switches(followed, thing),
        lost={kind: value / len(regions) for kind, value in lost.items()},
    )


def _loss(
    mask: NDArray[np.bool_], right: NDArray[np.bool_], *, is_on_other: bool, is_whole: bool
) -> Loss:
    """What keeps a mask from being right, if it is not."""
    if not right.any():
        return Loss.HIDDEN
    if is_on_other:
        return Loss.OTHER
    if not is_whole:
        return Loss.PARTLY
    if not mask.any():
        return Loss.MISSING
    return Loss.ROUGH if region_similarity(mask, right) > _LEAST_OVERLAP else Loss.ELSEWHERE


def _followed(mask: NDArray[np.bool_], right: NDArray[np.bool_]) -> int | None:
    """Which thing a mask is on; None if it is on none."""
    if not mask.any():
        return None
    overlaps = [region_similarity(mask, each) if each.any() else 0.0 for each in right]
    best = int(np.argmax(overlaps))
    return best if overlaps[best] > _LEAST_OVERLAP else None


def num_switches(followed: Sequence[int | None], thing: int) -> int:
    """How often a track went over from one thing to another; frames on none count as nothing.

    Args:
        followed: Which thing the track is on, by frame.
        thing: Which it begins on.
    """
    last, count = thing, 0
    for each in followed:
        if each is not None and each != last:
            last, count = each, count + 1
    return count
