"""A step of a stage in a process of its own does what it does in this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.process import isolated
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_sdk.errors import InferenceError

pytestmark = pytest.mark.torch


def stage_of(folder: Path, stem: str, precision: str) -> Any:
    checkpoint = Checkpoint(folder)
    return STAGES[stem](checkpoint, stage_specs(checkpoint, "fp32")[stem], precision)


def test_equal_graphs(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tiny_checkpoint, "region_encoder", "fp16")
    stage.write(tmp_path / "here.onnx")
    assert "module" in vars(stage)
    monkeypatch.setattr(isolated, "ISOLATED_BYTES", 0)
    other = stage_of(tiny_checkpoint, "region_encoder", "fp16")
    other.write(tmp_path / "isolated.onnx")
    # Nothing was loaded here.
    assert "module" not in vars(other)
    assert (tmp_path / "isolated.onnx").read_bytes() == (tmp_path / "here.onnx").read_bytes()


def test_a_failure_is_said(tiny_checkpoint: Path, tmp_path: Path) -> None:
    stage = stage_of(tiny_checkpoint, "region_encoder", "fp32")
    with pytest.raises(InferenceError, match=r"region_encoder to be written .*(?s:.)*nowhere"):
        path = tmp_path / "nowhere" / "region_encoder.onnx"
        isolated.run_isolated("region_encoder", stage.trace, path)
