"""Which figures of a benchmark hold, and what its last line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.floors import (
    Figure,
    exit_status,
    speed_figure,
    summary,
    within_spread,
)
from benchmarks.session_floors import session_figures
from tests.unit.bench_documents import document
from ufvideo_sdk.bench import BenchResult
from ufvideo_sdk.bench.summary import Spread, percentile


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0)
    assert str(Spread.of([7.0])) == "7.00 to 7.00"
    assert percentile([float(value) for value in range(101)], 95) == 95.0
    assert percentile([float(value) for value in range(99)], 95) is None


@pytest.mark.parametrize(
    ("sense", "value", "limit", "holds"),
    [
        ("at least", 1.0, 1.0, True),
        ("at least", 0.99, 1.0, False),
        ("below", 1.25, 1.25, False),
        ("below", 1.24, 1.25, True),
        ("at most", 1.25, 1.25, True),
        ("at most", 1.26, 1.25, False),
        ("at least", None, 1.0, True),
        ("at least", 0.1, None, True),
    ],
)
def test_a_figure_holds_by_its_sense(
    sense: str, value: float | None, limit: float | None, holds: bool
) -> None:
    assert Figure("it", value, limit, sense).holds is holds


@pytest.mark.parametrize(
    ("ours", "ratio", "verdict"),
    [
        ([8.0, 8.0, 8.0], 1.25, "holds"),
        ([10.0, 10.0, 10.0], 1.0, "holds"),
        ([9.9, 10.2, 10.4], 10 / 10.2, "within spread"),  # 0.98, and the quartiles overlap
        ([10.2, 10.2, 10.2], 10 / 10.2, "FAILS"),  # 0.98, and they do not
        ([9.0, 11.0, 12.0], 10 / 11, "FAILS"),  # they overlap at 0.91
    ],
)
def test_a_speed_is_held_against_the_best_peer(
    ours: list[float], ratio: float, verdict: str
) -> None:
    peers = {"slow": [50.0, 50.0, 50.0], "best": [10.0, 10.0, 10.1]}
    figure = speed_figure("decode", ours, peers)
    assert figure.value == pytest.approx(ratio)
    assert figure.verdict == verdict
    assert "of best" in figure.detail


def test_every_benchmark_has_one_rule_for_the_spread() -> None:
    """The ranges of seven rounds overlap nearly always; their middle halves tell more."""
    them = Spread.of([10.0, 10.0, 10.1])
    assert within_spread(Spread.of([9.9, 10.2, 10.4]), them)
    assert not within_spread(Spread.of([10.0, 10.25, 10.25, 10.25, 10.3]), them)
    assert not within_spread(Spread.of([9.0, 11.0, 12.0]), them)


def test_without_a_side_a_speed_is_not_measured() -> None:
    assert speed_figure("decode", [1.0], {}).verdict == "not measured"
    missing = speed_figure("decode", [], {"best": [1.0]}, "no such precision")
    assert missing.value is None and missing.detail == "no such precision"


def test_the_summary_and_the_exit_status() -> None:
    good = Figure("good", 1.1, 1.0, "at least")
    bad = Figure("bad", 0.9, 1.0, "at least")
    excused = Figure("near", 0.98, 1.0, "at least", excused=True)
    shown = Figure("shown", 0.4, None, "at least")
    unmeasured = Figure("unmeasured", None, 1.0, "at least", "no peer")
    assert summary([good, excused, shown, unmeasured], ["llama"]) == (
        "every floor measured holds (2 of 3); without llama"
    )
    assert exit_status([good, excused, shown, unmeasured]) == 0
    assert summary([good, bad], []) == "1 of 2 floors fail: bad"
    assert exit_status([good, bad]) == 1
    assert summary([unmeasured], []) == "no floor was measured"
    assert exit_status([unmeasured]) == 1
    assert exit_status([shown]) == 1  # what is only shown proves nothing


def test_what_a_peer_is_left_out_for() -> None:
    pytest.importorskip("torch", reason="needs the export extra")
    pytest.importorskip("onnx", reason="needs the export extra")
    from benchmarks.latency.peers.engines import ENGINES, absent

    def reasons(precision: str, gguf: dict[str, Path], found: bool) -> list[str | None]:
        return [absent(engine, precision, gguf, lambda _: found) for engine in ENGINES]

    assert reasons("fp32", {}, False) == ["not installed"] * 4
    assert reasons("fp32", {"fp32": Path()}, True) == [None] * 4
    assert reasons("int4", {}, True) == [
        None,
        None,
        "no int4 on the CPU",
        "no file given, see --gguf-int4",
    ]


def test_a_session_is_held_against_its_floors() -> None:
    measured = document()
    for each in measured["results"][0]["processes"]:
        samples = each["samples"]
        samples["ttft_second_ms"] = [0.1 * value for value in samples["ttft_ms"]]
        samples |= {"ask_many_ms": [30.0], "ask_each_ms": [100.0]}
        samples |= {"resident_memory_bytes": [100.0, 101.0], "cancel_ms": 10 * [7.0]}
        each["answers"] |= {"batch": "b" * 64, "one_by_one": "b" * 64}
    second, batch, equal, cancel, growth = session_figures(BenchResult(measured))
    assert second.value == pytest.approx(0.1) and batch.value == pytest.approx(0.3)
    assert cancel.value == 7.0 and cancel.limit == pytest.approx(10.0, abs=0.1)
    assert growth.value == pytest.approx(1.01)
    assert all(figure.holds for figure in (second, batch, equal, cancel, growth))
    worse = measured["results"][0]["processes"][3]
    worse["samples"]["resident_memory_bytes"] = [100.0, 103.0]
    worse["answers"]["one_by_one"] = "c" * 64
    worse["samples"]["cancel_ms"] = 10 * [11.0]
    failed = [figure for figure in session_figures(BenchResult(measured)) if not figure.holds]
    assert len(failed) == 3
