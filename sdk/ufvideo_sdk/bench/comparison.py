"""Compare two measurements, and report a change only if it is unlikely to be chance.

Of comparisons of measurements that do not differ, at most `FALSE_ALARM_RATE` report a change in
any of their figures (docs/bench.md, How two runs are compared).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import ConfigError, InputError
from ufvideo_sdk.bench.figures import figure_of
from ufvideo_sdk.bench.machine_difference import state_differences
from ufvideo_sdk.bench.result import BenchResult

FALSE_ALARM_RATE = 0.05
# Of runs one after the other, few processes with long tails reported changes more often with the
# quantile of 95 %. docs/bench.md says how often this one does.
_QUANTILE_IN_TURN = 1 - FALSE_ALARM_RATE
_QUANTILE = 1 - FALSE_ALARM_RATE / 2
# By how much a time of one run differs from that of the next beyond what its processes vary by, the
# standard deviation of its logarithm: the median over all times of 80 runs of one package, each of
# half a minute, on a shared machine that nothing else of ours used. No single run can tell it.
RUN_SPREAD = 0.03
# Of the largest of some thirty figures, normally distributed and alike.
_RUN_QUANTILE = 3.0
# A smaller change is not reported, however certain it is.
LEAST_CHANGE = 0.02
# Fewest processes of each side.
LEAST_PROCESSES = 5
_NUM_RESAMPLES = 4000
_SEED = 20240229
# A figure that hardly varies, as a count of bytes: its spread is taken to be this at least.
_LEAST_SPREAD = 1e-3
# Beyond it a run says nothing: the machine drifts more than it varies.
_MOST_CORRELATION = 0.9

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """One figure of two measurements.

    Attributes:
        name: Of the figure.
        before: In the first: the geometric mean over the processes' medians.
        after: In the second.
        change: after / before - 1.
        low: Lower end of the simultaneous interval of the change.
        high: Upper end.
        verdict: "faster", "slower", "more", "less" or "no change".
    """

    name: str
    before: float
    after: float
    change: float
    low: float
    high: float
    verdict: str

    @property
    def is_change(self) -> bool:
        """Whether a change is reported."""
        return self.verdict != "no change"

    @property
    def is_worse(self) -> bool:
        """Whether a change for the worse is reported."""
        return self.verdict in ("slower", "more")


@dataclass(frozen=True)
class ProvidersComparison:
    """What was found for one list of providers.

    Attributes:
        providers: The list.
        changes: Of every figure that is judged.
        different_answers: Names of the questions and tasks whose answers differ.
    """

    providers: tuple[str, ...]
    changes: tuple[Change, ...]
    different_answers: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two measurements.

    Attributes:
        by_providers: For each list of providers that both have.
        state_differences: Each difference in the state of the machine, as "what: first, second".
        is_paired: Whether the processes ran in turn.
    """

    by_providers: tuple[ProvidersComparison, ...]
    state_differences: tuple[str, ...]
    is_paired: bool

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes that are reported."""
        return tuple(
            change for each in self.by_providers for change in each.changes if change.is_change
        )

    @property
    def answers_differ(self) -> bool:
        """Whether any answer differs."""
        return any(each.different_answers for each in self.by_providers)

    @property
    def is_worse(self) -> bool:
        """Whether the second is slower or larger in any figure, or any answer differs."""
        return self.answers_differ or any(change.is_worse for change in self.changes)


def compare(before: BenchResult, after: BenchResult, *, force: bool = False) -> Comparison:
    """Compare two measurements of the same work.

    Args:
        before: The first.
        after: The second.
        force: Compare although the machine's state differs.

    Raises:
        InputError: When they did not measure the same work, or have too few processes.
        ConfigError: When the machine's state differs, without force.
    """
    a, b = before.document, after.document
    _check_same_work(a, b)
    is_paired = a.get("pair") is not None and a.get("pair") == b.get("pair")
    if is_paired and _num_processes(a) != _num_processes(b):
        raise InputError("compare: expected as many processes of both packages, the files differ")
    differences = () if is_paired else tuple(state_differences(a, b))
    if differences and not force:
        raise ConfigError(
            "compare: expected the same state of the machine, got "
            + "; ".join(differences)
            + ": measure again in the same state, or compare all the same with --force"
        )
    shared = [providers for providers in before.providers if providers in after.providers]
    if not shared:
        raise InputError(
            f"compare: expected a list of providers that both measured, got {before.providers} and"
            f" {after.providers}"
        )
    pairs = [
        (
            a["results"][before.providers.index(providers)],
            b["results"][after.providers.index(providers)],
        )
        for providers in shared
    ]
    return Comparison(
        by_providers=tuple(_compared(pairs, shared, is_paired)),
        state_differences=differences,
        is_paired=is_paired,
    )


def _num_processes(document: Mapping[str, Any]) -> list[int]:
    return [len(result["processes"]) for result in document["results"]]


def _check_same_work(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    for what, x, y in (
        ("source", a["source"].get("sha256"), b["source"].get("sha256")),
        ("workload", a["settings"].get("workload"), b["settings"].get("workload")),
        ("rounds", a["settings"].get("num_rounds"), b["settings"].get("num_rounds")),
        ("duration", a["settings"].get("duration_s"), b["settings"].get("duration_s")),
    ):
        if x != y:
            raise InputError(f"compare: expected the same {what} in both, got {x} and {y}")
    for name, document in (("first", a), ("second", b)):
        fewest = min(len(result["processes"]) for result in document["results"])
        if fewest < LEAST_PROCESSES:
            raise InputError(
                f"compare: expected {LEAST_PROCESSES} processes or more, the {name} measurement has"
                f" {fewest}: one process says nothing of the next"
            )


def _compared(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    providers: Sequence[tuple[str, ...]],
    is_paired: bool,
) -> list[ProvidersComparison]:
    """All figures of all lists of providers are one family: the rate holds for them together."""
    names: list[tuple[int, str]] = []
    columns: list[tuple[Matrix, Matrix]] = []
    for number, (a, b) in enumerate(pairs):
        for name in compared_names(a, b):
            names.append((number, name))
            columns.append((process_values(a, name), process_values(b, name)))
    run_spread = np.array([RUN_SPREAD * (figure_of(name).unit == "ms") for _, name in names])
    found = simultaneous_intervals(columns, None if is_paired else run_spread)
    changes: list[list[Change]] = [[] for _ in pairs]
    for (number, name), (x, y), (shift, low, high) in zip(names, columns, found, strict=True):
        changes[number].append(_change(name, x, y, (shift, low, high)))
    return [
        ProvidersComparison(each, tuple(own), different_answers(a, b))
        for each, own, (a, b) in zip(providers, changes, pairs, strict=True)
    ]


def compared_names(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Figures that are judged: both have samples above 0 of them in every process."""
    processes = [*a["processes"], *b["processes"]]
    return [
        name
        for name in processes[0]["samples"]
        if figure_of(name).is_compared
        and all(min(each["samples"].get(name, [0])) > 0 for each in processes)
    ]


