"""TensorRT, only where it is installed: building engines, and whether they answer as the CPU does.

Run as `python -m benchmarks.gpu_kit.tensorrt DEVICE PACKAGE`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.latency.device_agreement import agreement_figures
from ufvideo_sdk import _native
from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
from ufvideo_sdk.runtime.onnxruntime_library import find_library

_PROVIDERS = ("tensorrt", "cuda", "cpu")


def main(arguments: Sequence[str]) -> int:
    """Build and compare; see the module."""
    device, package = arguments[0], Path(arguments[1])
    if device != "cuda":
        print("TensorRT: left out on the CPU")
        return 0
    load_installed_libraries(_PROVIDERS)
    problem = _native.find_provider_problem(str(find_library()), "tensorrt")
    if problem is not None:
        print(f"TensorRT: left out: {problem.what}")
        return 0
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        command = [sys.executable, "-m", "ufvideo_sdk", "build", str(package), "--json"]
        subprocess.run(command, check=True)
        figures = agreement_figures(package, _PROVIDERS, 32)
    for figure in figures:
        print(f"{figure.name}: {figure.value:.4f} (at least {figure.limit}) {figure.verdict}")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
