"""What every measurement of the kit needs first: providers, and a package that is written."""

from __future__ import annotations

import time
from pathlib import Path

from ufvideo_sdk import RuntimeConfig
from ufvideo_sdk.package.file_names import MANIFEST_NAME

_PROVIDERS = {"cuda": ("cuda", "cpu"), "cpu": ("cpu",)}


def runtime(device: str) -> RuntimeConfig:
    """How packages run on "cuda" (the CPU takes what CUDA has no kernel for), or on "cpu"."""
    return RuntimeConfig(providers=_PROVIDERS[device])


def wait_for(package: Path, seconds: float = 120.0) -> Path:
    """Wait until a package is written; filling goes on beside the first steps.

    Raises:
        RuntimeError: When it could not be written.
        TimeoutError: When it is not there in time.
    """
    begin, is_told = time.monotonic(), False
    failed = package.with_name(f"{package.name}.failed")
    while not (package / MANIFEST_NAME).is_file():
        if failed.is_file():
            raise RuntimeError(f"{package} was not written: {failed.read_text(encoding='utf-8')}")
        if not is_told and time.monotonic() - begin > 1:
            print(f"waiting until {package.name} is written")
            is_told = True
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"expected {package} within {seconds:.0f} s")
        time.sleep(0.2)
    waited_s = time.monotonic() - begin
    if waited_s > 1:
        print(f"waited {waited_s:.1f} s until {package.name} was written")
    return package