def process_values(result: Mapping[str, Any], name: str) -> Matrix:
    """The logarithm of each process's median of a figure, float64 [processes]."""
    return np.log([np.median(each["samples"][name]) for each in result["processes"]])


def simultaneous_intervals(
    columns: Sequence[tuple[Matrix, Matrix]], run_spread: Matrix | None
) -> list[tuple[float, float, float]]:
    """Shift of each figure, and intervals that hold all true shifts together.

    A bootstrap over processes: what each process differs by from its side's mean, all its figures
    together, is drawn again with replacement, for both sides from the processes of both; of pairs
    that ran in turn, the difference of the two, with either sign. Each draw has for each figure a
    t-value, its shift over its own standard error, and the largest of all figures is kept. The
    interval of every figure is as many standard errors wide as a high quantile of these. Sides
    that ran one after the other are wider by what the machine's drift adds within a run
    (`_drift_factor`) and from run to run.

    Args:
        columns: Logarithms of both sides by figure, float64 [n] and [m]; n is m for pairs.
        run_spread: Of each figure by how much its runs differ besides, a standard deviation,
            float64 [figures]; None: the two of the same number ran in turn.

    Returns:
        Shift, lower and upper end of each, as logarithms of a ratio.
    """
    if not columns:
        return []
    before = np.stack([x for x, _ in columns], axis=1)
    after = np.stack([y for _, y in columns], axis=1)
    sides = [after - before] if run_spread is None else [before, after]
    shift, error = _shift_and_error(sides)
    largest = _largest_t_values(sides)
    if run_spread is None:
        width = np.quantile(largest, _QUANTILE_IN_TURN) * error
    else:
        within = np.quantile(largest, _QUANTILE) * error * _drift_factor(sides)
        width = np.hypot(within, _RUN_QUANTILE * math.sqrt(2) * run_spread)
    return [(float(s), float(s - w), float(s + w)) for s, w in zip(shift, width, strict=True)]


