"""A camera behind a real RTSP server, watched, recorded and replayed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.written_videos import write_video
from tests.watch.rtsp_server import RtspServer, needs_rtsp_server
from ufvideo_sdk.watch import (
    CaptureOptions,
    Replay,
    Rules,
    Watch,
    WatchOptions,
    WindowOptions,
    open_watch,
)
from ufvideo_sdk.watch.engine import lines_of
from ufvideo_sdk.watch.engine.fact_log import read_facts
from ufvideo_sdk.watch.engine.facts import Answered, Event, Gap
from ufvideo_sdk.watch.recording.folders import the_recording

pytestmark = needs_rtsp_server()

LOGIN = ("zoe", "s3cr3tWord")
RULES = """
sinks:
  json_lines: events.jsonl
  clips: {folder: clips, annotated: no, plain: yes}
rules:
  what: {text: What is there?, matches: ., every_s: 0.5, pre_roll_s: 1}
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four seconds at 25 frames/s, in two sizes, with a key frame each 0.4 s."""
    folder = tmp_path_factory.mktemp("clips")
    times_ms = [40 * number for number in range(100)]
    options: dict[str, Any] = {"gop": 10, "b_frames": 0}
    return [
        write_video(folder / "small.mp4", times_ms, **options),
        write_video(folder / "large.mp4", times_ms, height=96, width=128, **options),
    ]


@pytest.fixture
def server(clips: list[Path]) -> Iterator[RtspServer]:
    with RtspServer(clips, login=LOGIN) as running:
        yield running


def until(run: Watch, holds: Callable[[Any], bool], limit_s: float = 20.0) -> None:
    """Wait until the status of the only camera holds."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        cameras = run.status.cameras
        if cameras and holds(cameras[0]):
            return
        time.sleep(0.05)
    raise AssertionError(f"expected another status, got {run.status}")


def test_a_camera_that_goes_away_is_watched_on_and_replayed_to_the_same_bytes(
    nano: Any, server: RtspServer, tmp_path: Path
) -> None:
    options = WatchOptions(
        capture=CaptureOptions(sample_fps=5.0),
        window=WindowOptions(frames=4),
        record=tmp_path / "recorded",
        folder=tmp_path,
    )
    run = open_watch(nano, {"door": server.url}, Rules.parse(RULES), options=options)
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.extend(run))
    thread.start()
    try:
        until(run, lambda camera: camera.num_asked >= 2)
        server.kill()
        until(run, lambda camera: camera.state == "gap")
        server.start()
        until(run, lambda camera: camera.state == "live" and camera.num_connections == 2)
        asked = run.status.cameras[0].num_asked
        # Another size, without a new connection's help.
        server.use(1)
        until(run, lambda camera: camera.num_asked >= asked + 2)
    finally:
        run.stop()
        thread.join(20)
    assert not thread.is_alive()

    folder = the_recording(tmp_path / "recorded")
    facts = list(read_facts(folder / "facts.jsonl"))
    assert sum(isinstance(fact, Gap) for fact in facts) >= 2
    assert sum(isinstance(fact, Answered) for fact in facts) >= 3
    events = [fact for fact in facts if isinstance(fact, Event)]
    assert len(events) >= 4 and [e.edge for e in events[:2]] == ["start", "end"]
    replay = Replay(nano, folder)
    assert lines_of(list(replay)) == (folder / "facts.jsonl").read_text(encoding="utf-8")
    assert (replay.report.num_changed, replay.report.num_missing) == (0, 0)

    # Clips came of the packets, with what lay before the event.
    clips = sorted((tmp_path / "clips").iterdir())
    assert len(clips) >= 2 and all(clip.stat().st_size > 1000 for clip in clips)
    secret = LOGIN[1].encode()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or secret not in path.read_bytes(), path
    assert LOGIN[1] not in str(told) + str(run.status)
