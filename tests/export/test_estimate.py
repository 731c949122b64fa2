"""What an export says that it will take, before it takes anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the export extra")
import onnx_ir as ir

from benchmarks.gpu_kit.unwritten_checkpoint import UnwrittenCheckpoint
from testing.ufvideo_testing.full_size import FULL_SIZE
from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export import export_package
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.estimate import (
    ExportEstimate,
    estimate_export,
    language_model_bytes,
    track_core_s,
)
from ufvideo_export.precision import BLOCK_SIZES, Quantization, recipe
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.torch_model.model import check_tensors
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
    exported_package_track: Path,
    small_package_fp16_track: Path,
    tmp_path: Path,
) -> None:
    checkpoint = shutil.copytree(small_checkpoint.parent, tmp_path / "small") / "checkpoint"
    packages = {"fp32": small_package, "fp16": small_package_fp16, "int4": small_package_int4}
    for precision, package in packages.items():
        disk = estimated(checkpoint, precision).disk_bytes
        assert folder_bytes(package) <= disk < folder_bytes(package) + (64 << 20), precision
    tracks = {"fp32": exported_package_track, "fp16": small_package_fp16_track}
    for precision, package in tracks.items():
        assert folder_bytes(package) <= estimated(checkpoint, precision).disk_bytes, precision


@pytest.fixture(scope="module")
def narrow_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of 48 and 176 values: an odd number of the only blocks that divide them."""
    sizes = RandomSizes(
        hidden_size=48,
        intermediate_size=176,
        num_attention_heads=3,
        num_key_value_heads=1,
        num_aligner_blocks=1,
    )
    return make_random_checkpoint(tmp_path_factory.mktemp("narrow") / "checkpoint", sizes, seed=1)


@pytest.mark.parametrize(
    ("precision", "quantization"),
    [
        ("fp32", None),
        ("fp16", None),
        *(("int4", Quantization(block_size=size)) for size in BLOCK_SIZES),
        ("int4", Quantization(block_size=16, symmetric=True, head="int8")),
        ("int4", Quantization(block_size=16, floats="fp16", head="fp32")),
        ("int8", Quantization(block_size=16)),
        ("int8", Quantization(block_size=32, floats="fp16")),
    ],
    ids=lambda value: value.text("same") if isinstance(value, Quantization) else value,
)
def test_language_model_is_as_large_as_it_said(
    narrow_checkpoint: Path, tmp_path: Path, precision: str, quantization: Quantization | None
) -> None:
    checkpoint = Checkpoint(narrow_checkpoint)
    spec = stage_specs(checkpoint, precision, quantization)["language_model"]
    path = tmp_path / "language_model.onnx"
    STAGES["language_model"](checkpoint, spec, precision, quantization).write(path)
    constants = ("last_idx", "update_scale", "scaled_down")
    weights = [
        value.const_value.nbytes
        for name, value in ir.load(path).graph.initializers.items()
        if name not in constants
    ]
    assert language_model_bytes(checkpoint.sizes, recipe(precision, quantization)) == sum(weights)


def test_tracking_takes_longer_by_what_adding_it_takes(tiny_checkpoint: Path) -> None:
    checkpoint = Checkpoint(tiny_checkpoint)
    counts, chosen = check_tensors(checkpoint), recipe("fp32")
    plain, tracks = (
        estimate_export(checkpoint, counts, chosen, track=track) for track in (False, True)
    )
    added = track_core_s(checkpoint, counts)
    assert tracks.core_s - plain.core_s == pytest.approx(added) and 20 < added < 60
    assert tracks.disk_bytes == plain.disk_bytes
    # Four layers of attention among the 4096 places of 1024 x 1024 pixels, several times.
    large = UnwrittenCheckpoint(tiny_checkpoint.parent / "large", FULL_SIZE)
    assert 60 < track_core_s(large, {"mask_encoder": 224_000_000}) < 600


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_small_blocks_take_more_disk(tiny_checkpoint: Path, precision: str) -> None:
    found = [
        estimated(tiny_checkpoint, precision, Quantization(block_size=size)).disk_bytes
        for size in (16, 32, 64)
    ]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3


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
        export_package(tiny_checkpoint, out, track=False, on_estimate=said.append)
    assert said == [estimated(tiny_checkpoint, "fp32")]
    assert list(tmp_path.iterdir()) == []
