"""What tests of watching share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def nano() -> Any:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    from ufvideo_sdk import RuntimeConfig, UFVideo

    return UFVideo.load(runtime=RuntimeConfig(num_threads=1))
