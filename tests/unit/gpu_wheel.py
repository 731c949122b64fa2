"""The libraries of the onnxruntime-gpu wheel, for a machine without a GPU."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VARIABLE = "UFVIDEO_TEST_GPU_LIBRARY"


def gpu_library() -> Path:
    """Its libonnxruntime.so; skips the test where it is not there, or CUDA is."""
    named = os.environ.get(VARIABLE)
    cached = sorted(ROOT.glob(".cache/onnxruntime-gpu/onnxruntime/capi/libonnxruntime.so.*"))
    if not named and not cached:
        pytest.skip(f"needs onnxruntime-gpu: bash cmake/fetch_onnxruntime_gpu.sh, or {VARIABLE}")
    for name in ("libcuda.so.1", "libcublasLt.so.13"):
        if _is_there(name):
            pytest.skip(f"needs a machine without CUDA, {name} is here")
    return Path(named) if named else cached[-1]


def _is_there(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def run_with(library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ufvideo` in a process of its own: one ONNX Runtime a process."""
    command = [sys.executable, "-c", "from ufvideo_sdk.cli import main; main()", *arguments]
    return subprocess.run(
        [*command, "--onnxruntime-library", str(library)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
