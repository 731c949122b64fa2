"""What NVIDIA's libraries are asked, with stand-ins for them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gpu_wheel import gpu_library
from ufvideo_sdk.errors import DeviceError
from ufvideo_sdk.runtime import nvidia_device
from ufvideo_sdk.runtime.nvidia_device import NvidiaDevice, tensorrt_library, tensorrt_version


class Driver:
    """Two GPUs, of which the second is an Orin."""

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return 0

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:  # noqa: N802
        device._obj.value = 70 + ordinal
        return 0 if ordinal < 2 else 101

    def cuDeviceGetName(self, name: Any, length: int, device: ctypes.c_int) -> int:  # noqa: N802
        assert length == len(name) == 256
        name.value = b"Orin" if device.value == 71 else b"NVIDIA H100"
        return 0

    def cuDeviceGetAttribute(  # noqa: N802
        self, value: Any, attribute: int, device: ctypes.c_int
    ) -> int:
        value._obj.value = {75: 8, 76: 7}[attribute] if device.value == 71 else 9
        return 0


class Nvinfer:
    def __init__(self, number: int) -> None:
        self.number = number

    def getInferLibVersion(self) -> int:  # noqa: N802
        return self.number


def stand_in(monkeypatch: pytest.MonkeyPatch, **libraries: Any) -> None:
    def open_library(name: str) -> Any:
        for stem, library in libraries.items():
            if name.startswith(stem):
                return library
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", open_library)


def test_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, libcuda=Driver())
    assert nvidia_device.nvidia_device(1) == NvidiaDevice("Orin", "8.7")
    assert nvidia_device.nvidia_device(0) == NvidiaDevice("NVIDIA H100", "9.9")


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, libcuda=Driver())
    with pytest.raises(DeviceError, match="GPU 2 to answer cuDeviceGet, got CUDA error 101"):
        nvidia_device.nvidia_device(2)
    stand_in(monkeypatch)
    with pytest.raises(DeviceError, match=r"expected libcuda\.so\.1, .*install NVIDIA's driver"):
        nvidia_device.nvidia_device(0)


def provider(folder: Path, content: bytes) -> Path:
    (folder / "libonnxruntime_providers_tensorrt.so").write_bytes(content)
    return folder / "libonnxruntime.so.1.31.1"


@pytest.mark.parametrize(
    ("number", "version"), [(101303, "10.13.3"), (100000, "10.0.0"), (8601, "8.6.1")]
)
def test_the_version_of_tensorrt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, version: str
) -> None:
    library = provider(tmp_path, b"\x7fELF\0libnvinfer_plugin.so.10\0libnvinfer.so.10\0libc.so.6\0")
    assert tensorrt_library(library) == "libnvinfer.so.10"
    stand_in(monkeypatch, libnvinfer=Nvinfer(number))
    assert tensorrt_version(library) == version


def test_no_tensorrt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = provider(tmp_path, b"\x7fELF\0libc.so.6\0")
    with pytest.raises(DeviceError, match="expected the name of TensorRT's library, found none"):
        tensorrt_version(library)
    stand_in(monkeypatch)
    provider(tmp_path, b"\0libnvinfer.so.10\0")
    with pytest.raises(DeviceError, match=r"expected libnvinfer\.so\.10, it cannot be opened"):
        tensorrt_version(library)
    with pytest.raises(DeviceError, match="provider for TensorRT, got: No such file"):
        tensorrt_version(tmp_path / "elsewhere" / "libonnxruntime.so")


def test_the_provider_of_the_real_wheel_names_its_tensorrt() -> None:
    assert tensorrt_library(gpu_library()) == "libnvinfer.so.10"
