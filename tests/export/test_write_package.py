"""A package appears whole or not at all, and equal checkpoints give equal bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from tests.conftest import SMALL

torch = pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export import export_package  # noqa: E402
from ufvideo_export.package import write_package  # noqa: E402
from ufvideo_export.verify import verify_stage  # noqa: E402
from ufvideo_sdk.errors import InferenceError, InputError  # noqa: E402
from ufvideo_sdk.package.manifest import Manifest, read_manifest  # noqa: E402

pytestmark = pytest.mark.torch

# Ends the process without any cleaning up, the way a power cut or the kernel would.
KILLED = """
import os, signal, sys
from pathlib import Path
from ufvideo_export import export_package

def progress(label, fraction):
    if label == "aligner":
        os.kill(os.getpid(), signal.SIGKILL)

export_package(Path(sys.argv[1]), Path(sys.argv[2]), progress=progress)
"""

KILLED_BETWEEN_RENAMES = """
import os, signal, sys
from pathlib import Path
from ufvideo_export.package import write_package
from ufvideo_sdk.package.manifest import read_manifest

out, like = Path(sys.argv[1]), Path(sys.argv[2])
rename = Path.rename

def killing(self, target):
    rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)

Path.rename = killing
with write_package.partial_folder(out) as partial:
    (partial / "aligner.onnx").write_text("new")
    write_package.publish(partial, out, read_manifest(like), force=True)
