"""Providers that can start here; everything in this folder is skipped where CUDA cannot."""

from __future__ import annotations

import pytest

CUDA = ("cuda", "cpu")
TENSORRT = ("tensorrt", "cuda", "cpu")


def skip_unless_it_starts(provider: str) -> None:
    """Skip a test, with what is missing as the reason."""
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    from ufvideo_sdk import _native
    from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
    from ufvideo_sdk.runtime.onnxruntime_library import find_library

    load_installed_libraries((provider,))
    problem = _native.find_provider_problem(str(find_library(None)), provider)
    if problem is not None:
        pytest.skip(f'needs "{provider}" to start, but {problem.what}; {problem.mend}')


# Before all other fixtures: no package is exported for tests that are skipped.
@pytest.fixture(scope="session", autouse=True)
def _needs_cuda() -> None:
    skip_unless_it_starts("cuda")


@pytest.fixture(scope="session")
def cuda() -> tuple[str, ...]:
    """Providers with CUDA first."""
    return CUDA


@pytest.fixture(scope="session")
def tensorrt() -> tuple[str, ...]:
    """Providers with TensorRT first."""
    skip_unless_it_starts("tensorrt")
    return TENSORRT
