"""Measurements and comparisons as lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ufvideo_sdk.bench.comparison import FALSE_ALARM_RATE, LEAST_CHANGE, Change, Comparison
from ufvideo_sdk.bench.duration import Steadiness, steadiness
from ufvideo_sdk.bench.figures import Figure
from ufvideo_sdk.bench.result import BenchResult
from ufvideo_sdk.bench.summary import N_TOO_SMALL, PERCENTILES, Summary

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MIB = 1 << 20
_PHASES = ("load_cold_", "load_warm_")


def printable(text: object) -> str:
    """Text without control characters: no name of a package or sensor moves a cursor."""
    return _CONTROLS.sub("?", str(text))


def figure_lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Every figure with its unit and meaning."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        judged = "*" if figure.is_compared else " "
        yield f"{figure.name:<{width}} {judged} {figure.what}"
    yield ""
    yield "* judged by --compare"


def result_lines(result: BenchResult) -> Iterator[str]:
    """What was measured, on what, and every figure."""
    document = result.document
    source, machine = document["source"], document["machine"]
    yield f"{printable(document['package']['model'])} on {printable(source['name'])}"
    yield printable(
        f"machine   {machine['board'] or machine['cpu']}, {machine['num_cpus']} processors"
    )
    yield from _state_lines(result)
    for number, providers in enumerate(result.providers):
        num_processes = len(document["results"][number]["processes"])
        yield ""
        yield (
            f"{printable(' '.join(providers))}: {num_processes} fresh processes"
            if num_processes > 1
            else f"{printable(' '.join(providers))}: one process"
        )
        yield from _summary_lines(list(result.summaries(number).values()))
        yield from _notes(result, number)


def _state_lines(result: BenchResult) -> Iterator[str]:
    state, energy = result.document["state"], result.document["energy"]
    before, during = state["before"], state["during"]
    told = [
        f"power mode {before['power_mode']}" if before["power_mode"] else "",
        f"governor {', '.join(sorted(set(before['governors'].values())))}"
        if before["governors"]
        else "",
        f"clock {during['cpu_clock_mhz']:.0f} MHz" if during["cpu_clock_mhz"] else "",
        f"hottest {max(during['max_temperatures_c'].values()):.0f} C"
        if during["max_temperatures_c"]
        else "",
        f"other processes {during['others_cpu_share']:.0%} of the processors"
        if during["others_cpu_share"] is not None
        else "",
    ]
    yield "state     " + (printable(", ".join(each for each in told if each)) or "not told")
    yield "energy    " + printable(
        energy["not_measured"]
        or ", ".join(f"{rail} ({source})" for rail, source in energy["rails"].items())
    )


def _summary_lines(summaries: Sequence[Summary]) -> Iterator[str]:
    shown = [each for each in summaries if not _is_phase(each.figure.name)]
    width = max(len(each.figure.name) for each in shown)
    heads = "".join(f"{f'p{percent}':>12}" for percent in PERCENTILES)
    yield f"{'':<{width}} {'n':>6} {'mean':>10} {'min':>10} {'max':>10}{heads}"
    for each in shown:
        numbers = "".join(
            f" {_number(each.figure, x):>10}" for x in (each.mean, each.min, each.max)
        )
        cells = "".join(
            f"{N_TOO_SMALL if value is None else _number(each.figure, value):>12}"
            for value in each.percentiles.values()
        )
        yield f"{printable(each.figure.name):<{width}} {each.n:>6}{numbers}{cells}"


def _is_phase(name: str) -> bool:
    return any(name.startswith(phase) and name != f"{phase}ms" for phase in _PHASES)


def _number(figure: Figure, value: float) -> str:
    if figure.unit == "bytes":
        return f"{value / _MIB:.1f} MiB"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def _notes(result: BenchResult, number: int) -> Iterator[str]:
    processes = result.document["results"][number]["processes"]
    vary = sorted({name for each in processes for name in each["answers_vary"]})
    if vary:
        yield f"answers that vary from round to round: {printable(', '.join(vary))}"
    if result.document["settings"]["duration_s"] is not None:
        steady = steadiness(processes[0])
        if steady is not None:
            yield steadiness_line(steady)


def steadiness_line(steady: Steadiness) -> str:
    """The first window of a long run beside the last."""
    if steady.verdict == N_TOO_SMALL:
        return f"first against last {steady.window_s:.0f} s: {N_TOO_SMALL}"
    return (
        f"first against last {steady.window_s:.0f} s: {steady.first_ms:.1f} ms a round, then"
        f" {steady.last_ms:.1f} ms: {steady.verdict} ({steady.change:+.1%}, 95 % interval"
        f" {steady.low:+.1%} to {steady.high:+.1%})"
    )


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Every figure that is judged, with its interval, and its verdict if it changed."""
    for difference in comparison.state_differences:
        yield f"state differs: {printable(difference)}"
    how = "measured in turn" if comparison.is_paired else "measured one after the other"
    yield f"{how}; intervals hold for all figures together, {1 - FALSE_ALARM_RATE:.0%}"
    for each in comparison.by_providers:
        yield ""
        yield printable(" ".join(each.providers))
        width = max((len(change.name) for change in each.changes), default=0)
        for change in each.changes:
            yield _change_line(change, width)
        if each.different_answers:
            yield f"DIFFERENT answers: {printable(', '.join(each.different_answers))}"
    yield ""
    yield _verdict(comparison)


def _change_line(change: Change, width: int) -> str:
    line = (
        f"{printable(change.name):<{width}} {change.before:>12.4g} {change.after:>12.4g}"
        f" {change.change:>+8.1%}  [{change.low:+.1%}, {change.high:+.1%}]"
    )
    return f"{line}  {change.verdict}" if change.is_change else line


def _verdict(comparison: Comparison) -> str:
    changes = comparison.changes
    told = [f"{change.name} {change.verdict} ({change.change:+.1%})" for change in changes]
    found = "; ".join(told) or f"no change of {LEAST_CHANGE:.0%} or more that is not chance"
    return f"different, whatever the speed: {found}" if comparison.answers_differ else found
