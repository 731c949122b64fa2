"""Without a package named, nano answers, and says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.clips import draw_frames, write_h264
from ufvideo_sdk import PackageError, UFVideo
from ufvideo_sdk.cli import app
from ufvideo_sdk.diagnostics.doctor import Health, examine
from ufvideo_sdk.package.shipped_package import WHAT_IT_IS, shipped_package

LINE = f"no package named: this is {WHAT_IT_IS}"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    write_h264(path, draw_frames(10))
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, small_package: Path) -> Path:
    """An installation that has another package in nano's place."""
    monkeypatch.setattr("ufvideo_sdk.package.shipped_package._FOLDER", small_package)
    return small_package


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("ufvideo_sdk.package.shipped_package._FOLDER", tmp_path / "nano")
    return tmp_path / "nano"


def run(*arguments: object) -> Any:
    words = [str(a) for a in arguments]
    return CliRunner().invoke(app, words, prog_name="ufvideo", env={"UFVIDEO_PACKAGE": ""})


def test_load_without_a_package_opens_nano(installed: Path) -> None:
    assert UFVideo.load().package == installed == shipped_package()


def test_an_installation_without_nano_says_so(lacking: Path) -> None:
    with pytest.raises(PackageError, match=f"expected the package nano .* in {lacking}"):
        UFVideo.load()
    (finding,) = [f for f in examine() if f.subject == "package nano"]
    assert finding.health is Health.ABSENT and "--package" in finding.detail


def test_doctor_names_nanos_folder(installed: Path) -> None:
    (finding,) = [f for f in examine() if f.subject == "package nano"]
    assert finding.health is Health.OK and str(installed) in finding.detail


@pytest.mark.parametrize(
    "command",
    [
        ["ask", "VIDEO", "What?", "--max-new-tokens", "3"],
        ["locate", "VIDEO", "it moves"],
        ["segment", "VIDEO", "the ball", "--frames", "0"],
        ["info"],
        ["verify"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_says_once_what_answers(
    installed: Path, video: Path, command: list[str]
) -> None:
    words = [str(video) if word == "VIDEO" else word for word in command]
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines() == [LINE]
    assert isinstance(json.loads(result.stdout), dict)
    named = ["--package", installed] if "VIDEO" in command else [installed]
    assert "nano" not in run(*words, *named, "--json").stderr


def test_a_command_that_lacks_nano_ends_with_the_package_code(lacking: Path, video: Path) -> None:
    result = run("ask", video, "What?")
    assert result.exit_code == 4 and result.stdout == ""
    assert str(lacking) in result.stderr and "ufvideo export" in result.stderr
