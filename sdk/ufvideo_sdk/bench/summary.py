"""From raw samples to the figures of a table; a percentile needs enough samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ufvideo_sdk.bench.figures import Figure, figure_of

PERCENTILES = (50, 95, 99)
N_TOO_SMALL = "n too small"
# A percentile is reported only if about five samples or more lie beyond it.
_SAMPLES_BEYOND = 5


def needed_samples(percent: int) -> int:
    """Fewest samples for which a percentile is reported: 5 / (1 - p), 500 for the 99th."""
    return math.ceil(_SAMPLES_BEYOND * 100 / (100 - percent))


@dataclass(frozen=True)
class Spread:
    """The middle half of some measurements, for those that are compared side by side.

    Attributes:
        median: The median.
        low: The lower quartile.
        high: The upper quartile.
    """

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Sum up one measurement or more."""
        low, median, high = np.percentile(values, (25, 50, 75))
        return Spread(float(median), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.low:.2f} to {self.high:.2f}"


def percentile(values: Sequence[float], percent: int) -> float | None:
    """A percentile; None if there are fewer measurements than `needed_samples`."""
    if len(values) < needed_samples(percent):
        return None
    return float(np.percentile(values, percent))


@dataclass(frozen=True)
class Summary:
    """All samples of one figure, over all processes.

    Attributes:
        figure: What was measured.
        n: Number of samples.
        num_processes: Of how many processes.
        mean: Their mean.
        min: The least.
        max: The most.
        percentiles: By percent; None where n is too small (`needed_samples`).
    """

    figure: Figure
    n: int
    num_processes: int
    mean: float
    min: float
    max: float
    percentiles: Mapping[int, float | None]

    @property
    def p50(self) -> float | None:
        """The median; None where n is too small."""
        return self.percentiles[50]

    @property
    def p95(self) -> float | None:
        """The 95th percentile; None where n is too small."""
        return self.percentiles[95]

    @property
    def p99(self) -> float | None:
        """The 99th percentile; None where n is too small."""
        return self.percentiles[99]


def summarize(name: str, by_process: Sequence[Sequence[float]]) -> Summary:
    """Sum up a figure.

    Args:
        name: Of the figure.
        by_process: The samples of each process that has some.
    """
    values = np.array([value for samples in by_process for value in samples])
    return Summary(
        figure=figure_of(name),
        n=len(values),
        num_processes=len(by_process),
        mean=float(values.mean()),
        min=float(values.min()),
        max=float(values.max()),
        percentiles={percent: percentile(values.tolist(), percent) for percent in PERCENTILES},
    )
