"""Memory that crosses the border: whose it is, who may touch it, and what happens without any."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import native_config
from ufvideo_sdk import _native, errors


def test_a_resize_to_the_same_size_gives_memory_of_its_own() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)
    before = frames.copy()
    resized = _native.resize_bicubic(frames, 5, 7)
    assert np.array_equal(resized, before)
    assert not np.shares_memory(resized, frames)
    resized[:] = 0
    assert np.array_equal(frames, before)


NO_MEMORY = """
import resource
import numpy as np
from ufvideo_sdk import _native, errors
frames = np.zeros((1, 65536, 1, 3), np.uint8)
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    _native.resize_bicubic(frames, 1, 65536)
except errors.CapacityError as error:
    print(error)
"""


def test_an_allocation_that_fails_is_a_capacity_error() -> None:
    """Twelve gigabytes between the two passes, in a process that may have four."""
    ran = subprocess.run(
        [sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=True
    )
    assert "expected free memory" in ran.stdout


def test_a_cache_of_another_model_is_an_input_error(native_model: Any, small_package: Path) -> None:
    """Of equal sizes too: its keys and values would mean something else."""
    other = _native.Model.load(str(small_package), native_config()).language_model.make_cache()
    with pytest.raises(errors.InputError, match=r"cache: .*this model"):
        native_model.language_model.run(np.zeros((1, 64), np.float32), other)
    assert other.length == 0


def test_a_cache_in_another_threads_run_is_a_state_error(native_model: Any) -> None:
    """Whatever looks at it or changes it; a run moves the memory it grows out of."""
    language_model = native_model.language_model
    cache = language_model.make_cache()
    embeddings = np.zeros((2000, 64), np.float32)
    touches = {
        "run": lambda: language_model.run(embeddings[:1], cache),
        "rewind": lambda: cache.rewind(0),
        "length": lambda: cache.length,
        "capacity": lambda: cache.capacity,
        "num_bytes": lambda: cache.num_bytes,
    }
    refused: set[str] = set()

    def touch_until_refused(runner: threading.Thread) -> None:
        while runner.is_alive() and refused != set(touches):
            for name in touches.keys() - refused:
                try:
                    touches[name]()
                except errors.StateError as error:
                    assert "one thread at a time" in str(error)
                    refused.add(name)

    for _ in range(20):
        cache.rewind(0)
        runner = threading.Thread(target=_run_refusable, args=(language_model, embeddings, cache))
        runner.start()
        touch_until_refused(runner)
        runner.join()
        if refused == set(touches):
            break
    assert refused == set(touches)


def _run_refusable(language_model: Any, embeddings: Any, cache: Any) -> None:
    """The other thread may have come first."""
    with contextlib.suppress(errors.StateError):
        language_model.run(embeddings, cache)
