"""The doctor finds what is missing, and never falls ill itself."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk.cli import app
from ufvideo_sdk.diagnostics.doctor import Finding, Health, examine
from ufvideo_sdk.runtime.onnxruntime_library import INSTALL_EXPORT

FIX = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'ufvideo-sdk[cuda]'"


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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these the ONNX Runtime distributions that are installed, whichever really are."""
    real = importlib.metadata.version

    def install(**versions: str) -> None:
        for name, version in versions.items():
            folder = tmp_path / f"{name}-{version}.dist-info"
            folder.mkdir()
            name = name.replace("_", "-")
            facts = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (folder / "METADATA").write_text(facts)

        def version_of(name: str) -> str:
            if not name.startswith("onnxruntime"):
                return real(name)
            found = importlib.metadata.distributions(name=name, path=[str(tmp_path)])
            for distribution in found:
                return distribution.version
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr("importlib.metadata.version", version_of)
        monkeypatch.setattr("ufvideo_sdk.diagnostics.doctor.version", version_of)

    return install


def test_both_wheels_are_mixed_and_one_command_fixes_it(installed: Callable[..., None]) -> None:
    installed(onnxruntime="1.32.0", onnxruntime_gpu="1.31.1")
    found = _by_subject(examine())["ONNX Runtime wheel"]
    assert found.health is Health.MIXED
    assert "onnxruntime-gpu 1.31.1 and onnxruntime 1.32.0" in found.detail
    assert found.remedy == FIX
    result = run()
    assert result.exit_code == 0
    assert f"To mend:\n  ONNX Runtime wheel: {FIX}\n" in result.stdout


@pytest.mark.parametrize("one", ["onnxruntime", "onnxruntime_gpu"])
def test_one_wheel_is_not_mixed(installed: Callable[..., None], one: str) -> None:
    installed(**{one: "1.31.1"})
    found = _by_subject(examine())["ONNX Runtime wheel"]
    assert found.health is Health.OK and found.detail == f"{one.replace('_', '-')} 1.31.1"


def test_no_wheel_is_absent_and_both_extras_are_named(installed: Callable[..., None]) -> None:
    """Not broken: a library may be named by its path."""
    installed()
    found = _by_subject(examine())["ONNX Runtime wheel"]
    assert found.health is Health.ABSENT and found.remedy is not None
    assert "'ufvideo-sdk[cpu]'" in found.remedy and "'ufvideo-sdk[cuda]'" in found.remedy


def test_advice_for_a_gpu_provider_removes_the_wheel_for_the_cpu() -> None:
    found = _by_subject(examine())["provider cuda"]
    if found.remedy is None:
        pytest.skip("the ONNX Runtime here has the CUDA provider")
    assert found.health is Health.ABSENT
    assert found.remedy.startswith(FIX)


def test_a_package_that_does_not_import_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = _by_subject(examine())["opencv-python-headless"]
    assert found.health is Health.BROKEN and found.remedy == "pip install opencv-python-headless"


def test_a_missing_extra_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_sdk.diagnostics.doctor.find_spec", lambda module: None)
    found = _by_subject(examine())["export extra"]
    assert found.health is Health.ABSENT and "torch" in found.detail
    assert found.remedy == INSTALL_EXPORT
    assert "'ufvideo-sdk[cpu,export]'" in INSTALL_EXPORT


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


@pytest.mark.parametrize(
    ("kernel", "tunables", "health", "words"),
    [
        ("[always] madvise never", "", Health.OK, "all large memory"),
        ("always [madvise] never", "", Health.ABSENT, "only where asked for"),
        ("always [madvise] never", "glibc.malloc.hugetlb=1", Health.OK, "asked for"),
        ("always madvise [never]", "glibc.malloc.hugetlb=1", Health.ABSENT, "gives none"),
    ],
)
def test_huge_pages_are_used_or_the_way_to_them_is_named(
    kernel: str,
    tunables: str,
    health: Health,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "enabled").write_text(kernel + "\n")
    monkeypatch.setattr("ufvideo_sdk.diagnostics.doctor._HUGE_PAGES", tmp_path / "enabled")
    monkeypatch.setenv("GLIBC_TUNABLES", tunables)
    found = _by_subject(examine())["huge pages"]
    assert found.health is health and words in found.detail
    assert (found.remedy is not None) is (words == "only where asked for")


def test_a_system_without_huge_pages_gets_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_sdk.diagnostics.doctor._HUGE_PAGES", Path("/no/such/file"))
    assert "huge pages" not in _by_subject(examine())
