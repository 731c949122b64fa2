"""Confidence intervals of means: Wilson's for right or wrong, else a bootstrap over videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import InputError

CONFIDENCE = 0.95
NUM_DRAWS = 10_000
SEED = 0
# Positions that are drawn at once: 16 MiB of them.
_CHUNK = 1 << 21


@dataclass(frozen=True)
class Interval:
    """Where a mean lies, with `confidence`.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        confidence: How often such an interval holds the true mean, 0 to 1.
    """

    low: float
    high: float
    confidence: float = CONFIDENCE


def wilson_interval(num_right: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a share, without a correction for continuity (Wilson, 1927).

    Args:
        num_right: How many are right.
        n: Of how many.
        confidence: Above 0, below 1.

    Returns:
        The bounds, 0 to 1.

    Raises:
        InputError: When n is 0, num_right is not from 0 to n, or confidence is none.
    """
    _check_confidence(confidence)
    if n < 1 or not 0 <= num_right <= n:
        raise InputError(f"expected num_right from 0 to n, n of 1 or more, got {num_right} of {n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = num_right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n of n one bound is exact, but for rounding.
    low = 0.0 if num_right == 0 else max(middle - reach, 0.0)
    high = 1.0 if num_right == n else min(middle + reach, 1.0)
    return Interval(low, high, confidence)


def bootstrap_interval(
    values: Sequence[float] | NDArray[np.float64],
    videos: Sequence[str] | None = None,
    *,
    weights: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
    num_draws: int = NUM_DRAWS,
    seed: int = SEED,
) -> Interval:
    """The percentile bootstrap of a mean, over videos: values of one video are drawn together.

    Values of a video resemble each other, so that drawing them one by one would make the interval
    too narrow. If all videos have equal means, so have all draws: the interval then has no width.

    Args:
        values: One of each sample.
        videos: The video of each sample. None: each sample is a video of its own.
        weights: How much each value counts, above 0; None: all alike.
        confidence: Above 0, below 1.
        num_draws: How many times the videos are drawn, with replacement.
        seed: Of the draws: equal inputs have equal intervals.

    Returns:
        The bounds, in the unit of the values.

    Raises:
        InputError: When a value is not finite, a weight is not above 0, there are fewer than two
            videos, the numbers of values, videos and weights differ, or a setting is none.
    """
    _check_confidence(confidence)
    if num_draws < 100:
        raise InputError(f"num_draws: expected 100 or more, got {num_draws}")
    sums, totals = _by_video(values, videos, weights)
    means = np.concatenate(
        [
            sums[drawn].sum(axis=1) / totals[drawn].sum(axis=1)
            for drawn in _draws(len(sums), num_draws, seed)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(low), float(high), confidence)


def _by_video(
    values: Sequence[float] | NDArray[np.float64],
    videos: Sequence[str] | None,
    weights: Sequence[float] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sum and weight of the values of each video, both float64 [V]."""
    array = np.asarray(values, np.float64)
    scale = np.ones(len(array)) if weights is None else np.asarray(weights, np.float64)
    names = list(range(len(array))) if videos is None else list(videos)
    if array.ndim != 1 or len(names) != len(array):
        raise InputError(
            f"expected as many videos as values, got {len(names)} and {list(array.shape)}"
        )
    if not np.isfinite(array).all():
        raise InputError("values: expected finite numbers, got NaN or infinity")
    if scale.shape != array.shape or not (np.isfinite(scale) & (scale > 0)).all():
        raise InputError("weights: expected a finite number above 0 for each value")
    # In the order in which they come, so that names do not matter.
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    if len(places) < 2:
        raise InputError(f"expected values of two videos or more, got {len(places)}")
    at = np.array([places[name] for name in names])
    sums, totals = np.bincount(at, array * scale), np.bincount(at, scale)
    return np.asarray(sums, np.float64), np.asarray(totals, np.float64)


def _draws(num_videos: int, num_draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Positions of videos, drawn with replacement, int64 [D, V] at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(_CHUNK // num_videos, 1)
    for begin in range(0, num_draws, at_once):
        yield rng.integers(num_videos, size=(min(at_once, num_draws - begin), num_videos))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected above 0 and below 1, got {confidence}")
