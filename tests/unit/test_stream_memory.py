"""What a stream holds does not grow with the hours."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.slow_package import slow_package
from tests.unit.conftest import SHORT
from tests.unit.streamed_frames import frame
from ufvideo_sdk import UFVideo

TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"
FRAMES = [frame(idx) for idx in range(16)]


def resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    raise AssertionError


@pytest.fixture(scope="module")
def tiny() -> Any:
    return UFVideo.load(TINY)


def run(stream: Any, first: int, last: int) -> None:
    """Push frames, and ask and segment now and then."""
    for idx in range(first, last):
        stream.push(FRAMES[idx % 16], idx / 25)
        if idx % 100 == 99:
            stream.ask("Why?", config=SHORT)
            stream.segment("the ball")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("options", [{}, {"prefixes": 2, "history_s": 3.0}], ids=str)
def test_memory_is_flat_over_thousands_of_frames(tiny: Any, options: dict[str, Any]) -> None:
    with tiny.open_stream(fps=25.0, **options) as stream:
        run(stream, 0, 1000)
        gc.collect()
        held, resident = tiny.memory_use().total_bytes, resident_bytes()
        run(stream, 1000, 4000)
        gc.collect()
        assert stream.stats.num_encoded == 4000
        assert tiny.memory_use().total_bytes == held
        # Pixels alone of 3000 frames would be 28 MB.
        assert resident_bytes() - resident < 4 << 20
    assert tiny.memory_use().total_bytes == 0


def test_a_queue_that_is_full_skips_its_oldest_frames(tmp_path: Path) -> None:
    """While one push encodes, others return at once; the newest frames of a window wait."""
    slow = slow_package(tmp_path, "vision_encoder", "features", num_copies=8, num_pairs=200)
    nano = UFVideo.load(slow)
    most = 4
    with nano.open_stream(frames=most) as stream:
        first = threading.Thread(target=stream.push, args=(FRAMES[0], 0.0))
        first.start()
        while stream.stats.num_pushed == 0:
            time.sleep(0.001)
        for idx in range(1, most + 11):
            stream.push(FRAMES[idx % 16], float(idx))
        stats = stream.stats
        assert (stats.num_encoded, stats.num_waiting) == (0, most), "the first is under way"
        assert stats.skipped_by["queue"] == stats.skipped == 10
        first.join()
        assert stream.window.timestamps_s.tolist() == [0.0, 11.0, 12.0, 13.0]
        assert stream.stats.num_waiting == 0
