"""Finding libonnxruntime in installed wheels, without importing them."""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from ufvideo_sdk.errors import DeviceError
from ufvideo_sdk.runtime import onnxruntime_library
from ufvideo_sdk.runtime.onnxruntime_library import ENVIRONMENT_VARIABLE, find_library


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder of its own; the real one is out of sight for ONNX Runtime."""
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    return tmp_path


def install(site: Path, distribution: str, version: str) -> Path:
    library = site / "onnxruntime" / "capi" / f"libonnxruntime.so.{version}"
    library.parent.mkdir(parents=True, exist_ok=True)
    (site / "onnxruntime" / "__init__.py").write_text("raise RuntimeError('imported')")
    library.write_bytes(b"")
    facts = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )
    return library


@pytest.mark.parametrize("distribution", ["onnxruntime", "onnxruntime-gpu"])
def test_wheel_is_found_without_importing_it(site: Path, distribution: str) -> None:
    library = install(site, distribution, "1.30.1")
    (library.parent / "libonnxruntime_providers_shared.so").write_bytes(b"")
    assert find_library() == library


def test_gpu_build_wins_where_both_are_installed(site: Path) -> None:
    install(site, "onnxruntime", "1.32.0")
    gpu = install(site, "onnxruntime-gpu", "1.31.1")
    assert find_library() == gpu
    assert set(onnxruntime_library.installed_versions()) == {"onnxruntime", "onnxruntime-gpu"}


def test_each_wheel_is_an_extra_and_neither_is_in_the_base() -> None:
    found = {
        text.split(">")[0]: text.partition("extra == ")[2].strip("\"'")
        for text in requires("ufvideo-sdk") or []
        if re.match(r"onnxruntime(-gpu)?\b(?!-)", text)
    }
    assert found == {"onnxruntime": "cpu", "onnxruntime-gpu": "cuda"}


def test_explicit_path_then_environment(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "onnxruntime", "1.32.0")
    other, third = site / "other.so", site / "third.so"
    other.write_bytes(b"")
    third.write_bytes(b"")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(other))
    assert find_library() == other
    assert find_library(third) == third
    with pytest.raises(DeviceError, match=r"RuntimeConfig\.onnxruntime_library.*gone\.so"):
        find_library(site / "gone.so")
    other.unlink()
    with pytest.raises(DeviceError, match=ENVIRONMENT_VARIABLE):
        find_library()


def test_missing_and_too_old(site: Path) -> None:
    extras = r"pip install 'ufvideo-sdk\[cpu\]'.*pip install 'ufvideo-sdk\[cuda\]'"
    with pytest.raises(DeviceError, match=rf"found no module onnxruntime; {extras}"):
        find_library()
    library = install(site, "onnxruntime", "1.20.1")
    with pytest.raises(
        DeviceError, match=r"1\.22 or newer, found onnxruntime 1\.20\.1.*pip install"
    ):
        find_library()
    library.unlink()
    with pytest.raises(DeviceError, match=r"expected capi/libonnxruntime\.so"):
        find_library()


def test_library_without_distribution_metadata(site: Path) -> None:
    library = install(site, "onnxruntime", "1.20.1")
    newer = library.with_name("libonnxruntime.so.1.100.0")
    for path in site.glob("*.dist-info/METADATA"):
        path.unlink()
        path.parent.rmdir()
    with pytest.raises(DeviceError, match=r"found .*1\.20\.1"):
        find_library()
    newer.write_bytes(b"")
    assert find_library() == newer
