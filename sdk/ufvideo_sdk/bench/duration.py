"""The first minute of a long run beside the last: does the machine keep its speed?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.bench.comparison import FALSE_ALARM_RATE, is_reported
from ufvideo_sdk.bench.summary import N_TOO_SMALL

WINDOW_S = 60.0
_NUM_RESAMPLES = 4000
_SEED = 20240229
# Rounds that follow each other are alike: as many are drawn together.
_BLOCKS_OF_A_WINDOW = 8
_LEAST_ROUNDS = 5


@dataclass(frozen=True)
class Steadiness:
    """Rounds at the beginning of a run and at its end.

    Attributes:
        window_s: Length of each window: a minute, or a third of a shorter run.
        first_ms: Median round of the first window.
        last_ms: Median round of the last window.
        change: last_ms / first_ms - 1.
        low: Lower end of the interval of the change.
        high: Upper end.
        verdict: "slower", "faster", "steady", or "n too small".
    """

    window_s: float
    first_ms: float
    last_ms: float
    change: float
    low: float
    high: float
    verdict: str


def steadiness(process: Mapping[str, Any]) -> Steadiness | None:
    """Compare the first minute of a process's rounds with the last; None without rounds.

    The 95 % interval of the change of the median comes from a bootstrap over blocks of rounds in
    each window. The run is "slower" or "faster" if the interval excludes 0 and the change is 2 % or
    more.

    Args:
        process: One of the JSON's `processes` (docs/bench.md).
    """
    rounds = process["rounds"]
    if not rounds:
        return None
    begin_s, end_s = rounds[0]["begin_s"], rounds[-1]["end_s"]
    window_s = min(WINDOW_S, (end_s - begin_s) / 3)
    first = [each["round_ms"] for each in rounds if each["end_s"] <= begin_s + window_s]
    last = [each["round_ms"] for each in rounds if each["begin_s"] >= end_s - window_s]
    if min(len(first), len(last)) < _LEAST_ROUNDS:
        first_ms, last_ms = rounds[0]["round_ms"], rounds[-1]["round_ms"]
        change = last_ms / first_ms - 1
        return Steadiness(window_s, first_ms, last_ms, change, -math.inf, math.inf, N_TOO_SMALL)
    shift = float(np.log(np.median(last)) - np.log(np.median(first)))
    drawn = _drawn_medians(last, _SEED) - _drawn_medians(first, _SEED + 1)
    low, high = np.quantile(drawn, [FALSE_ALARM_RATE / 2, 1 - FALSE_ALARM_RATE / 2])
    change = math.expm1(shift)
    verdict = "steady"
    if is_reported(change, low, high):
        verdict = "slower" if shift > 0 else "faster"
    return Steadiness(
        window_s=window_s,
        first_ms=float(np.median(first)),
        last_ms=float(np.median(last)),
        change=change,
        low=math.expm1(float(low)),
        high=math.expm1(float(high)),
        verdict=verdict,
    )


def _drawn_medians(values: Sequence[float], seed: int) -> NDArray[np.float64]:
    """Logarithms of the medians of windows drawn anew, block by block, float64 [draws]."""
    generator = np.random.default_rng(seed)
    samples = np.log(values)
    length = max(len(samples) // _BLOCKS_OF_A_WINDOW, 1)
    num_blocks = math.ceil(len(samples) / length)
    starts = generator.integers(0, len(samples) - length + 1, (_NUM_RESAMPLES, num_blocks))
    idxs = (starts[..., None] + np.arange(length)).reshape(_NUM_RESAMPLES, -1)[:, : len(samples)]
    medians: NDArray[np.float64] = np.median(samples[idxs], axis=1)
    return medians