def _drift_factor(sides: Sequence[Matrix]) -> float:
    """How much wider standard errors are, since a process is like the one before it.

    The correlation of neighbours, r, of all figures together, corrected for the few processes that
    it is estimated from; (1 + r) / (1 - r) is what it adds to the variance of a mean.
    """
    centred = [side - side.mean(axis=0) for side in sides]
    products = sum((side[:-1] * side[1:]).sum(axis=0) for side in centred)
    squares = sum((side**2).sum(axis=0) for side in centred)
    varies = squares > _LEAST_SPREAD**2
    if not varies.any():
        return 1.0
    found = float(np.mean(products[varies] / squares[varies]))
    num_processes = min(len(side) for side in sides)
    unbiased = (found + 1 / num_processes) / (1 - 3 / num_processes)
    correlation = min(max(unbiased, 0.0), _MOST_CORRELATION)
    return math.sqrt((1 + correlation) / (1 - correlation))


def _largest_t_values(sides: Sequence[Matrix]) -> Matrix:
    """The largest t-value of all figures in each draw without a true shift, float64 [draws]."""
    generator = np.random.default_rng(_SEED)
    residuals = np.concatenate([side - side.mean(axis=0) for side in sides])
    drawn = []
    for side in sides:
        size = (_NUM_RESAMPLES, len(side))
        each = residuals[generator.integers(0, len(residuals), size)]
        if len(sides) == 1:
            each = each * generator.choice([-1.0, 1.0], size)[..., None]
        drawn.append(each)
    shift, error = _shift_and_error(drawn)
    largest: Matrix = np.max(np.abs(shift) / error, axis=-1)
    return largest


def _shift_and_error(sides: Sequence[Matrix]) -> tuple[Matrix, Matrix]:
    """Mean shift of each figure and its standard error, float64 [..., figures].

    Args:
        sides: Differences of pairs, or two independent sides, [..., processes, figures].
    """
    variance: Matrix = sum(side.var(axis=-2, ddof=1) / side.shape[-2] for side in sides)
    floor = _LEAST_SPREAD / math.sqrt(sides[0].shape[-2])
    error: Matrix = np.maximum(np.sqrt(variance), floor)
    shift: Matrix = sides[-1].mean(axis=-2)
    return (shift if len(sides) == 1 else shift - sides[0].mean(axis=-2)), error


def is_reported(change: float, low: float, high: float) -> bool:
    """Whether a change counts: its interval excludes 0, and it is `LEAST_CHANGE` or more.

    Args:
        change: A ratio less 1.
        low: Lower end of its interval, also as a logarithm: the sign is what counts.
        high: Upper end.
    """
    return (low > 0 or high < 0) and abs(change) >= LEAST_CHANGE


def _change(name: str, x: Matrix, y: Matrix, found: tuple[float, float, float]) -> Change:
    shift, low, high = found
    change = math.expm1(shift)
    verdict = "no change"
    if is_reported(change, low, high):
        unit = figure_of(name).unit
        names = ("slower", "faster") if unit == "ms" else ("more", "less")
        verdict = names[0] if shift > 0 else names[1]
    return Change(
        name=name,
        before=math.exp(float(x.mean())),
        after=math.exp(float(y.mean())),
        change=change,
        low=math.expm1(low),
        high=math.expm1(high),
        verdict=verdict,
    )


def different_answers(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what was asked, if the sets of answers of both sides' processes differ."""
    found = []
    for name in a["processes"][0]["answers"]:
        ours = {each["answers"].get(name) for each in a["processes"]}
        theirs = {each["answers"].get(name) for each in b["processes"]}
        if ours != theirs:
            found.append(name)
    return tuple(found)
