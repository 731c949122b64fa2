"""Whether two runs on the same samples differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.metrics.intervals import (
    CONFIDENCE,
    NUM_DRAWS,
    SEED,
    Interval,
    bootstrap_interval,
)


@dataclass(frozen=True)
class PairedDifference:
    """How much the mean of one run is above that of another one.

    Attributes:
        difference: Mean of the second run less mean of the first one.
        interval: Where it lies.
    """

    difference: float
    interval: Interval

    @property
    def is_change(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval.low > 0 or self.interval.high < 0


@dataclass(frozen=True)
class Flips:
    """Answers that are right in one run only, with McNemar's exact test.

    Attributes:
        num_gained: Wrong in the first run, right in the second.
        num_lost: Right in the first run, wrong in the second.
        p_value: How likely flips are to be at least so one-sided if neither run is better.
    """

    num_gained: int
    num_lost: int
    p_value: float


def paired_bootstrap(
    first: Sequence[float] | NDArray[np.float64],
    second: Sequence[float] | NDArray[np.float64],
    videos: Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
    num_draws: int = NUM_DRAWS,
    seed: int = SEED,
) -> PairedDifference:
    """The difference of two means over the same samples, bootstrapped over videos.

    Args:
        first: Values of the first run.
        second: Values of the second run, of the same samples in the same order.
        videos: The video of each sample. None: each sample is a video of its own.
        confidence: Above 0, below 1.
        num_draws: How many times the videos are drawn.
        seed: Of the draws.

    Raises:
        InputError: When the numbers of values differ; others as `bootstrap_interval`.
    """
    if len(first) != len(second):
        raise InputError(
            f"expected values of the same samples, got {len(first)} and {len(second)} of them"
        )
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    interval = bootstrap_interval(
        differences, videos, confidence=confidence, num_draws=num_draws, seed=seed
    )
    return PairedDifference(float(differences.mean()), interval)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Flips:
    """McNemar's exact test, two-sided: the flips of answers as throws of a fair coin.

    Args:
        first: Which answers of the first run are right.
        second: Those of the second run, of the same samples in the same order.

    Raises:
        InputError: When the numbers of answers differ.
    """
    if len(first) != len(second):
        raise InputError(
            f"expected answers about the same samples, got {len(first)} and {len(second)} of them"
        )
    num_gained = sum(after and not before for before, after in zip(first, second, strict=True))
    num_lost = sum(before and not after for before, after in zip(first, second, strict=True))
    flips, fewer = num_gained + num_lost, min(num_gained, num_lost)
    # Integers up to the division: powers of two leave the range of floats at 1,024 flips.
    ways = tail = 1
    for count in range(fewer):
        ways = ways * (flips - count) // (count + 1)
        tail += ways
    return Flips(num_gained, num_lost, min(2 * tail / 2**flips, 1.0))
