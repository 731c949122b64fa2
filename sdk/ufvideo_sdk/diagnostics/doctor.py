"""What is installed, what works here, and what to do where it does not."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from ufvideo_sdk.errors import PackageError, UFVideoError
from ufvideo_sdk.package.shipped_package import SHIPPED_NAME, shipped_package
from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
from ufvideo_sdk.runtime.onnxruntime_library import (
    INSTALL,
    INSTALL_EXPORT,
    INSTALL_GPU_ALONE,
    find_library,
    installed_versions,
)

_REQUIRED = {
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "tokenizers": "tokenizers",
    "pillow": "PIL",
    "av": "av",
    "typer": "typer",
    "rich": "rich",
}
"""Distributions the SDK needs, and the module to import for proof."""
_EXPORT = {
    "torch": "torch",
    "transformers": "transformers",
    "onnx": "onnx",
    "onnx-ir": "onnx_ir",
    "onnxscript": "onnxscript",
    "safetensors": "safetensors",
    "optimum-onnx": "optimum",
}
_ACCELERATORS = ("cuda", "tensorrt")
_GPU_DEVICES = ("nvidia[0-9]*", "nvhost-gpu", "nvhost-ctrl-gpu", "nvmap", "dri/renderD*", "kfd")
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_HUGE_PAGES_VARIABLE = "GLIBC_TUNABLES"
_HUGE_PAGES_VALUE = "glibc.malloc.hugetlb=1"
_REINSTALL = "build it again: pip install . in the sources of ufvideo-sdk"


class Health(str, Enum):
    """How a part is doing.

    An absent part is optional, a mixed one works for now and should be mended, a broken one is
    needed.
    """

    OK = "ok"
    ABSENT = "absent"
    MIXED = "mixed"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line of the report: the part, how it is doing, and what mends it."""

    subject: str
    health: Health
    detail: str
    remedy: str | None = None


def examine(onnxruntime_library: Path | None = None) -> list[Finding]:
    """Look at everything, most basic first. Nothing here raises.

    Args:
        onnxruntime_library: libonnxruntime to look at; None for the installed package's.
    """
    return [
        _python(),
        *_packages(),
        *_onnxruntime_wheels(),
        _native_module(),
        _shipped_package(),
        *_onnxruntime(onnxruntime_library),
        _video_files(),
        _gpu_devices(),
        *_huge_pages(),
        _export_extra(),
    ]


def _python() -> Finding:
    detail = f"{platform.python_version()}, {platform.machine()}, {platform.platform(terse=True)}"
    return Finding("Python", Health.OK, detail)


def _packages() -> Iterator[Finding]:
    yield Finding(
        "ufvideo-sdk", Health.OK, _version("ufvideo-sdk") or "not installed, run in place"
    )
    for name, module in _REQUIRED.items():
        problem = _import_problem(module)
        if problem is not None:
            yield Finding(name, Health.BROKEN, problem, f"pip install {name}")
        else:
            yield Finding(name, Health.OK, _version(name) or "present")


def _onnxruntime_wheels() -> Iterator[Finding]:
    """The wheel of one of the extras, or none, or two that other packages brought together."""
    subject = "ONNX Runtime wheel"
    versions = installed_versions()
    found = " and ".join(f"{name} {version}" for name, version in versions.items())
    if not versions:
        # A library may be named instead, which the next findings look at.
        yield Finding(subject, Health.ABSENT, "not installed", INSTALL)
    elif len(versions) > 1:
        detail = f"{found} overwrite each other's files"
        yield Finding(subject, Health.MIXED, detail, INSTALL_GPU_ALONE)
    else:
        yield Finding(subject, Health.OK, found)


def _native_module() -> Finding:
    problem = _import_problem("ufvideo_sdk._native")
    if problem is not None:
        return Finding("native module", Health.BROKEN, problem, _REINSTALL)
    return Finding("native module", Health.OK, "loads (no headers needed to run)")


def _shipped_package() -> Finding:
    subject = f"package {SHIPPED_NAME}"
    try:
        return Finding(subject, Health.OK, str(shipped_package()))
    except PackageError:
        detail = "not in this installation: every command needs --package"
        return Finding(subject, Health.ABSENT, detail, _REINSTALL)


