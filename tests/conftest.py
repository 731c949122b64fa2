"""Fixtures that every test folder shares."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# First: importing it turns ONNX Runtime's telemetry off, which some tests open by themselves.
import ufvideo_sdk  # noqa: F401
from ufvideo_sdk.runtime.onnxruntime_library import INSTALL_EXPORT

DATA = Path(__file__).parent / "data"
SMALL = DATA / "small"
# A folder of the small packages as they were exported elsewhere, for a machine with a GPU and
# without the exporter.
EXPORTED = "UFVIDEO_SMALL_PACKAGES"
WITHOUT_EXPORT = "--without-export"
_EXPORT_MODULES = ("torch", "transformers", "onnxscript", "optimum", "safetensors")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lets a machine with the export extra show that the tests of the SDK need none of it."""
    parser.addoption(
        WITHOUT_EXPORT,
        action="store_true",
        help="run as if the export extra were not installed, the tests marked torch left out",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(WITHOUT_EXPORT):
        # An import of a module that is None here raises ModuleNotFoundError.
        sys.modules.update(dict.fromkeys(_EXPORT_MODULES))  # type: ignore[arg-type]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption(WITHOUT_EXPORT):
        left_out = [item for item in items if item.get_closest_marker("torch")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def _torch_threads() -> int | None:
    """How many threads PyTorch begins with; None: no test has imported it."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else None


@pytest.fixture(autouse=True)
def _torch_threads_stay(_torch_threads: int | None) -> Iterator[None]:
    """Commands of `training` set PyTorch's threads, on which the last bits of an export depend."""
    yield
    torch = sys.modules.get("torch")
    if torch and _torch_threads:
        torch.set_num_threads(_torch_threads)


def _with_track(package: Path, folder: Path, checkpoint: Path) -> Path:
    from ufvideo_export import add_track

    copy = Path(shutil.copytree(package, folder / f"{package.name}_track"))
    add_track(checkpoint, copy, vision_tower=SMALL / "siglip")
    return copy


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
        pytest.skip(f"needs the export extra: {INSTALL_EXPORT}")
    if options.get("precision") == "int4" and importlib.util.find_spec("optimum") is None:
        pytest.skip("needs optimum-onnx, of the export extra")
    from ufvideo_export import export_package

    # Of format version 1 unless a test asks for more: three graphs less to trace.
    export_package(checkpoint, out, **{"vision_tower": SMALL / "siglip", "track": False} | options)
    return out


@pytest.fixture(scope="session")
def small_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden checkpoint's package in fp32, `seg_hidden_state` as released (preceding).

    No PyTorch is needed for it. In tests/parity and tests/export it is exported instead.
    """
    exported = os.environ.get(EXPORTED)
    if exported is not None:
        return Path(exported) / "small"
    # Not at the top: a kit for a GPU machine leaves this module out.
    from tests.small_package import assemble

    return assemble(tmp_path_factory.mktemp("package") / "small")


@pytest.fixture(scope="session")
def small_package_track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package with the stages that track, without PyTorch too."""
    exported = os.environ.get(EXPORTED)
    if exported is not None:
        return Path(exported) / "small_track"
    from tests.small_package import assemble

    return assemble(tmp_path_factory.mktemp("package") / "small_track", track=True)


@pytest.fixture(scope="session")
def small_package_predicting(tmp_path_factory: pytest.TempPathFactory, small_package: Path) -> Path:
    """The same package with `seg_hidden_state` predicting; its graphs are the same."""
    out = tmp_path_factory.mktemp("package") / "small_predicting"
    shutil.copytree(small_package, out)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["model"]["seg_hidden_state"] = "predicting"
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


@pytest.fixture(scope="session")
def exported_package(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """The golden checkpoint exported in fp32."""
    return _export(small_checkpoint, tmp_path_factory.mktemp("package") / "small")


@pytest.fixture(scope="session")
def exported_package_track(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path, exported_package: Path
) -> Path:
    """The golden checkpoint exported in fp32, with the stages that track."""
    return _with_track(exported_package, tmp_path_factory.mktemp("package"), small_checkpoint)


@pytest.fixture(scope="session")
def small_package_fp16_track(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path, small_package_fp16: Path
) -> Path:
    """The golden checkpoint exported in fp16, with the stages that track."""
    return _with_track(small_package_fp16, tmp_path_factory.mktemp("package"), small_checkpoint)


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
def exported_package_predicting(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path
) -> Path:
    """The golden checkpoint exported with `seg_hidden_state` predicting."""
    out = tmp_path_factory.mktemp("package") / "small_predicting"
    return _export(small_checkpoint, out, seg_hidden_state="predicting")
