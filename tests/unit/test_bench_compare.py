"""What is told of two measurements: chance is not, a real change is, other answers always are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.bench_documents import document, process
from ufvideo_sdk import ConfigError, InputError
from ufvideo_sdk.bench import BenchResult, compare, steadiness, to_html
from ufvideo_sdk.bench.comparison import LEAST_CHANGE, RUN_SPREAD, Comparison
from ufvideo_sdk.bench.summary import needed_samples, summarize
from ufvideo_sdk.bench.table import comparison_lines


def compared(a: dict[str, Any], b: dict[str, Any], **options: Any) -> Comparison:
    return compare(BenchResult(a), BenchResult(b), **options)


def test_noise_alone_is_told_in_few_of_forty_pairs() -> None:
    alarms = sum(
        bool(
            compared(
                document(seed=2 * i, spread=0.03), document(seed=2 * i + 1, spread=0.03)
            ).changes
        )
        for i in range(40)
    )
    assert alarms <= 5


def test_pairs_of_noise_are_told_in_few_of_forty() -> None:
    alarms = sum(
        bool(
            compared(
                document(seed=2 * i, spread=0.03, pair="p"),
                document(seed=2 * i + 1, spread=0.03, pair="p"),
            ).changes
        )
        for i in range(40)
    )
    assert alarms <= 5


def test_runs_that_differ_besides_are_told_in_few_of_forty_pairs() -> None:
    generator = np.random.default_rng(5)
    alarms = 0
    for i in range(40):
        levels = np.exp(generator.normal(0, RUN_SPREAD, (2, 3)))
        names = ("ttft_ms", "tpot_ms", "e2el_ms")
        a, b = (
            document(seed=2 * i + k, spread=0.005, factors=dict(zip(names, own, strict=True)))
            for k, own in enumerate(levels.tolist())
        )
        alarms += bool(compared(a, b).changes)
    assert alarms <= 5


@pytest.mark.parametrize(("pair", "factor"), [(None, 1.25), ("p", 1.1)])
def test_slower_is_told_and_the_rest_is_not(pair: str | None, factor: float) -> None:
    found = 0
    for i in range(10):
        slow = document(seed=100 + i, spread=0.02, factors={"tpot_ms": factor}, pair=pair)
        comparison = compared(document(seed=i, spread=0.02, pair=pair), slow)
        told = {change.name: change.verdict for change in comparison.changes}
        found += told == {"tpot_ms": "slower"}
        assert comparison.is_worse or not told
    assert found >= 9


def drifting(seed: int) -> dict[str, Any]:
    """A measurement on a machine that is slower for some processes in a row."""
    drifted = document(seed=seed, spread=0.005)
    generator = np.random.default_rng(seed)
    level = 0.0
    for each in drifted["results"][0]["processes"]:
        level = 0.8 * level + float(generator.normal(0, 0.06))
        for name in ("ttft_ms", "tpot_ms", "e2el_ms"):
            each["samples"][name] = [
                value * float(np.exp(level)) for value in each["samples"][name]
            ]
    return drifted


def test_a_machine_that_drifts_is_told_in_few_pairs() -> None:
    alarms = sum(bool(compared(drifting(2 * i), drifting(2 * i + 1)).changes) for i in range(40))
    assert alarms <= 5


def test_a_busy_machine_needs_force() -> None:
    a, b = document(), document(seed=1)
    for each in (a, b):
        each["state"]["during"]["others_cpu_share"] = 0.4
    with pytest.raises(ConfigError, match="processor time of other processes: 40%, 40%"):
        compared(a, b)


def test_a_change_below_the_least_is_not_told_however_sure() -> None:
    factors = {name: 1 + 0.6 * LEAST_CHANGE for name in ("ttft_ms", "tpot_ms", "e2el_ms")}
    comparison = compared(
        document(spread=1e-5, pair="p"),
        document(seed=1, spread=1e-5, factors=factors, pair="p"),
    )
    assert comparison.changes == ()
    intervals = {change.name: change.low for change in comparison.by_providers[0].changes}
    assert all(intervals[name] > 0 for name in factors)


def test_faster_is_told_and_is_not_worse() -> None:
    comparison = compared(document(), document(seed=1, factors={"e2el_ms": 0.8}))
    assert [(change.name, change.verdict) for change in comparison.changes] == [
        ("e2el_ms", "faster")
    ]
    assert not comparison.is_worse


def test_other_answers_are_different_however_fast() -> None:
    fast = document(seed=1, factors={"ttft_ms": 0.5})
    for each in fast["results"][0]["processes"]:
        each["answers"]["first_question"] = "b" * 64
    comparison = compared(document(), fast)
    assert comparison.answers_differ and comparison.is_worse
    assert comparison.by_providers[0].different_answers == ("first_question",)
    last = list(comparison_lines(comparison))[-1]
    assert last.startswith("different, whatever the speed: ttft_ms faster")


def test_answers_that_differ_in_one_process_are_different() -> None:
    other = document()
    other["results"][0]["processes"][7]["answers"]["segment"] = "c" * 64
    assert compared(document(), other).by_providers[0].different_answers == ("segment",)


def test_another_state_needs_force() -> None:
    other = document(seed=1)
    other["state"]["before"]["power_mode"] = "0 (MAXN)"
    with pytest.raises(ConfigError, match=r"power_mode before the run: not told, 0 .* --force"):
        compared(document(), other)
    comparison = compared(document(), other, force=True)
    assert comparison.state_differences == ("power_mode before the run: not told, 0 (MAXN)",)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("source", "sha256", "2" * 64), ("settings", "workload", {}), ("settings", "num_rounds", 9)],
)
def test_other_work_is_not_compared(part: str, key: str, value: Any) -> None:
    other = document()
    other[part][key] = value
    with pytest.raises(InputError, match="expected the same"):
        compared(document(), other, force=True)


def test_too_few_processes_are_not_compared() -> None:
    with pytest.raises(InputError, match="5 processes or more, the second measurement has 4"):
        compared(document(num_processes=5), document(num_processes=4))


def test_the_same_two_files_always_say_the_same() -> None:
    a, b = document(), document(seed=1)
    assert compared(a, b) == compared(a, b)


@pytest.mark.parametrize(("percent", "count"), [(50, 10), (95, 100), (99, 500)])
def test_a_percentile_needs_samples(percent: int, count: int) -> None:
    assert needed_samples(percent) == count
    values = np.linspace(1, 2, count).tolist()
    assert summarize("ttft_ms", [values[1:]]).percentiles[percent] is None
    found = summarize("ttft_ms", [values]).percentiles[percent]
    assert found == pytest.approx(np.percentile(values, percent))


def test_a_saved_result_reads_back(tmp_path: Path) -> None:
    result = BenchResult(document())
    result.save(tmp_path / "a.json")
    again = BenchResult.load(tmp_path / "a.json")
    assert again.document == result.document
    assert again["ttft_ms"] == result["ttft_ms"]
    assert (again["ttft_ms"].n, again["ttft_ms"].num_processes) == (50, 10)
    assert again["ttft_ms"].p95 is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schema="other"), "got something else"),
        (lambda d: d.update(schema_version=2), "expected schema_version 1, got 2"),
        (lambda d: d.pop("state"), "state: expected a dict, got None"),
        (lambda d: d.update(results=[]), "results: expected one or more"),
        (lambda d: d["results"][0].update(processes=[]), "processes: expected one or more"),
        (
            lambda d: d["results"][0]["processes"][0]["samples"].update(ttft_ms=["fast"]),
            r"processes\[0\].samples.ttft_ms: expected numbers",
        ),
        (
            lambda d: d["results"][0]["processes"][0]["samples"].update(warp_ms=[1.0]),
            "expected figures of `ufvideo bench --list`, got 'warp_ms'",
        ),
    ],
)
def test_a_file_that_is_no_measurement_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    import json

    broken = document()
    change(broken)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(InputError, match=said):
        BenchResult.load(path)


def test_a_picture_has_at_most_400_points() -> None:
    few = document()
    for each in few["results"][0]["processes"]:
        each["samples"]["itl_ms"] = np.linspace(4, 6, 79).tolist()
    # 50 samples of each of three times, and every second of 790.
    assert to_html(BenchResult(few)).count("<circle") == 3 * 50 + 400


def test_a_missing_file_and_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a file of `ufvideo bench --save`"):
        BenchResult.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InputError, match="got something else"):
        BenchResult.load(tmp_path / "bad.json")


def long_run(
    slowed_from_s: float | None, *, duration_s: float = 300.0, factor: float = 1.25
) -> Any:
    generator = np.random.default_rng(1)
    rounds, now_s = [], 0.0
    while now_s < duration_s:
        slow = slowed_from_s is not None and now_s >= slowed_from_s
        ms = 400 * float(np.exp(generator.normal(0, 0.03))) * (factor if slow else 1.0)
        rounds.append({"begin_s": now_s, "end_s": now_s + ms / 1e3, "round_ms": ms})
        now_s += ms / 1e3
    return process(0, {"round_ms": [1.0]}) | {"rounds": rounds}


def test_a_run_that_is_slowed_half_way_says_so() -> None:
    steady = steadiness(long_run(150.0))
    assert steady is not None
    assert (steady.verdict, steady.window_s) == ("slower", 60.0)
    assert steady.change == pytest.approx(0.25, abs=0.03)
    assert steady.low > 0


def test_a_steady_run_says_so() -> None:
    steady = steadiness(long_run(None))
    assert steady is not None and steady.verdict == "steady" and steady.low < 0 < steady.high


def test_a_run_of_few_rounds_says_that_n_is_too_small() -> None:
    steady = steadiness(long_run(None, duration_s=5.0))
    assert steady is not None and steady.verdict == "n too small"
    assert steadiness(process(0, {"round_ms": [1.0]}) | {"rounds": []}) is None
