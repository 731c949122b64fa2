"""An export that was stopped goes on from the stages it finished, and from nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export import export_package
from ufvideo_export.package.write_package import PROGRESS_NAME
from ufvideo_sdk.package.manifest import StageVerification
from ufvideo_sdk.package.manifest_fields import ALL_STEMS

pytestmark = pytest.mark.torch

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.export.test_resume import FakeStage, measured
from ufvideo_export import export_package, write_stages

write_stages.STAGES = dict.fromkeys(write_stages.STAGES, FakeStage)
write_stages.verify_stage = measured

def progress(label, fraction):
    if label == "region_encoder (comparing)":
        os.kill(os.getpid(), signal.SIGKILL)

export_package(Path(sys.argv[1]), Path(sys.argv[2]), progress=progress)
"""
FINISHED = ("vision_encoder", "aligner")


class FakeStage:
    """Writes in no time what is different for each stage and precision."""

    def __init__(self, _checkpoint: Any, spec: Any, precision: str, _quantization: Any) -> None:
        self.content = f"{spec.stem} {precision}".encode()

    def write(self, path: Path) -> None:
        path.write_bytes(self.content)


def measured(stage: FakeStage, _path: Path) -> StageVerification:
    return StageVerification(1e-3, 1e-4, len(stage.content) * 1e-6, 1e-6)


@pytest.fixture(scope="module", autouse=True)
def _fake_stages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ufvideo_export.write_stages.STAGES", dict.fromkeys(ALL_STEMS, FakeStage))
        patch.setattr("ufvideo_export.write_stages.verify_stage", measured)
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    return shutil.copytree(tiny_checkpoint, tmp_path_factory.mktemp("copy") / "tiny")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """What an export gives that nothing stops."""
    out = tmp_path_factory.mktemp("whole") / "package"
    export_package(checkpoint, out)
    return out


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """What an export leaves that is killed at its third stage; copy it before going on."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED, str(checkpoint), str(folder / "package")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    (left,) = folder.iterdir()
    assert left.name.startswith(".package.partial-")
    assert json.loads((left / PROGRESS_NAME).read_text())["stages"].keys() == set(FINISHED)
    return folder


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Path:
    """A copy of the folder that the killed export left."""
    (folder,) = shutil.copytree(killed, tmp_path / "again").iterdir()
    return folder


def go_on(left: Path, checkpoint: Path, **options: Any) -> list[str]:
    """Export again beside what was left; the stages that were taken over."""
    folder = left.parent
    labels: list[str] = []
    export_package(
        checkpoint,
        folder / "package",
        progress=lambda label, _: labels.append(label),
        **options,
    )
    assert [path.name for path in folder.iterdir()] == ["package"]
    return [label.removesuffix(" (taken over)") for label in labels if "taken over" in label]


def same_files(one: Path, other: Path) -> bool:
    names = [sorted(path.name for path in each.iterdir()) for each in (one, other)]
    return names[0] == names[1] and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names[0]
    )


def test_finished_stages_are_taken_over(left: Path, whole: Path, checkpoint: Path) -> None:
    assert go_on(left, checkpoint) == list(FINISHED)
    assert same_files(left.parent / "package", whole)


def test_a_stage_whose_file_changed_is_made_again(
    left: Path, whole: Path, checkpoint: Path
) -> None:
    content = bytearray((left / "aligner.onnx").read_bytes())
    content[-1] ^= 1
    (left / "aligner.onnx").write_bytes(content)
    for name in ("aligner.onnx.data", f"{PROGRESS_NAME}.new", "manifest.json"):
        (left / name).write_bytes(b"left over")
    (left / "tool").mkdir()
    (left / "tool" / "aligner.onnx").write_bytes(b"left over")
    assert go_on(left, checkpoint) == ["vision_encoder"]
    assert same_files(left.parent / "package", whole)


@pytest.mark.parametrize("change", ["precision", "option", "no_track", "weights", "record"])
def test_another_export_takes_nothing_over(
    left: Path, checkpoint: Path, tmp_path: Path, change: str
) -> None:
    options: dict[str, dict[str, Any]] = {
        "precision": {"precision": "fp16"},
        "option": {"seg_hidden_state": "predicting"},
        "no_track": {"track": False},
    }
    other = shutil.copytree(checkpoint, tmp_path / "other")
    if change == "weights":
        path = other / "model.safetensors"
        content = bytearray(path.read_bytes())
        # One bit of a weight; the name, the size and the header stay.
        content[-8] ^= 1
        path.write_bytes(content)
    if change == "record":
        (left / PROGRESS_NAME).write_text('{"key": 3')
    assert go_on(left, other, **options.get(change, {})) == []


def test_a_stopped_export_keeps_what_it_finished(
    whole: Path, checkpoint: Path, tmp_path: Path
) -> None:
    def stop(label: str, _: float) -> None:
        if label == "aligner":
            raise KeyboardInterrupt

    out = tmp_path / "stopped" / "package"
    with pytest.raises(KeyboardInterrupt):
        export_package(checkpoint, out, progress=stop)
    assert not out.exists()
    labels: list[str] = []
    export_package(checkpoint, out, progress=lambda label, _: labels.append(label))
    assert "vision_encoder (taken over)" in labels
    assert same_files(out, whole)
    assert [path.name for path in out.parent.iterdir()] == ["package"]
