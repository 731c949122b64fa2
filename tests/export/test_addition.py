"""`ufvideo export --add track`: three stages into a package that has none, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SMALL

torch = pytest.importorskip("torch", reason="needs the export extra")
from safetensors.torch import load_file, save_file  # noqa: E402

from tests.export.test_resume import FakeStage, measured  # noqa: E402
from ufvideo_export import add_track  # noqa: E402
from ufvideo_sdk.errors import CapacityError, InputError, PackageError  # noqa: E402
from ufvideo_sdk.package.manifest import CAPABILITY_STAGES, read_manifest  # noqa: E402

pytestmark = pytest.mark.torch
STEMS = CAPABILITY_STAGES["track"]
SIGLIP = SMALL / "siglip"
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.export.test_resume import FakeStage, measured
from ufvideo_export import add_track, write_stages
from ufvideo_export.package import write_package

write_stages.STAGES = dict.fromkeys(write_stages.STAGES, FakeStage)
write_stages.verify_stage = measured
replace = Path.replace

def killed(path, target):
    if path.name == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)

Path.replace = killed
add_track(Path(sys.argv[1]), Path(sys.argv[2]), vision_tower=Path(sys.argv[3]))
"""


@pytest.fixture
def fake_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_export.write_stages.STAGES", dict.fromkeys(STEMS, FakeStage))
    monkeypatch.setattr("ufvideo_export.write_stages.verify_stage", measured)


@pytest.fixture
def package(small_package: Path, tmp_path: Path) -> Path:
    """A copy, to change."""
    return Path(shutil.copytree(small_package, tmp_path / "packages" / "small"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_else_changes(
    exported_package_track: Path, small_package: Path, small_checkpoint: Path
) -> None:
    """That the new graphs are those of a whole export, test_write_package says."""
    before, after = contents(small_package), contents(exported_package_track)
    assert after.keys() - before.keys() == {f"{stem}.onnx" for stem in STEMS}
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"manifest.json"}
    manifest = read_manifest(exported_package_track)
    assert manifest.format_version == 2
    assert manifest.capabilities == ("ask", "segment", "track")
    assert manifest.tracking is not None
    assert (manifest.tracking.num_memories, manifest.tracking.memory_width) == (7, 64)
    assert manifest.tracking.max_object_pointers == 16
    old = read_manifest(small_package)
    assert manifest.provenance == old.provenance
    for stem in old.stages:
        assert manifest.stages[stem] == old.stages[stem]
        assert manifest.verification[stem] == old.verification[stem]


def test_half_precision_is_kept(small_package_fp16_track: Path) -> None:
    manifest = read_manifest(small_package_fp16_track)
    assert {manifest.stages[stem].precision for stem in STEMS} == {"fp16"}


def test_versions_are_named_where_they_differ(
    fake_stages: None, package: Path, small_checkpoint: Path
) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    now = manifest["provenance"]["torch"]
    manifest["provenance"]["torch"] = "2.0.0"
    (package / "manifest.json").write_text(json.dumps(manifest))
    labels: list[str] = []
    added = add_track(
        small_checkpoint,
        package,
        vision_tower=SIGLIP,
        progress=lambda label, _: labels.append(label),
    )
    assert added == read_manifest(package)
    assert added.provenance["torch"] == "2.0.0" and added.provenance["track_torch"] == now
    assert "track_onnx" not in added.provenance
    assert [label for label in labels if label in STEMS] == list(STEMS)
    assert [path.name for path in package.parent.iterdir()] == ["small"]


@pytest.mark.parametrize("at", ["memory_encoder.onnx", "track_decoder.onnx", "manifest.json"])
def test_killed_it_is_the_old_package_and_goes_on(
    fake_stages: None, package: Path, small_checkpoint: Path, at: str
) -> None:
    before = contents(package)
    command = [sys.executable, "-c", KILLED, str(small_checkpoint), str(package), str(SIGLIP), at]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    left = contents(package)
    assert {name: left[name] for name in before} == before
    assert "track" not in read_manifest(package).capabilities
    add_track(small_checkpoint, package, vision_tower=SIGLIP)
    assert contents(package).keys() == before.keys() | {f"{stem}.onnx" for stem in STEMS}
    assert [path.name for path in package.parent.iterdir()] == ["small"]


def refused(package: Path, checkpoint: Path, words: str, **options: Any) -> None:
    """Nothing is written, and the error says why."""
    before = contents(package) if package.is_dir() else None
    with pytest.raises(InputError, match=words):
        add_track(checkpoint, package, **{"vision_tower": SIGLIP} | options)
    assert before is None or contents(package) == before


def test_packages_that_are_refused(
    fake_stages: None, package: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    refused(tmp_path / "none", small_checkpoint, "expected a package folder to add track to")
    with pytest.raises(PackageError, match=r"manifest\.json"):
        add_track(small_checkpoint, small_checkpoint, vision_tower=SIGLIP)
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in package.iterdir():
        (linked / path.name).symlink_to(path)
    refused(linked, small_checkpoint, "has links, as a cache has: copy it")
    add_track(small_checkpoint, package, vision_tower=SIGLIP)
    refused(package, small_checkpoint, "expected a package without track, .* has it already")


def test_a_package_that_cannot_segment(package: Path, small_checkpoint: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    manifest |= {"format_version": 2, "capabilities": ["ask"], "tracking": None}
    for stem in CAPABILITY_STAGES["segment"]:
        del manifest["stages"][stem], manifest["verification"][stem]
    for stage in manifest["stages"].values():
        stage["variants"] = {}
    (package / "manifest.json").write_text(json.dumps(manifest))
    refused(package, small_checkpoint, "that can segment, which track needs, .* has ask")


def test_a_checkpoint_of_other_sizes(package: Path, tiny_checkpoint: Path) -> None:
    words = r"whose model\.[a-z_]+ is \d+, .* has \d+"
    refused(package, tiny_checkpoint, words, vision_tower=None)


@pytest.mark.parametrize(
    "key",
    [
        "model.mask_encoder.sam2_model.sam_mask_decoder.transformer.layers.1.self_attn.q_proj.weight",
        "model.mask_encoder.sam2_model.sam_mask_decoder.conv_s1.weight",
        "model.text_hidden_fcs.0.2.weight",
    ],
)
def test_a_checkpoint_of_other_values(
    small_package: Path,
    small_package_fp16: Path,
    small_checkpoint: Path,
    tmp_path: Path,
    key: str,
) -> None:
    """One step of training further, in one weight that masks are made with."""
    other = Path(shutil.copytree(small_checkpoint, tmp_path / "other"))
    tensors = load_file(other / "model.safetensors")
    tensors[key].view(-1)[7] *= 1.01
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})
    for package in (small_package, small_package_fp16):
        refused(package, other, f"other values of {key}: it was exported from another")


def test_it_says_what_it_takes_and_refuses_a_full_disk(
    package: Path, small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(package)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    said: list[Any] = []
    before = contents(package)
    with pytest.raises(CapacityError, match=r"expected \d+ MiB of free space"):
        add_track(small_checkpoint, package, vision_tower=SIGLIP, on_estimate=said.append)
    assert len(said) == 1 and 10 < said[0].core_s < 120
    assert contents(package) == before
