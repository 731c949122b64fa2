"""Clips and snapshots of events: written first, then named; and what happens when that fails."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.rendered_camera import (
    HEIGHT,
    RATE,
    WALL_S,
    WIDTH,
    RenderedCamera,
    RenderedPictures,
)
from ufvideo_sdk.errors import CapacityError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.sinks.camera_sink import CameraSink
from ufvideo_sdk.watch.sinks.event_message import CameraNames, EventMessage
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.sources.capture import CaptureNotice

RULES = """
zones: {doorstep: [0.35, 0.45, 0.65, 0.9]}
lines: {gate: {points: [[0.5, 0.3], [0.5, 0.95]], inside: right}}
sinks: {json_lines: events.jsonl, SINKS}
rules:
  visitor:
    yes_no: Is somebody standing at the door?
    every_s: 2
    confirm: 2 of 2
    pre_roll_s: 2
    post_roll_s: 3
TRACKS"""
TRACKS = """
  loiter: {track: the walker, in: doorstep, dwell_s: 1, pre_roll_s: 1}
  enters: {track: the walker, crosses: gate, direction: in, post_roll_s: 1, sinks: [json_lines]}
"""
ANSWERS = [("visitor", 2.0 * i, "yes" if 3 <= i <= 6 else "no") for i in range(11)]


class Listener:
    """A program elsewhere: looks at each file the moment that a message names it."""

    def __init__(self) -> None:
        self.messages: list[EventMessage] = []
        self.edges: list[tuple[str, int]] = []
        self.missing: list[Path] = []
        self.stats = SinkStats("webhook")

    def add_camera(self, camera: CameraNames) -> None:
        self.camera = camera

    def edge(self, message: EventMessage) -> None:
        self.edges.append((message.event.edge, message.event.id))

    def publish(self, message: EventMessage) -> None:
        files = (*message.clips, *message.snapshots)
        self.missing += [path for path in files if not path.stat().st_size]
        self.messages.append(message)

    def notice(self, camera: CameraNames, notice: CaptureNotice) -> None: ...

    def close(self, timeout_s: float) -> None: ...


class Watched:
    """A camera whose events go to files, and to a listener."""

    def __init__(
        self,
        folder: Path,
        sinks: str,
        pictures: RenderedPictures | None = None,
        tracks: str = "",
    ) -> None:
        text = RULES.replace("SINKS", sinks).replace("TRACKS", tracks)
        self.rules = Rules.parse(text)
        self.outputs = Outputs(self.rules, folder=folder)
        self.listener = Listener()
        self.outputs._publishers["webhook"] = self.listener
        self.pictures = pictures or RenderedPictures()
        self.sink: CameraSink = self.outputs.open_camera(self.pictures, self.rules)
        self.camera = RenderedCamera(self.rules, [self.sink])

    def run(
        self, until_s: float = 22.0, answers: Sequence[tuple[str, float, str]] = ANSWERS
    ) -> Watched:
        self.camera.run(until_s, answers)
        self.camera.end()
        return self

    def close(self, timeout_s: float = 30.0) -> list[EventMessage]:
        self.sink.close(timeout_s)
        self.outputs.close(timeout_s)
        assert self.listener.missing == []
        return self.listener.messages

    def stats(self, name: str) -> SinkStats:
        return next(each for each in self.outputs.stats if each.name == name)


def frames_of(path: Path) -> list[tuple[float, np.ndarray[Any, Any]]]:
    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def red_left(picture: np.ndarray[Any, Any]) -> float:
    """Where the walker begins, as a fraction of the width."""
    part = picture.astype(int)
    is_red = (part[..., 0] > 150) & (part[..., 1] < 100) & (part[..., 2] < 100)
    return float(np.flatnonzero(is_red.any(axis=0))[0] / picture.shape[1])


def test_a_clip_has_its_pre_roll_and_its_post_roll_to_the_frame(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: {folder: clips, plain: yes}").run()
    start, end = watched.close()
    assert (start.event.edge, end.event.edge) == ("start", "end")
    assert start.clips == () and [path.suffix for path in end.clips] == [".mp4", ".mp4"]
    annotated, plain = (frames_of(path) for path in end.clips)
    # The event is from 6 to 12 s: its clip goes from 4 to 15 s, both frames included.
    for frames in (annotated, plain):
        assert len(frames) == 11 * RATE + 1
        assert [round(time_s * RATE) for time_s, _ in frames] == list(range(11 * RATE + 1))
    for number in (0, 55, 110):
        time_s = 4.0 + number / RATE
        assert abs(red_left(plain[number][1]) - 0.04 * time_s) < 0.02
    # Below the picture stand a time line and what is said of it.
    height, width = annotated[0][1].shape[:2]
    assert width == 2 * WIDTH and height > 2 * HEIGHT + 60
    assert abs(red_left(annotated[55][1][: 2 * HEIGHT]) - 0.04 * 9.5) < 0.02


def test_frames_around_the_clip_are_not_drawn(tmp_path: Path) -> None:
    pictures = RenderedPictures()
    pictures.slack_s = 1.5
    *_, end = Watched(tmp_path, "clips: clips", pictures).run().close()
    frames = frames_of(end.clips[0])
    assert len(frames) == 11 * RATE + 1
    assert abs(red_left(frames[0][1][: 2 * HEIGHT]) - 0.04 * 4.0) < 0.02


def test_the_clip_is_written_when_the_stream_has_passed_its_end(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: clips")
    watched.camera.run(15.0, ANSWERS)
    time.sleep(0.2)
    # The event's end is known at 14 s, the clip ends at 15 s: the next frame passes it.
    assert watched.pictures.num_clips == 0
    assert [m.event.edge for m in watched.listener.messages] == ["start"]
    assert watched.listener.edges == [("start", 1), ("end", 1)]
    watched.camera.run(15.1, ANSWERS)
    until = time.monotonic() + 20
    while len(watched.listener.messages) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert watched.pictures.num_clips == 1
    assert [m.event.edge for m in watched.close()] == ["start", "end"]


def test_the_time_of_day_of_a_start_is_told_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: clips")
    watched.camera.run(8.0, ANSWERS)
    # A report of the camera's own clock makes the times of day better.
    watched.pictures.drift_s = 0.2
    start, end = watched.run().close()
    assert start.started_at == end.started_at == WALL_S + 6.0
    assert end.ended_at == WALL_S + 12.2


def test_a_long_event_has_the_clip_of_its_beginning(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: {folder: clips, max_s: 5}")
    watched.camera.run(9.2, ANSWERS)
    until = time.monotonic() + 20
    while watched.pictures.num_clips < 1 and time.monotonic() < until:
        time.sleep(0.01)
    # Long before its end, while the packets are still there.
    (end,) = [m for m in watched.run().close() if m.event.edge == "end"]
    (clip,) = end.clips
    assert watched.pictures.num_clips == 1 and len(frames_of(clip)) == 5 * RATE + 1


def test_snapshots_are_there_when_the_start_is_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "snapshots: shots", tracks=TRACKS).run()
    messages = watched.close()
    start, end = (m for m in messages if m.event.rule == "visitor")
    assert [path.name[-12:] for path in start.snapshots] == ["start-60.jpg", "start-80.jpg"]
    # A frame is written once; the end names them all.
    assert end.snapshots[:2] == start.snapshots
    assert [path.name[-11:] for path in end.snapshots[2:]] == ["end-120.jpg"]
    picture = np.array(Image.open(start.snapshots[0]))
    assert picture.shape[1] == 2 * WIDTH and picture.shape[0] > 2 * HEIGHT
    assert abs(red_left(picture[: 2 * HEIGHT]) - 0.24) < 0.02
    lines = [json.loads(x) for x in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = [name for line in lines for name in line.get("files", {}).get("snapshots", [])]
    found = sorted(str(path) for path in (tmp_path / "shots").iterdir())
    assert sorted(told) == found and all(Path(name).is_absolute() for name in told)
    # A rule goes to the sinks that it names.
    assert {line["rule"] for line in lines if "edge" in line} == {"visitor", "loiter", "enters"}
    assert {line["rule"] for line in lines if "files" in line} == {"visitor", "loiter"}
    assert {m.event.rule for m in messages} == {"visitor", "loiter"}


def test_plain_snapshots_are_the_frames(tmp_path: Path) -> None:
    sinks = "snapshots: {folder: shots, annotated: no, max_frames: 1}"
    start, _ = Watched(tmp_path, sinks).run().close()
    (path,) = start.snapshots
    assert np.array(Image.open(path)).shape == (HEIGHT, WIDTH, 3)


def test_frames_that_are_not_held_any_more_are_left_out(tmp_path: Path) -> None:
    pictures = RenderedPictures()
    pictures.held_from = 70
    start, _ = Watched(tmp_path, "snapshots: shots", pictures).run().close()
    assert [path.name[-12:] for path in start.snapshots] == ["start-80.jpg"]


def test_the_end_of_the_stream_ends_events_and_their_clips(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: {folder: clips, annotated: no, plain: yes}")
    watched.pictures.last_s = 9.0
    watched.run(9.0)
    until = time.monotonic() + 20
    while len(watched.listener.messages) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    # The other cameras may go on for days: it does not wait for the end of the watch.
    assert [m.event.edge for m in watched.listener.messages] == ["start", "end"]
    _, end = watched.close()
    assert end.event.end_s == 8.0 and len(end.clips) == 1
    assert len(frames_of(end.clips[0])) == 5 * RATE + 1


def test_two_events_at_once_have_a_clip_each(tmp_path: Path) -> None:
    messages = Watched(tmp_path, "clips: clips", tracks=TRACKS).run().close()
    clips = {m.event.rule: m.clips for m in messages if m.event.edge == "end"}
    assert set(clips) == {"visitor", "loiter"}
    assert len({path for paths in clips.values() for path in paths}) == 2
    # Nothing else is left in the folder.
    assert len(list((tmp_path / "clips").iterdir())) == 2


@pytest.mark.parametrize(
    "problem", [CapacityError("expected room for x, got: No space left"), OSError(5, "I/O error")]
)
def test_a_clip_that_cannot_be_written_is_said_and_the_event_is_told(
    tmp_path: Path, problem: Exception
) -> None:
    watched = Watched(tmp_path, "clips: clips", RenderedPictures(problem=problem)).run()
    _, end = watched.close()
    assert end.clips == () and str(problem) in end.problem
    stats = watched.stats("clips")
    assert (stats.num_failed, stats.num_delivered) == (1, 0) and str(problem) in stats.problem
    assert json.loads(end.to_json())["problem"] == end.problem
    assert list((tmp_path / "clips").iterdir()) == []


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    watched = Watched(tmp_path, "clips: clips, snapshots: shots")
    # Lines of JSON are shorter than that, pictures are not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        start, end = watched.run().close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (start.snapshots, end.clips, end.snapshots) == ((), (), ())
    assert "File too large" in start.problem and "File too large" in end.problem
    assert [*(tmp_path / "clips").iterdir(), *(tmp_path / "shots").iterdir()] == []
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 2


def test_what_is_not_written_in_time_is_given_up(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: clips", tracks=TRACKS)
    watched.pictures.wait.clear()
    watched.run()
    begun = time.monotonic()
    messages = watched.close(0.3)
    assert time.monotonic() - begun < 3.0
    watched.pictures.wait.set()
    ends = {m.event.rule: m for m in messages if m.event.edge == "end"}
    # One is being written, the other was dropped: its event is told all the same.
    assert {m.event.edge for m in messages} == {"start", "end"}
    assert all(m.problem == "the clip was not written" for m in ends.values())
    assert watched.stats("clips").num_dropped == 1


def test_a_clip_that_is_being_drawn_is_given_up_in_time(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "clips: {folder: clips, max_s: 600}")
    always = [("visitor", 2.0 * number, "yes") for number in range(60)]
    watched.run(120.0, always)
    until = time.monotonic() + 20
    while not watched.pictures.num_clips and time.monotonic() < until:
        time.sleep(0.01)
    watched.pictures.wait.set()
    thread = watched.outputs._clips._delivery._thread  # type: ignore[union-attr]
    _, end = watched.close(0.2)
    thread.join(10)
    assert not thread.is_alive()
    assert end.problem in (
        "the clip was not written",
        "the watch ended before the clip was written",
    )
    assert list((tmp_path / "clips").iterdir()) == []


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.watch.test_event_files import Watched\n"
        "Watched(Path(sys.argv[2]), 'clips: clips, snapshots: shots').run()\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parents[2]), str(tmp_path)]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_a_watch_in_a_thread_goes_on_when_the_main_thread_has_ended(tmp_path: Path) -> None:
    program = (
        "import sys, threading, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.watch.test_event_files import Watched\n"
        "def watch():\n"
        "    watched = Watched(Path(sys.argv[2]), 'snapshots: shots')\n"
        "    threading.main_thread().join()\n"
        "    watched.run()\n"
        "    (start, end) = watched.close()\n"
        "    print(len(end.snapshots))\n"
        "threading.Thread(target=watch).start()\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parents[2]), str(tmp_path)]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert done.stdout == "3\n", done.stderr


def test_no_picture_is_left_of_an_event(tmp_path: Path) -> None:
    pictures = RenderedPictures()
    pictures.first_s = 100.0
    _, end = Watched(tmp_path, "clips: clips", pictures).run().close()
    assert end.problem == "no picture of the event is held any more"
