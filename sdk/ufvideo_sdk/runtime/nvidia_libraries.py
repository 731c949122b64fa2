"""NVIDIA's libraries as pip installs them, where the dynamic linker does not look by itself."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterable
from pathlib import Path

_MODULES = ("nvidia", "tensorrt_libs")
"""Where their wheels put them: nvidia/*/lib, tensorrt_libs."""
_STEMS = (
    "libcudart",
    "libnvJitLink",
    "libnvrtc",
    "libcublasLt",
    "libcublas",
    "libcufft",
    "libcurand",
    "libcudnn",
    "libnvinfer",
    "libnvonnxparser",
)
"""What ONNX Runtime's providers for NVIDIA's GPUs need, what others need first."""


def load_installed_libraries(providers: Iterable[str]) -> None:
    """Load the libraries that pip installed, so that a provider that needs them finds them.

    Libraries of the system are left to the dynamic linker; one that cannot be loaded is named when
    the provider does not start.

    Args:
        providers: Execution providers asked for; "cpu" needs none.
    """
    if set(providers) <= {"cpu"}:
        return
    for path in installed_libraries():
        try:
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue


def installed_libraries() -> list[Path]:
    """The libraries that pip installed, in an order in which they can be loaded.

    Of a library that is there for CUDA 12 and for CUDA 13, both: a provider names the one it needs.
    """
    found: dict[str, dict[str, Path]] = {}
    for folder in _folders():
        for path in sorted(folder.glob("lib*.so.*")):
            found.setdefault(path.name.partition(".so.")[0], {}).setdefault(path.name, path)
    return [path for stem in _STEMS for _, path in sorted(found.get(stem, {}).items())]


def _folders() -> list[Path]:
    folders: list[Path] = []
    for module in _MODULES:
        spec = importlib.util.find_spec(module)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            folders += [Path(location), *sorted(Path(location).glob("*/lib"))]
    return folders