"""


@pytest.fixture
def manifest(small_package: Path) -> Manifest:
    return read_manifest(small_package / "manifest.json")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_files_and_digests(small_package: Path, manifest: Manifest) -> None:
    entries = [*manifest.files]
    for stage in manifest.stages.values():
        entries += [stage.graph] + ([stage.weights] if stage.weights else [])
    names = sorted([entry.path for entry in entries] + ["manifest.json"])
    assert names == sorted(path.name for path in small_package.iterdir())
    for entry in entries:
        content = (small_package / entry.path).read_bytes()
        assert len(content) == entry.size_bytes
        assert hashlib.sha256(content).hexdigest() == entry.sha256


def test_written_manifest_is_the_returned_one(small_package: Path, manifest: Manifest) -> None:
    text = (small_package / "manifest.json").read_text(encoding="utf-8")
    assert Manifest.from_json(text) == manifest
    assert manifest.to_json() == text
    assert manifest.model.name == manifest.provenance["source"] == "small"
    assert not {"time", "date", "host"} & set(manifest.provenance)


def test_equal_checkpoints_give_equal_bytes(
    exported_package_track: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    """Even where the stages of tracking were added later, in the other package."""
    small_package = exported_package_track
    labels: list[str] = []
    fractions: list[float] = []
    returned = export_package(
        small_checkpoint,
        tmp_path / "deep" / "again",
        vision_tower=SMALL / "siglip",
        progress=lambda label, fraction: (labels.append(label), fractions.append(fraction))[0],
    )
    for path in sorted(small_package.iterdir()):
        assert (tmp_path / "deep" / "again" / path.name).read_bytes() == path.read_bytes(), (
            path.name
        )
    assert returned == read_manifest(small_package / "manifest.json")
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert set(returned.stages) < set(labels)


def test_killed_export_leaves_no_package(tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "package"
    command = [sys.executable, "-c", KILLED, str(tiny_checkpoint), str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not out.exists()
    left = list(tmp_path.iterdir())
    assert len(left) == 1 and left[0].name.startswith(".package.partial-")
    assert (left[0] / "vision_encoder.onnx").exists()
    assert not list(tmp_path.rglob("manifest.json"))
    with write_package.partial_folder(out):
        assert not left[0].exists()
    assert list(tmp_path.iterdir()) == []


def test_killed_replacement_leaves_both_packages_whole_and_the_old_one_returns(
    tmp_path: Path, small_package: Path, tiny_checkpoint: Path
) -> None:
    out = tmp_path / "package"
    out.mkdir()
    for name, content in (("manifest.json", "old"), ("aligner.onnx", "old")):
        (out / name).write_text(content)
    command = [sys.executable, "-c", KILLED_BETWEEN_RENAMES, str(out), str(small_package)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # Nothing bears the package's name; both hidden folders are whole.
    partial, replaced = sorted(tmp_path.iterdir())
    assert partial.name.startswith(".package.partial-")
    assert replaced.name.startswith(".package.replaced-")
    assert (partial / "aligner.onnx").read_text() == "new"
    assert read_manifest(partial / "manifest.json") == read_manifest(small_package)
    assert {path.name: path.read_text() for path in replaced.iterdir()} == {
        "manifest.json": "old",
        "aligner.onnx": "old",
    }
    # The next export puts the old one back before it looks whether there is something to replace.
    with pytest.raises(InputError, match="--force"):
        export_package(tiny_checkpoint, out)
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
    assert (out / "aligner.onnx").read_text() == "old"


def test_failed_export_leaves_nothing(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(stage: object, path: Path) -> None:
        assert path.exists()
        raise InferenceError("expected vision_encoder to agree")

    monkeypatch.setattr("ufvideo_export.write_stages.verify_stage", fail)
    with pytest.raises(InferenceError):
        export_package(tiny_checkpoint, tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


def test_existing_target_is_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "package"
    out.mkdir()
    with pytest.raises(InputError, match="--force"):
        export_package(tiny_checkpoint, out)
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="other files"):
        export_package(tiny_checkpoint, out, force=True, track=False)
    assert (out / "thesis.txt").read_text() == "precious"
    with pytest.raises(InputError, match="something else"):
        export_package(tiny_checkpoint, out / "thesis.txt", force=True)
    link = tmp_path / "link"
    link.symlink_to(out)
    with pytest.raises(InputError, match="something else"):
        export_package(tiny_checkpoint, link, force=True)


def test_force_replaces_a_package(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "package"
    for content in ("old", "new"):
        with write_package.partial_folder(out) as partial:
            (partial / "aligner.onnx").write_text(content)
            write_package.publish(partial, out, manifest, force=content == "new")
        assert (out / "aligner.onnx").read_text() == content
        assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_failed_rename_puts_the_old_package_back(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "package"
    out.mkdir()
    (out / "manifest.json").write_text("old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if ".partial-" in self.name:
            raise OSError("no")
        return rename(self, target)

    with pytest.raises(OSError, match="no"), write_package.partial_folder(out) as partial:
        monkeypatch.setattr(Path, "rename", failing)
        write_package.publish(partial, out, manifest, force=True)
    assert (out / "manifest.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_a_target_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, manifest: Manifest
) -> None:
    out = tmp_path / "package"
    with (
        pytest.raises(InputError, match="exists"),
        write_package.partial_folder(out) as partial,
    ):
        out.mkdir()
        (out / "manifest.json").write_text("theirs")
        write_package.publish(partial, out, manifest, force=False)
    assert (out / "manifest.json").read_text() == "theirs"


def test_stale_folders_are_cleaned_and_live_ones_kept(tmp_path: Path) -> None:
    out, dead = tmp_path / "package", dead_pid()
    stale = tmp_path / f".package.partial-{dead}"
    live = tmp_path / f".package.partial-{os.getppid()}"
    other = tmp_path / f".another.partial-{dead}"
    aside = tmp_path / f".package.replaced-{dead}"
    for folder in (stale, live, other, aside):
        folder.mkdir()
    (aside / "manifest.json").write_text("old")
    with write_package.partial_folder(out):
        assert not stale.exists() and live.exists() and other.exists()
        # Killed between the two renames of a replacement: the old package returns.
        assert (out / "manifest.json").read_text() == "old" and not aside.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (0.01, r"region_encoder \(fp32\).*0\.001 and 0\.0001.*measured 0\.01"),
        (float("nan"), "finite"),
    ],
)
def test_graph_that_disagrees_is_refused(
    small_package: Path,
    small_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: float,
    words: str,
) -> None:
    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.spec import stage_specs
    from ufvideo_export.stages import STAGES

    checkpoint = Checkpoint(small_checkpoint)
    spec = stage_specs(checkpoint, "fp32")["region_encoder"]
    stage = STAGES["region_encoder"](checkpoint, spec, "fp32")
    path = small_package / "region_encoder.onnx"
    verify_stage(stage, path)
    right = stage.reference

    def bent(inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: value + value.dtype.type(change) for name, value in right(inputs).items()}

    monkeypatch.setattr(stage, "reference", bent)
    with pytest.raises(InferenceError, match=words):
        verify_stage(stage, path)


def test_weights_beyond_half_precision_are_refused(
    small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.spec import stage_specs
    from ufvideo_export.stages import STAGES

    checkpoint = Checkpoint(small_checkpoint)
    spec = stage_specs(checkpoint, "fp16")["token_embedder"]
    stage = STAGES["token_embedder"](checkpoint, spec, "fp16")
    read = checkpoint.rows

    def too_large(key: str, shape: tuple[int, ...], begin: int, end: int) -> torch.Tensor:
        rows = read(key, shape, begin, end).clone()
        if begin == 0:
            rows[0, 0] = 1e5
        return rows

    monkeypatch.setattr(checkpoint, "rows", too_large)
    stage.write(tmp_path / "token_embedder.onnx")
    with pytest.raises(InferenceError, match=r"finite values of token_embedder\.embeddings"):
        verify_stage(stage, tmp_path / "token_embedder.onnx")
