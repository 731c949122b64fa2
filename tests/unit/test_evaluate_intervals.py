"""Intervals beside published values and beside simulation; tests of two runs by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate import (
    Interval,
    bootstrap_interval,
    mcnemar,
    paired_bootstrap,
    wilson_interval,
)

Values = NDArray[np.float64]
NUM_SIMULATED = 2_000
# Of simulated bootstraps: the spread of their bounds is far below what coverage is judged by.
NUM_DRAWS = 1_000


def coverage(
    truth: float,
    interval_of: Callable[[np.random.Generator], Interval],
    num_simulated: int = NUM_SIMULATED,
) -> float:
    """How often an interval of new data holds the true mean."""
    rng = np.random.default_rng(11)
    found = [interval_of(rng) for _ in range(num_simulated)]
    return sum(each.low <= truth <= each.high for each in found) / num_simulated


def test_wilson_beside_published_values() -> None:
    # 51.61 % of 310 answers, as published for PixTRQA.
    found = wilson_interval(160, 310)
    assert (found.low, found.high) == (
        pytest.approx(0.4606, abs=5e-5),
        pytest.approx(0.5712, abs=5e-5),
    )
    # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I.
    for num_right, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson_interval(num_right, n)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert wilson_interval(0, 20).low == 0
    assert round(wilson_interval(0, 20).high, 4) == 0.1611
    assert wilson_interval(20, 20).high == 1


@pytest.mark.parametrize(("share", "n"), [(0.5, 310), (0.75, 1_000), (0.2, 100)])
def test_wilson_covers_the_truth(share: float, n: int) -> None:
    found = coverage(share, lambda rng: wilson_interval(int(rng.binomial(n, share)), n))
    assert 0.93 <= found <= 0.97


def clustered(rng: np.random.Generator) -> tuple[Values, list[str]]:
    """1 to 5 values of 0 to 1 of each of 100 videos, alike within a video; their mean is 0.5."""
    counts = rng.integers(1, 6, 100)
    names = np.repeat(np.arange(100), counts)
    values = 0.7 * rng.random(100)[names] + 0.3 * rng.random(len(names))
    return values, [str(name) for name in names]


@pytest.mark.slow
def test_bootstrap_covers_the_truth() -> None:
    found = coverage(0.5, lambda rng: bootstrap_interval(*clustered(rng), num_draws=NUM_DRAWS))
    assert 0.93 <= found <= 0.97


@pytest.mark.slow
def test_drawing_samples_one_by_one_would_not_cover_it() -> None:
    """What videos are for."""
    found = coverage(
        0.5, lambda rng: bootstrap_interval(clustered(rng)[0], num_draws=NUM_DRAWS), 400
    )
    assert found < 0.9


@pytest.mark.slow
def test_paired_bootstrap_covers_the_truth() -> None:
    """Two runs whose answers are alike: the interval is of the difference, and far narrower."""

    def interval_of(rng: np.random.Generator) -> Interval:
        values, videos = clustered(rng)
        others = values + 0.02 + 0.05 * (rng.random(len(values)) - 0.5)
        return paired_bootstrap(values, others, videos, num_draws=NUM_DRAWS).interval

    assert 0.93 <= coverage(0.02, interval_of) <= 0.97


def test_bootstrap_by_hand() -> None:
    """Of two videos four draws are equally likely: both means, and twice their mixture."""
    found = bootstrap_interval([0.0, 1.0])
    assert (found.low, found.high, found.confidence) == (0, 1, 0.95)
    # One video of three values: the mean of a draw is a ratio, 3 of 4 and not 1 of 2.
    found = bootstrap_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"], confidence=0.4)
    assert (found.low, found.high) == (0.75, 0.75)
    assert bootstrap_interval([0.3, 0.3, 0.3]) == Interval(pytest.approx(0.3), pytest.approx(0.3))


def test_equal_inputs_have_equal_intervals() -> None:
    values = np.random.default_rng(1).random(40)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)
    named = [f"video {k}" for k in range(40)]
    assert bootstrap_interval(values, named) == bootstrap_interval(values)


def test_paired_bootstrap_finds_what_differs() -> None:
    first = np.random.default_rng(2).random(200)
    found = paired_bootstrap(first, first + 0.1)
    assert found.difference == pytest.approx(0.1)
    assert found.is_change
    assert not paired_bootstrap(first, first).is_change
    assert not paired_bootstrap(first, first[::-1]).is_change


def test_mcnemar_by_hand() -> None:
    # Of seven flips at most one the other way: (1 + 7) / 128, twice.
    first = [True] * 6 + [False] + [True] * 5
    second = [False] * 6 + [True] + [True] * 5
    found = mcnemar(first, second)
    assert (found.num_gained, found.num_lost, found.p_value) == (1, 6, 0.125)
    assert mcnemar(first, first).p_value == 1
    assert mcnemar([True, False], [False, True]).p_value == 1
    many = mcnemar([True] * 800 + [False] * 700, [False] * 800 + [True] * 700)
    expected = 2 * sum(comb(1_500, k) for k in range(701)) / 2**1_500
    assert 0 < many.p_value == expected < 0.02


def test_what_has_no_interval_is_refused() -> None:
    with pytest.raises(InputError, match="num_right from 0 to n"):
        wilson_interval(0, 0)
    with pytest.raises(InputError, match="confidence"):
        wilson_interval(1, 2, confidence=95)
    with pytest.raises(InputError, match="two videos or more, got 1"):
        bootstrap_interval([0.1, 0.2], ["a", "a"])
    with pytest.raises(InputError, match="as many videos as values"):
        bootstrap_interval([0.1, 0.2], ["a"])
    with pytest.raises(InputError, match="finite"):
        bootstrap_interval([0.1, float("nan")])
    with pytest.raises(InputError, match="num_draws"):
        bootstrap_interval([0.1, 0.2], num_draws=1)
    with pytest.raises(InputError, match="the same samples, got 1 and 2"):
        paired_bootstrap([0.1], [0.1, 0.2])
    with pytest.raises(InputError, match="the same samples, got 1 and 2"):
        mcnemar([True], [True, False])
