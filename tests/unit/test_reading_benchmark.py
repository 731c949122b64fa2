"""The reading benchmark measures what it says, on small clips."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reading.__main__ import pixels_are_equal
from benchmarks.reading.clips import FPS, write_minute, write_repeated
from benchmarks.reading.measured import Reads, cost_of, reads_of
from benchmarks.reading.plain import frames_of, times_of
from tests.compare import EXACT, assert_close
from tests.unit.traced import needs_strace
from tests.unit.written_videos import decoded_in_order
from ufvideo_sdk.video.video_file import VideoFile


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reading") / "clip.mp4"
    return write_minute(path, seconds=2, height=144, width=256)


def test_plain_reading_has_all_times_and_the_frames_asked_for(clip: Path) -> None:
    assert_close(times_of(clip), VideoFile(clip).timestamps_s, max_abs=1e-9, max_rel=1.0)
    expected = np.stack(decoded_in_order(clip))[[3, 40]]
    assert_close(frames_of(clip, [3, 40]), expected, EXACT, where="frames")
    assert pixels_are_equal(clip)


def test_the_long_clip_shows_the_short_one_again_and_again(clip: Path, tmp_path: Path) -> None:
    source = VideoFile(write_repeated(tmp_path / "long.mp4", clip, 3))
    assert len(source.timestamps_s) == 3 * 2 * FPS and source.read_through == ""
    assert_close(np.diff(source.timestamps_s), np.full(179, 1 / FPS), max_abs=1e-4, max_rel=1.0)
    first, again = list(source.frames([7, 7 + 2 * FPS]))
    assert_close(first, again, EXACT, where="frame 7")


def test_cpu_time_is_that_of_the_command() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    cost = cost_of([sys.executable, "-c", busy], {})
    assert 0.3 <= cost.cpu_s < 3
    with pytest.raises(RuntimeError, match="exit status"):
        cost_of([sys.executable, "-c", "raise SystemExit(3)"], {})


def test_a_command_runs_in_the_folder_it_is_given(tmp_path: Path) -> None:
    cost_of([sys.executable, "-c", "open('here', 'w').close()"], {}, cwd=tmp_path)
    assert (tmp_path / "here").is_file()


@needs_strace
def test_bytes_and_opens_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100_000))
    program = "import sys\nfor _ in range(2): open(sys.argv[1], 'rb', buffering=0).read(70_000)"
    found = reads_of([sys.executable, "-c", program, str(path)], {}, path)
    assert found == Reads(2, 140_000)
