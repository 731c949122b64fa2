"""The benchmark of a device runs whole on the CPU, and says no where there is no such device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")
from benchmarks.floors import Figure
from benchmarks.latency.device import main
from benchmarks.latency.device_agreement import Answers, equal_share, least_iou
from ufvideo_sdk import MaskTrack

pytestmark = [pytest.mark.torch, pytest.mark.slow]

SMALL = Path(__file__).parents[1] / "data" / "small"
FEW = ["--provider", "cpu", "--threads", "1", "--num-new-tokens", "4"]


def test_shares_count_what_comes_before_the_first_difference() -> None:
    here = Answers([(1, 2, 3, 4), (5,)], [])
    assert equal_share(here, here) == 1.0
    assert equal_share(here, Answers([(1, 2, 9, 4), (5, 6)], [])) == pytest.approx(3 / 6)


def test_the_worst_mask_counts() -> None:
    empty, full, half = (
        MaskTrack.from_masks(np.zeros(1, np.int64), np.zeros(1), mask, np.ones(1, np.float32))
        for mask in (
            np.zeros((1, 2, 2), bool),
            np.ones((1, 2, 2), bool),
            np.array([[[0, 0], [1, 1]]]) > 0,
        )
    )
    assert least_iou(Answers([], [empty, full]), Answers([], [empty, full])) == 1.0
    assert least_iou(Answers([], [full, half]), Answers([], [full, full])) == 0.5


def test_the_cpu_agrees_with_itself(
    small_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*FEW, "agree", str(small_package)]) == 0
    out = capsys.readouterr().out
    assert "fp32, cpu against cpu: equal tokens" in out and "every floor measured holds" in out


def test_a_provider_that_is_not_there_ends_it(
    small_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agree", str(small_package), "--provider", "cuda"]) == 1
    assert 'error: providers: expected "cuda" to start' in capsys.readouterr().err


@pytest.mark.parametrize(("value", "status"), [(2.0, 0), (0.5, 1), (None, 1)])
def test_the_exit_status_is_that_of_the_floors(
    monkeypatch: pytest.MonkeyPatch, value: float | None, status: int
) -> None:
    figures = [Figure("speed", value, 1.0, "at least")]
    monkeypatch.setattr("benchmarks.latency.device.speed_report", lambda *_: figures)
    assert main([*FEW, "speed", "package"]) == status


def test_speed_stands_beside_pytorch(
    small_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--checkpoint", str(SMALL / "checkpoint"), "--vision-tower", str(SMALL / "siglip")]
    torch = ["--torch-device", "cpu", "--torch-dtype", "float32", "--rounds", "1"]
    status = main([*FEW, "speed", str(small_package), *where, *torch])
    out = capsys.readouterr().out
    # Of so small a model neither verdict is sure; it must be the one that is printed.
    assert status in (0, 1) and ("every floor measured holds" in out) is (status == 0)
    for name in (
        "first token of a clip's first question",
        "share of mask_encoder",
        "decode, share of the bandwidth limit",
        "SAM 2, masked frames/s",
        "end to end, PyTorch / ours",
    ):
        assert name in out, name


def test_pytorch_is_left_out_without_a_checkpoint(
    small_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([*FEW, "speed", str(small_package), "--rounds", "1", "--torch-device", "cpu"])
    out = capsys.readouterr().out
    assert "PyTorch / ours" not in out
    assert ("every floor measured holds" in out) is (status == 0)
    with pytest.raises(SystemExit):
        main(["speed", str(small_package), "--vision-tower", "somewhere"])
