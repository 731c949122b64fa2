"""`ufvideo build`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.gpu_wheel import gpu_library, run_with
from tests.unit.tensorrt_stand_in import TensorRtStandIn, stand_in_for_tensorrt
from ufvideo_sdk.cli import app
from ufvideo_sdk.cli.exit_codes import EXIT_CODES
from ufvideo_sdk.errors import DeviceError, PackageError
from ufvideo_sdk.tensorrt import engines as tensorrt_engines

TAKEN = ("vision_encoder", "aligner", "region_encoder", "mask_encoder", "mask_decoder")
# All its stages are fp32.
PACKAGE = Path(__file__).parents[1] / "data" / "tiny" / "package"
OTHERS = {"token_embedder", "language_model"}


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> TensorRtStandIn:
    return stand_in_for_tensorrt(monkeypatch)


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["build", *map(str, arguments)], prog_name="ufvideo")


def test_engines_are_built_once(device: TensorRtStandIn, tmp_path: Path) -> None:
    arguments = (PACKAGE, "--json", "--engine-cache", tmp_path / "engines")
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert result.stderr.splitlines() == [
        f"building {stem} ({number} of 5)" for number, stem in enumerate(TAKEN, 1)
    ]
    assert list(facts) == [
        *("folder", "onnxruntime", "tensorrt", "device", "compute_capability"),
        *("engines", "left_out", "removed"),
    ]
    assert (facts["tensorrt"], facts["device"], facts["compute_capability"]) == (
        "10.13.0",
        "Orin",
        "8.7",
    )
    assert Path(facts["folder"]).parent == tmp_path / "engines"
    assert list(facts["engines"]) == list(TAKEN)
    for engine in facts["engines"].values():
        assert engine["size_bytes"] == 11 and engine["seconds"] >= 0
        assert engine["num_nodes"] == {"tensorrt": 1, "cuda": 2}
        assert engine["options"]["trt_fp16_enable"] == "0"
    assert set(facts["left_out"]) == OTHERS
    again = run(*arguments)
    assert again.stderr == "" and json.loads(again.stdout)["folder"] == facts["folder"]
    assert all(e["seconds"] is None for e in json.loads(again.stdout)["engines"].values())
    forced = run(*arguments, "--force")
    assert len(forced.stderr.splitlines()) == 5


def test_what_a_person_reads(device: TensorRtStandIn, tmp_path: Path) -> None:
    result = run(PACKAGE, "--engine-cache", tmp_path / "engines")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.fullmatch(
        r"TensorRT 10\.13\.0 \(ONNX Runtime [\d.]+\) on Orin \(compute capability 8\.7\)", lines[0]
    )
    assert re.fullmatch(r"vision_encoder    fp32         11 B  built in 0 s", lines[2])
    assert "left out: token_embedder: it looks rows up" in result.stdout
    assert lines[-1].startswith(f"in {tmp_path / 'engines'}")
    assert "was there" in run(PACKAGE, "--engine-cache", tmp_path / "engines").stdout


def test_damaged_engines_have_an_exit_code(device: TensorRtStandIn, tmp_path: Path) -> None:
    arguments = (PACKAGE, "--engine-cache", tmp_path / "engines")
    assert run(*arguments).exit_code == 0
    next((tmp_path / "engines").glob("*/aligner/*.engine")).write_bytes(b"x")
    refused = run(*arguments)
    assert refused.exit_code == EXIT_CODES[PackageError]
    assert refused.stderr.startswith("error: the TensorRT engines cannot be trusted")
    assert run(*arguments, "--force").exit_code == 0
    assert run(*arguments).exit_code == 0


def test_clean_leaves_what_was_just_built(
    device: TensorRtStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "engines"
    arguments = (PACKAGE, "--json", "--engine-cache", folder)
    monkeypatch.setattr(tensorrt_engines, "tensorrt_version", lambda library: "10.12.0")
    old = Path(json.loads(run(*arguments).stdout)["folder"])
    (old_timings,) = folder.glob("*.timing")
    monkeypatch.setattr(tensorrt_engines, "tensorrt_version", lambda library: "10.13.0")
    kept = json.loads(run(*arguments).stdout)
    assert kept["removed"] == {} and old.is_dir()
    shown = run(PACKAGE, "--engine-cache", folder, "--clean")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"^removed 2 others, [\d.]+ KiB$", shown.stdout, re.MULTILINE), shown.stdout
    assert Path(kept["folder"]).is_dir() and not old.exists() and not old_timings.exists()
    assert len(list(folder.glob("*.timing"))) == 1
    assert json.loads(run(*arguments, "--clean").stdout)["removed"] == {}


def test_an_onnxruntime_without_tensorrt_is_refused(tmp_path: Path) -> None:
    result = run(PACKAGE, "--engine-cache", tmp_path / "engines", "--json")
    assert result.exit_code == EXIT_CODES[DeviceError]
    assert 'expected "tensorrt" to start, but' in result.stderr
    assert result.stdout == "" and not (tmp_path / "engines").exists()


def test_the_real_wheel_without_a_gpu_says_what_is_missing() -> None:
    result = run_with(gpu_library(), "build", str(PACKAGE))
    assert result.returncode == EXIT_CODES[DeviceError], result.stderr
    assert 'expected "tensorrt" to start, but' in result.stderr
    assert "libonnxruntime_providers_tensorrt.so needs libcublas.so.13" in result.stderr
    assert result.stdout == ""
