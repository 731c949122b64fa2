"""Which GPU this is and which TensorRT, asked of NVIDIA's own libraries.

Standard library only: an engine fits one device and one version, so both are in its cache's key.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

from ufvideo_sdk.errors import DeviceError

_DRIVER = "libcuda.so.1"
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76
_PROVIDER = "libonnxruntime_providers_tensorrt.so"
_NVINFER = re.compile(rb"libnvinfer\.so(?:\.\d+)*\0")


@dataclass(frozen=True)
class NvidiaDevice:
    """One GPU.

    Attributes:
        name: As NVIDIA's driver gives it, such as "Orin".
        compute_capability: Such as "8.7".
    """

    name: str
    compute_capability: str


def nvidia_device(device_id: int) -> NvidiaDevice:
    """Ask the driver about a GPU.

    Raises:
        DeviceError: When there is no driver, or no such GPU.
    """
    driver = _library(_DRIVER, "install NVIDIA's driver")

    def call(function: str, *arguments: object) -> None:
        code = getattr(driver, function)(*arguments)
        if code != 0:
            raise DeviceError(
                f"expected GPU {device_id} to answer {function}, got CUDA error {code}; run"
                " nvidia-smi, and see RuntimeConfig.device_id"
            )

    call("cuInit", 0)
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    call("cuDeviceGet", ctypes.byref(device), device_id)
    call("cuDeviceGetName", name, len(name), device)
    capability = []
    for attribute in (_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR):
        value = ctypes.c_int()
        call("cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
        capability.append(str(value.value))
    return NvidiaDevice(name.value.decode(errors="replace"), ".".join(capability))


def tensorrt_version(onnxruntime_library: Path) -> str:
    """Version of the TensorRT that ONNX Runtime's provider beside a library was built for and uses.

    Raises:
        DeviceError: When the provider names no TensorRT, or that cannot be opened.
    """
    name = tensorrt_library(onnxruntime_library)
    nvinfer = _library(name, "install NVIDIA TensorRT of that version")
    number = int(nvinfer.getInferLibVersion())
    # Major, minor and patch since TensorRT 10: 101300 is 10.13.0. Before it was 8601 for 8.6.1.
    major, rest = divmod(number, 10000) if number >= 100000 else divmod(number, 1000)
    minor, patch = divmod(rest, 100)
    return f"{major}.{minor}.{patch}"


def tensorrt_library(onnxruntime_library: Path) -> str:
    """File name of the TensorRT library that ONNX Runtime's provider links to.

    Raises:
        DeviceError: When the provider is missing or names none.
    """
    provider = onnxruntime_library.resolve().parent / _PROVIDER
    try:
        found = _NVINFER.search(provider.read_bytes())
    except OSError as error:
        raise DeviceError(
            f"expected {provider}, ONNX Runtime's provider for TensorRT, got: {error.strerror}"
        ) from error
    if found is None:
        raise DeviceError(f"{provider}: expected the name of TensorRT's library, found none")
    return found[0].rstrip(b"\0").decode()


def _library(name: str, mend: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise DeviceError(f"expected {name}, it cannot be opened: {error}; {mend}") from error
