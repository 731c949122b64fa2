"""Packages that can do less than all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import ufvideo_sdk
from ufvideo_sdk import PackageError, UFVideo
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.manifest import CAPABILITY_STAGES

NANO = Path(ufvideo_sdk.__file__).parent / "nano"
FRAMES = np.zeros((16, 64, 96, 3), np.uint8)


@pytest.fixture(scope="module")
def ask_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nano in format version 2 without the stages that segment."""
    folder = tmp_path_factory.mktemp("packages") / "ask_only"
    shutil.copytree(NANO, folder)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    manifest |= {"format_version": 2, "capabilities": ["ask"], "tracking": None}
    for stem in (*CAPABILITY_STAGES["segment"], *CAPABILITY_STAGES["track"]):
        del manifest["stages"][stem], manifest["verification"][stem]
        (folder / f"{stem}.onnx").unlink()
    for stage in manifest["stages"].values():
        stage["variants"] = {}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_asks_as_the_whole_package_does(ask_only: Path) -> None:
    answers = []
    for package in (ask_only, NANO):
        model = UFVideo.load(package)
        with model.open(FRAMES, fps=8.0) as session:
            answers.append(session.ask("How many things are there?"))
    assert answers[0].token_ids == answers[1].token_ids
    assert set(answers[0].stats.providers) == set(CAPABILITY_STAGES["ask"])


def test_masks_name_the_capability(ask_only: Path) -> None:
    with UFVideo.load(ask_only).open(FRAMES, fps=8.0) as session:
        expected = (
            'expected the capability "segment" .*, got a package without its stages; load one'
        )
        with pytest.raises(PackageError, match=expected):
            session.segment("the red circle")
        assert session.ask("How many things are there?").text


def test_commands_read_it(ask_only: Path) -> None:
    for arguments in (["info", str(ask_only)], ["info", str(ask_only), "--providers"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        assert "mask_encoder" not in result.output
    assert CliRunner().invoke(app, ["verify", str(ask_only)]).exit_code == 0
