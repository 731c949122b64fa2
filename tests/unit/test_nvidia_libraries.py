"""NVIDIA's libraries of pip are found, in an order in which they load, and only where needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ufvideo_sdk.runtime import nvidia_libraries
from ufvideo_sdk.runtime.nvidia_libraries import installed_libraries, load_installed_libraries


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder with the wheels of CUDA 13, cuDNN and TensorRT."""
    for name in (
        "nvidia/cudnn/lib/libcudnn.so.9",
        "nvidia/cudnn/lib/libcudnn_graph.so.9",
        "nvidia/cu13/lib/libcublas.so.13",
        "nvidia/cu13/lib/libcublasLt.so.13",
        "nvidia/cu13/lib/libcudart.so.13",
        "nvidia/cu13/lib/libnvrtc-builtins.so.13",
        "tensorrt_libs/libnvinfer.so.10",
        "tensorrt_libs/__init__.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    for module in ("nvidia", "tensorrt_libs"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def test_what_others_need_comes_first(site: Path) -> None:
    assert [path.name for path in installed_libraries()] == [
        "libcudart.so.13",
        "libcublasLt.so.13",
        "libcublas.so.13",
        "libcudnn.so.9",
        "libnvinfer.so.10",
    ]


def test_libraries_of_two_versions_are_both_there(site: Path) -> None:
    (site / "nvidia/cublas/lib").mkdir(parents=True)
    (site / "nvidia/cublas/lib/libcublas.so.12").write_bytes(b"")
    found = [path.name for path in installed_libraries()]
    assert [name for name in found if name.startswith("libcublas.")] == [
        "libcublas.so.12",
        "libcublas.so.13",
    ]


def test_without_the_wheels_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed_libraries() == []


def test_only_a_gpu_needs_them(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(path: str, mode: int) -> None:
        loaded.append(Path(path).name)
        raise OSError("no library at all")

    monkeypatch.setattr(nvidia_libraries.ctypes, "CDLL", load)
    load_installed_libraries({"cpu"})
    assert loaded == []
    load_installed_libraries({"cuda", "cpu"})
    assert loaded == [path.name for path in installed_libraries()]
