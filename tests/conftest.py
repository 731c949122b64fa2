"""Fixtures that every test folder shares."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

# First: importing it turns ONNX Runtime's telemetry off, which some tests open by themselves.
import ufvideo_sdk  # noqa: F401

DATA = Path(__file__).parent / "data"
SMALL = DATA / "small"
# A folder of the small packages as they were exported elsewhere, for a machine with a GPU and
# without the exporter.
EXPORTED = "UFVIDEO_SMALL_PACKAGES"


@pytest.fixture(scope="session")
def small_checkpoint() -> Path:
    """The golden checkpoint, in the released on-disk format."""
    return SMALL / "checkpoint"


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """What the reference implementation computes from the golden checkpoint."""
    return SMALL / "golden"


def _export(checkpoint: Path, out: Path, **options: Any) -> Path:
    exported = os.environ.get(EXPORTED)
    if exported is not None:
        return Path(exported) / out.name
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs the export extra: pip install 'ufvideo-sdk[export]'")
    if options.get("precision") == "int4" and importlib.util.find_spec("optimum") is None:
        pytest.skip("needs optimum-onnx, of the export extra")
    from ufvideo_export import export_package

    export_package(checkpoint, out, vision_tower=SMALL / "siglip", **options)
    return out


@pytest.fixture(scope="session")
def small_package(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """The golden checkpoint exported in fp32, `seg_hidden_state` as released (preceding)."""
    return _export(small_checkpoint, tmp_path_factory.mktemp("package") / "small")


@pytest.fixture(scope="session")
def small_package_fp16(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """The golden checkpoint exported in fp16."""
    out = tmp_path_factory.mktemp("package") / "small_fp16"
    return _export(small_checkpoint, out, precision="fp16")


@pytest.fixture(scope="session")
def small_package_int4(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """The golden checkpoint exported in int4."""
    out = tmp_path_factory.mktemp("package") / "small_int4"
    return _export(small_checkpoint, out, precision="int4")


@pytest.fixture(scope="session")
def package_of_a_gpu(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path, small_package_int4: Path
) -> Path:
    """Int4 weights with fp16 in between; the fixture before it skips where nothing exports."""
    from ufvideo_export.precision import Quantization

    out = tmp_path_factory.mktemp("package") / "small_int4_fp16"
    quantization = Quantization(floats="fp16")
    return _export(small_checkpoint, out, precision="int4", quantization=quantization)


@pytest.fixture(scope="session")
def small_package_predicting(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path
) -> Path:
    """The golden checkpoint exported with `seg_hidden_state` predicting."""
    out = tmp_path_factory.mktemp("package") / "small_predicting"
    return _export(small_checkpoint, out, seg_hidden_state="predicting")
