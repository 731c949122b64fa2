"""The benchmarks that share the random weights of other engines run whole on a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")
from benchmarks import memory_plan
from benchmarks.latency.defaults.__main__ import main as defaults_main
from benchmarks.latency.peers import weights
from benchmarks.latency.peers.__main__ import main
from benchmarks.latency.peers.engines import OURS
from benchmarks.latency.peers.sizes import HALF_BILLION, QUICK
from benchmarks.latency.peers.speed import Measured, bandwidth_shares, speed_figures
from benchmarks.latency.peers.weights import Weights

pytestmark = [pytest.mark.torch, pytest.mark.slow]

FIGURES = (
    "prefill fp32",
    "decode fp32",
    "prefill int4",
    "decode int4",
    "share of the bandwidth limit",
)


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("peers")


def test_it_measures_every_figure_and_sums_up(
    work_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = main(["--quick", "--rounds", "2", "--threads", "1", "--work-dir", str(work_dir)])
    out = capfd.readouterr().out
    for name in FIGURES:
        assert name in out, f"{name} is missing"
    for name in (OURS, "onnxruntime-genai", "transformers", "llama-cpp-python"):
        assert name in out
    last = out.strip().splitlines()[-1]
    assert ("every floor measured holds" in last) is (status == 0), last
    assert ("floors fail" in last) is (status == 1), last
    # PyTorch has the same weights, so it says the same.
    assert "the same greedy tokens as ours: " in out and "transformers" in out


def test_defaults_stand_beside_other_values(
    work_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--quick", "--rounds", "1", "--threads", "1", "--work-dir", str(work_dir)]
    assert defaults_main(options) == 0
    out, err = capfd.readouterr()
    assert "prefill of 300 positions, int4, chunks of 128 / as a whole" in out
    assert "decode int4, spinning / sleeping, beside a busy process" in out
    assert "package_int4" not in err  # made by the run before
    assert defaults_main([*options, "--only", "spinning"]) == 0
    assert "chunks of 128" not in capfd.readouterr().out


def test_the_memory_of_a_question_stands_beside_its_plan(
    work_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = memory_plan.main(["--quick", "--threads", "1", "--work-dir", str(work_dir)])
    out = capfd.readouterr().out
    assert "peak memory int4 / (weights + KV)" in out and "memory plan fp32, off by" in out
    # So small a model is little beside what the libraries hold: only the verdict is checked.
    assert ("every floor measured holds" in out) is (status == 0)


def test_the_weights_are_made_alone(work_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["fp32", "--quick", "--work-dir", str(work_dir)]) == 0
    assert capfd.readouterr().out.split() == [
        str(work_dir / "checkpoint"),
        str(work_dir / "package_fp32"),
    ]


def test_weights_of_other_sizes_are_refused(work_dir: Path) -> None:
    Weights(work_dir, QUICK)
    with pytest.raises(SystemExit, match="it holds others; remove it"):
        Weights(work_dir, HALF_BILLION)


def test_an_engine_that_is_missing_leaves_the_floors_of_the_others() -> None:
    rounds = {OURS: [{"prefill_ms": 90.0, "decode_ms": 10.0}], "b": []}
    rounds["b"] = [{"prefill_ms": 100.0, "decode_ms": 8.0}]
    prefill, decode, share = speed_figures("int4", rounds, {"llama-cpp-python": "absent"}, [0.7])
    assert prefill.holds and not decode.holds and share.holds
    missing = speed_figures("int4", {"b": rounds["b"]}, {OURS: "no int4"}, [])
    assert [figure.verdict for figure in missing] == ["not measured"] * 3


def test_the_bandwidth_limit_is_that_of_the_same_round() -> None:
    rounds = {OURS: [{"decode_ms": 10.0}, {"decode_ms": 20.0}]}
    measured = Measured(rounds, {}, [40e9, 20e9])
    assert bandwidth_shares(measured, 300_000_000) == pytest.approx([0.75, 0.75])
    assert bandwidth_shares(Measured({}, {OURS: "no int4"}, [40e9]), 300_000_000) == []
