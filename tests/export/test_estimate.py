"""What an export says that it will take, before it takes anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export import export_package
from ufvideo_export.checkpoint import Checkpoint
from ufvideo_export.estimate import ExportEstimate, estimate_export
from ufvideo_export.model import check_tensors
from ufvideo_export.precision import Quantization, recipe
from ufvideo_sdk.errors import CapacityError

pytestmark = pytest.mark.torch


def estimated(
    folder: Path, precision: str, quantization: Quantization | None = None
) -> ExportEstimate:
    checkpoint = Checkpoint(folder)
    counts = check_tensors(checkpoint)
    return estimate_export(checkpoint, counts, recipe(precision, quantization))


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_disk_is_enough(
    small_checkpoint: Path,
    small_package: Path,
    small_package_fp16: Path,
    small_package_int4: Path,
    tmp_path: Path,
) -> None:
    checkpoint = shutil.copytree(small_checkpoint.parent, tmp_path / "small") / "checkpoint"
    packages = {"fp32": small_package, "fp16": small_package_fp16, "int4": small_package_int4}
    for precision, package in packages.items():
        disk = estimated(checkpoint, precision).disk_bytes
        assert folder_bytes(package) <= disk < folder_bytes(package) + (64 << 20), precision


def test_smaller_weights_take_less_disk_and_longer(tiny_checkpoint: Path) -> None:
    found = {each: estimated(tiny_checkpoint, each) for each in ("fp32", "fp16", "int4")}
    assert found["fp32"].disk_bytes > found["fp16"].disk_bytes
    assert found["int4"].core_s > found["fp16"].core_s
    assert all(each.memory_bytes > 1 << 29 for each in found.values())
    # No fp32 encoder stands beside one in int8 then.
    halves = estimated(tiny_checkpoint, "int4", Quantization(floats="fp16"))
    assert halves.disk_bytes < found["int4"].disk_bytes


def test_it_is_said_before_anything_is_refused(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    monkeypatch.setattr("ufvideo_export.export.export_key", lambda *_: pytest.fail("was read"))
    said: list[ExportEstimate] = []
    out = tmp_path / "below" / "package"
    with pytest.raises(CapacityError, match=r"expected \d+ MiB of free space .*, found 1 MiB at"):
        export_package(tiny_checkpoint, out, on_estimate=said.append)
    assert said == [estimated(tiny_checkpoint, "fp32")]
    assert list(tmp_path.iterdir()) == []
