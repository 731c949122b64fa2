"""The annotated stream as a video: its frames, its times, what is drawn, and a full disk."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.rendered_camera import HEIGHT, RATE, WIDTH, RenderedCamera, RenderedPictures
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.view.saved_stream import SavedStream, saved_path

RULES = Rules.parse("""
zones: {doorstep: [0.35, 0.45, 0.65, 0.9]}
rules:
  visitor: {yes_no: Is somebody standing at the door?, every_s: 2}
  loiter: {track: the walker, in: doorstep}
""")
ANSWERS = [("visitor", 2.0 * i, "yes" if 1 <= i <= 2 else "no") for i in range(4)]


def saved(path: Path, until_s: float = 6.0) -> SavedStream:
    stream = SavedStream(path, RenderedPictures(), RULES)
    camera = RenderedCamera(RULES, [stream])
    while camera.num_frames / RATE <= until_s:
        camera.run(camera.num_frames / RATE, ANSWERS)
        # A camera leaves the time that drawing takes.
        end = time.monotonic() + 5
        while stream.stats.num_waiting > 4 and time.monotonic() < end:
            time.sleep(0.005)
    camera.end()
    stream.close(20.0)
    return stream


def test_every_frame_is_there_with_its_time_and_what_was_known(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("an older one")
    stream = saved(path)
    assert (stream.stats.num_delivered, stream.stats.num_dropped) == (61, 0)
    with av.open(str(path)) as container:
        frames = [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
        stream_s = float(container.duration or 0) / av.time_base
    assert [round(time_s * RATE) for time_s, _ in frames] == list(range(61))
    # The last one is shown as long as the others.
    assert stream_s == pytest.approx(61 / RATE, abs=0.01)
    picture = frames[30][1]
    assert picture.shape[1] == 2 * WIDTH and picture.shape[0] > 2 * HEIGHT
    # The box stands around the walker of the same frame, not of another one.
    row = picture[round(0.65 * 2 * HEIGHT), :].astype(int)
    is_red = (row[:, 0] > 150) & (row[:, 1] < 100) & (row[:, 2] < 100)
    left = np.flatnonzero(is_red)[0] / (2 * WIDTH)
    assert abs(left - 0.04 * 3.0) < 0.015
    # Below it the band of text changes with the answer.
    bands = [frames[number][1][2 * HEIGHT :].astype(int) for number in (5, 30)]
    assert np.abs(bands[0] - bands[1]).max() > 100


def test_frames_for_which_there_is_no_time_are_counted(tmp_path: Path) -> None:
    stream = SavedStream(tmp_path / "out.mp4", RenderedPictures(), RULES)
    camera = RenderedCamera(RULES, [stream])
    camera.run(20.0)
    camera.end()
    stream.close(20.0)
    stats = stream.stats
    assert stats.num_delivered + stats.num_dropped == 201 and stats.num_dropped > 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == stats.num_delivered


def test_what_is_not_an_mp4_or_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for name, words in (("a.avi", "ends in .mp4"), ("missing/a.mp4", "a folder that exists")):
        with pytest.raises(InputError, match=words):
            SavedStream(tmp_path / name, RenderedPictures(), RULES)


def test_each_of_several_cameras_has_a_file() -> None:
    assert saved_path(Path("x/out.mp4"), "door", 1) == Path("x/out.mp4")
    assert saved_path(Path("x/out.mp4"), "door", 2) == Path("x/out-door.mp4")
    assert saved_path(Path("x/out.mp4"), "../a b", 2) == Path("x/out-a_b.mp4")


def test_a_full_disk_ends_the_file_and_not_the_watch(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        stream = saved(tmp_path / "out.mp4", 16.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    stats = stream.stats
    assert stats.num_delivered + stats.num_failed == 161
    assert "out.mp4" in stats.problem and "File too large" in stats.problem


KILLED = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.watch.test_saved_stream import RULES, RenderedCamera, RenderedPictures, SavedStream
stream = SavedStream(Path(sys.argv[2]), RenderedPictures(), RULES)
camera = RenderedCamera(RULES, [stream])
for number in range(110):
    camera.run(number / 10)
    while stream.stats.num_waiting > 4:
        time.sleep(0.005)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_watch_leaves_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(path)], timeout=60)
    assert done.returncode == -9
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 50
