"""Providers of the real onnxruntime-gpu wheel on a machine without a GPU: every message."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.unit.gpu_wheel import gpu_library, run_with
from ufvideo_sdk.cli.exit_codes import EXIT_CODES
from ufvideo_sdk.errors import DeviceError
from ufvideo_sdk.package.manifest_fields import ALL_STEMS, CAPABILITY_STAGES

DRIVER = "install NVIDIA's driver (a container sees it when started with --gpus all)"


@pytest.fixture(scope="module")
def library() -> Path:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    return gpu_library()


def providers_of(
    library: Path, *providers: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    named = [part for provider in providers for part in ("--provider", provider)]
    return run_with(library, "info", "--providers", "--json", *named, *options)


@pytest.mark.parametrize(
    ("provider", "missing"), [("cuda", "libcublasLt.so.13"), ("tensorrt", "libcublas.so.13")]
)
def test_strict_is_an_error_that_names_what_is_missing(
    library: Path, provider: str, missing: str
) -> None:
    result = providers_of(library, provider, "cpu")
    assert result.returncode == EXIT_CODES[DeviceError], result.stderr
    message = result.stderr.splitlines()[-1]
    assert f'providers: expected "{provider}" to start, but' in message
    assert f"libonnxruntime_providers_{provider}.so needs {missing}, which is not there" in message
    assert "nor is NVIDIA's driver (libcuda.so.1)" in message
    assert 'pip install "onnxruntime-gpu[cuda,cudnn]"' in message and DRIVER in message
    assert result.stdout == ""


def test_fallback_takes_the_next_provider_and_says_why(library: Path) -> None:
    result = providers_of(library, "tensorrt", "cuda", "cpu", options=("--allow-fallback",))
    assert result.returncode == 0, result.stderr
    providers = json.loads(result.stdout)["providers"]
    assert list(providers) == list(ALL_STEMS)
    for stem, stage in providers.items():
        assert stage["used"] == ["cpu"]
        assert "libcublasLt.so.13" in stage["left_out"]["cuda"]
        # Some it would not take if it could start.
        halves = ("aligner", "region_encoder", "mask_decoder", *CAPABILITY_STAGES["track"])
        taken = stem in halves
        assert ("libcublas.so.13" in stage["left_out"]["tensorrt"]) == taken


def test_fallback_needs_one_that_starts(library: Path) -> None:
    result = providers_of(library, "cuda", options=("--allow-fallback",))
    assert result.returncode == EXIT_CODES[DeviceError]
    assert "expected one that can start" in result.stderr and "libcublasLt.so.13" in result.stderr


def test_its_cpu_provider_works(library: Path) -> None:
    result = providers_of(library, "cpu")
    assert result.returncode == 0, result.stderr
    assert all(
        stage == {"used": ["cpu"], "num_nodes": {}, "left_out": {}}
        for stage in json.loads(result.stdout)["providers"].values()
    )


def test_nothing_is_printed_by_onnxruntime(library: Path) -> None:
    """Left alone it logs a provider that cannot start; a library does not write to stderr."""
    result = providers_of(library, "cuda", "cpu")
    lines = result.stderr.splitlines()
    assert [line for line in lines if "providers_cuda" in line] == [lines[-1]]


def test_the_doctor_names_what_is_missing(library: Path) -> None:
    result = run_with(library, "doctor", "--json")
    found = {each["subject"]: each for each in json.loads(result.stdout)["findings"]}
    assert found["provider cuda"]["health"] == "absent"
    assert "needs libcublasLt.so.13" in found["provider cuda"]["detail"]
    assert found["provider cuda"]["remedy"].startswith("pip install")
    assert "needs libcublas.so.13" in found["provider tensorrt"]["detail"]
