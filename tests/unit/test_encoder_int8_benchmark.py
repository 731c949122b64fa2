"""The benchmark of int8 encoders runs every form and prints error beside speed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("optimum", reason="needs optimum-onnx, of the export extra")
from benchmarks.encoder_int8 import FORMS, main, rms_error

pytestmark = pytest.mark.torch


def test_an_error_is_that_of_the_worst_output() -> None:
    exact = [np.ones((2, 3), np.float32), np.full(4, 2, np.float32)]
    found = [exact[0], exact[1] + np.float32(0.1)]
    assert rms_error(found, exact) == pytest.approx(0.05)
    assert rms_error(exact, exact) == 0


def test_it_prints_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--mask-blocks", "0", "--rounds", "2", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert all(f" {form} " in out for form in FORMS)
    assert "ONNX Runtime" in out and "vision_encoder" in out and "mask_encoder" not in out
    assert ("OpenVINO" in out) == (importlib.util.find_spec("openvino") is not None)