def _onnxruntime(library: Path | None) -> Iterator[Finding]:
    try:
        from ufvideo_sdk._native import find_provider_problem, open_onnxruntime

        facts = open_onnxruntime(find_library(library))
    except Exception as error:
        yield Finding(
            "ONNX Runtime library",
            Health.BROKEN,
            _one_line(error),
            f"{INSTALL}, or name one with --onnxruntime-library",
        )
        return
    yield Finding("ONNX Runtime library", Health.OK, f"{facts.version}, {facts.library}")
    providers = list(facts.providers)
    yield Finding("provider cpu", *_cpu(providers))
    load_installed_libraries(_ACCELERATORS)
    for provider in _ACCELERATORS:
        problem = find_provider_problem(facts.library, provider)
        if problem is None:
            yield Finding(f"provider {provider}", Health.OK, "starts")
        else:
            yield Finding(f"provider {provider}", Health.ABSENT, problem.what, problem.mend)


def _cpu(providers: list[str]) -> tuple[Health, str, str | None]:
    if "CPUExecutionProvider" in providers:
        return Health.OK, "works", None
    return Health.BROKEN, f"not among {providers}", INSTALL


def _video_files() -> Finding:
    subject = "H.264 video"
    try:
        import av

        missing = [name for name in ("libx264",) if name not in av.codecs_available]
        decoder = "h264" in av.codecs_available
    except Exception as error:
        return Finding(subject, Health.BROKEN, _one_line(error), "pip install av")
    if not decoder:
        remedy = "pip install --force-reinstall --only-binary=av av"
        return Finding(subject, Health.BROKEN, "PyAV cannot read it", remedy)
    if missing:
        remedy = "pip install --force-reinstall --only-binary=av av (to save .mp4)"
        return Finding(subject, Health.ABSENT, "PyAV reads but cannot write it", remedy)
    return Finding(subject, Health.OK, "PyAV reads and writes it")


def _gpu_devices() -> Finding:
    found = sorted(str(path) for pattern in _GPU_DEVICES for path in Path("/dev").glob(pattern))
    if found:
        return Finding("GPU device files", Health.OK, " ".join(found))
    return Finding("GPU device files", Health.ABSENT, "none in /dev: no GPU, or not passed through")


def _huge_pages() -> Iterator[Finding]:
    """Whether weights come to lie in huge pages: every token reads all of them."""
    subject = "huge pages"
    asked = _HUGE_PAGES_VALUE in os.environ.get(_HUGE_PAGES_VARIABLE, "").split(":")
    setting = f"{_HUGE_PAGES_VARIABLE}={_HUGE_PAGES_VALUE}"
    try:
        chosen = _HUGE_PAGES.read_text(encoding="ascii").partition("[")[2].partition("]")[0]
    except OSError:
        return  # Another system, or a kernel without them.
    if chosen == "always":
        yield Finding(subject, Health.OK, "used for all large memory")
    elif chosen == "madvise" and asked:
        yield Finding(subject, Health.OK, f"asked for with {setting}")
    elif chosen == "madvise":
        detail = "only where asked for; decoding on the CPU is some percent faster with them"
        yield Finding(subject, Health.ABSENT, detail, f"{setting} in the environment")
    else:
        yield Finding(subject, Health.ABSENT, "this kernel gives none")


def _export_extra() -> Finding:
    missing = [name for name, module in _EXPORT.items() if find_spec(module) is None]
    if missing:
        detail = f"missing: {', '.join(missing)}"
        return Finding("export extra", Health.ABSENT, detail, INSTALL_EXPORT)
    return Finding("export extra", Health.OK, f"torch {_version('torch')}")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _import_problem(module: str) -> str | None:
    load: Callable[[str], object] = importlib.import_module
    try:
        load(module)
    except Exception as error:
        return _one_line(error)
    return None


def _one_line(error: Exception) -> str:
    # Our own messages say what is wrong; of others the kind matters.
    kind = "" if isinstance(error, UFVideoError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split())
