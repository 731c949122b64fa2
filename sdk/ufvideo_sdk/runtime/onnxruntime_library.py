"""Find the ONNX Runtime shared library without importing its Python module."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from pathlib import Path

from ufvideo_sdk.errors import CapacityError, DeviceError
from ufvideo_sdk.validation.paths import is_file, shown

MIN_VERSION = (1, 22)
ENVIRONMENT_VARIABLE = "UFVIDEO_ONNXRUNTIME_LIBRARY"
# Both wheels install the module `onnxruntime`. If both are there, the GPU build is meant.
DISTRIBUTIONS = ("onnxruntime-gpu", "onnxruntime")
INSTALL = "pip install 'ufvideo-sdk[cpu]', or for an NVIDIA GPU pip install 'ufvideo-sdk[cuda]'"
INSTALL_EXPORT = (
    "pip install 'ufvideo-sdk[cpu,export]' (with cuda in place of cpu for an NVIDIA GPU)"
)
# Removing either wheel deletes files of the other, so that both go first.
INSTALL_GPU_ALONE = (
    "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'ufvideo-sdk[cuda]'"
)


def find_library(explicit: str | os.PathLike[str] | None = None) -> Path:
    """The path of libonnxruntime: an explicit one, the environment's, or the installed wheel's.

    Raises:
        DeviceError: Naming what was looked for, the version found where it is too old, and the
            command that mends it.
        CapacityError: When no file descriptor is left to look with.
    """
    if explicit is not None:
        return _existing(Path(explicit), "RuntimeConfig.onnxruntime_library")
    from_environment = os.environ.get(ENVIRONMENT_VARIABLE)
    if from_environment:
        return _existing(Path(from_environment), ENVIRONMENT_VARIABLE)
    try:
        return _installed()
    except OSError as error:
        raise CapacityError(
            "expected to look for ONNX Runtime among the installed packages, got:"
            f" {error.strerror}; close files or raise the limit (ulimit -n)"
        ) from None


def installed_versions() -> dict[str, str]:
    """Version of each installed ONNX Runtime distribution."""
    versions: dict[str, str] = {}
    for distribution in DISTRIBUTIONS:
        try:
            versions[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _existing(path: Path, setting: str) -> Path:
    if not is_file(path):
        raise DeviceError(
            f"{setting}: expected the path of libonnxruntime.so, found no file {shown(path)};"
            " correct it,"
            f" or unset it and {INSTALL}"
        )
    return path


def _installed() -> Path:
    folder = _module_folder()
    if folder is None:
        raise DeviceError(
            f"expected ONNX Runtime {_text(MIN_VERSION)} or newer, found no module onnxruntime;"
            f" {INSTALL}, or set {ENVIRONMENT_VARIABLE} to the path of libonnxruntime.so"
        )
    libraries = {
        _version(path.name): path for path in sorted(folder.glob("capi/libonnxruntime.so*"))
    }
    if not libraries:
        raise DeviceError(
            f"expected capi/libonnxruntime.so.* in {folder}, found none; {INSTALL}, or set"
            f" {ENVIRONMENT_VARIABLE} to the path of libonnxruntime.so"
        )
    versions = installed_versions()
    for distribution, version in versions.items():
        if _version(version)[:2] < MIN_VERSION:
            raise DeviceError(
                f"expected ONNX Runtime {_text(MIN_VERSION)} or newer, found {distribution}"
                f" {version} in {folder}; pip install --upgrade"
                f' "{distribution}>={_text(MIN_VERSION)}"'
            )
    for version in versions.values():
        if _version(version) in libraries:
            return libraries[_version(version)]
    newest = max(libraries)
    if newest and newest[:2] < MIN_VERSION:
        raise DeviceError(
            f"expected ONNX Runtime {_text(MIN_VERSION)} or newer, found {libraries[newest]};"
            f" {INSTALL}"
        )
    return libraries[newest]


def _module_folder() -> Path | None:
    spec = importlib.util.find_spec("onnxruntime")
    locations = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(locations))) if locations else None


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version or of a file name that ends in one; empty where there are none."""
    found = re.search(r"(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
