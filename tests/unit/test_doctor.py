"""The doctor finds what is missing, and never falls ill itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk.cli import app
from ufvideo_sdk.doctor import Finding, Health, examine


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments], prog_name="ufvideo")


def _by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_every_problem_names_a_remedy() -> None:
    for finding in examine(Path("/no/such/library.so")):
        if finding.health is Health.BROKEN:
            assert finding.remedy, finding.subject


def test_a_missing_library_is_broken() -> None:
    found = _by_subject(examine(Path("/no/such/library.so")))
    assert found["ONNX Runtime library"].health is Health.BROKEN
    assert "/no/such/library.so" in found["ONNX Runtime library"].detail
    result = run("--onnxruntime-library", "/no/such/library.so")
    assert result.exit_code == 5
    assert "Not ready. To do:" in result.stdout


def test_a_package_that_does_not_import_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = _by_subject(examine())["opencv-python-headless"]
    assert found.health is Health.BROKEN and found.remedy == "pip install opencv-python-headless"


def test_a_missing_extra_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_sdk.doctor.find_spec", lambda module: None)
    found = _by_subject(examine())["export extra"]
    assert found.health is Health.ABSENT and "torch" in found.detail


def test_a_pyav_without_h264_encoder_still_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("av.codecs_available", {"h264"})
    assert _by_subject(examine())["H.264 video"].health is Health.ABSENT
    monkeypatch.setattr("av.codecs_available", set())
    assert _by_subject(examine())["H.264 video"].health is Health.BROKEN


def test_a_working_machine_is_ready() -> None:
    result = run()
    assert result.exit_code == 0, result.stdout
    assert "Ready: questions can be answered on the CPU." in result.stdout
    report = json.loads(run("--json").stdout)
    assert report["works"] is True
    health = {finding["subject"]: finding["health"] for finding in report["findings"]}
    assert health["provider cpu"] == "ok" and health["native module"] == "ok"
