"""Lines of JSON: whole, at once, appended, and never lost without a count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.rendered_camera import RenderedCamera, RenderedPictures
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.sink_settings import JsonLinesSettings
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.event_lines import event_line, read_event_lines
from ufvideo_sdk.watch.sinks.json_lines import JsonLines
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sources.capture import CaptureNotice

RULES = """
sinks: {json_lines: events.jsonl}
rules:
  visitor: {yes_no: Is somebody there?, every_s: 2, confirm: 2 of 2}
"""
ANSWERS = [("visitor", 2.0 * i, "yes" if 1 <= i <= 3 else "no") for i in range(6)]


def watched(folder: Path) -> RenderedCamera:
    rules = Rules.parse(RULES)
    outputs = Outputs(rules, folder=folder)
    sink = outputs.open_camera(RenderedPictures(), rules)
    camera = RenderedCamera(rules, [sink])
    camera.run(10.0, ANSWERS)
    sink.notice(CaptureNotice("dark", 10.0, "the picture is dark"))
    camera.gap(10.0, 12.5)
    camera.end()
    sink.close(5.0)
    outputs.close(5.0)
    return camera


def test_both_edges_a_notice_and_a_gap_are_lines_at_once(tmp_path: Path) -> None:
    camera = watched(tmp_path)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    values = [json.loads(line) for line in lines]
    assert [next(k for k in v if k not in ("camera",)) for v in values] == [
        "edge",
        "edge",
        "notice",
        "gap",
    ]
    assert all(value["camera"] == "door" for value in values)
    start, end, notice, gap = values
    assert (start["edge"], start["id"], start["start_s"]) == ("start", 1, 2.0)
    assert (end["edge"], end["id"], end["end_s"]) == ("end", 1, 6.0)
    # Each edge has the time of day of that edge.
    assert start["at"] == "2027-01-15T08:00:02.000Z" and end["at"] == "2027-01-15T08:00:06.000Z"
    assert (notice["text"], gap["gap"], gap["end_s"]) == ("the picture is dark", "stalled", 12.5)
    edges = [fact for fact in camera.facts if isinstance(fact, Event)]
    assert list(read_event_lines(tmp_path / "events.jsonl")) == [("door", e) for e in edges]


def test_a_file_is_appended_to_and_half_a_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"camera":"door","notice":"x"}\n{"camera":"do')
    watched(tmp_path)
    before, half, *lines = path.read_text().splitlines()
    assert (before, half) == ('{"camera":"door","notice":"x"}', '{"camera":"do')
    assert len(lines) == 4 and all(json.loads(line) for line in lines)
    with pytest.raises(InputError, match=r"line 2: .*JSON"):
        list(read_event_lines(path))


def test_a_line_that_is_no_edge_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = Event("start", 1, "r", 1.0, 1.0, None, 1.0, None, "why", (0,), ())
    line = event_line("door", event)
    path.write_text(line + line.replace('"id":1', '"id":0'))
    with pytest.raises(InputError, match=r"events.jsonl, line 2: .*id"):
        list(read_event_lines(path))
    path.write_text(line + line.replace('"camera":"door",', ""))
    with pytest.raises(InputError, match="line 2: camera: expected the name of a camera"):
        list(read_event_lines(path))


@pytest.mark.parametrize("fsync", [True, False])
def test_a_line_is_on_the_disk_when_it_is_written(
    tmp_path: Path, fsync: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(descriptor))
    lines = JsonLines(JsonLinesSettings(tmp_path / "e", fsync))
    lines.put("{}\n")
    lines.put("{}\n")
    lines.close(5.0)
    assert len(synced) == (2 if fsync else 0)
    assert (tmp_path / "e").read_text() == "{}\n{}\n"


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="json_lines: expected a file that lines"):
        JsonLines(JsonLinesSettings(tmp_path))
    with pytest.raises(InputError, match="json_lines: expected a file that lines"):
        JsonLines(JsonLinesSettings(tmp_path / "missing" / "e"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="json_lines: expected a plain file"):
        JsonLines(JsonLinesSettings(tmp_path / "pipe"))


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from ufvideo_sdk.watch.rules.sink_settings import JsonLinesSettings
from ufvideo_sdk.watch.sinks.json_lines import JsonLines
path = None if sys.argv[1] == "-" else Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (250, resource.RLIM_INFINITY))
lines = JsonLines(JsonLinesSettings(path))
for number in range(5):
    lines.put(f'{{"n":{number},"x":"' + 80 * "x" + '"}\\n')
until = time.monotonic() + 10
while not lines.stats.problem and time.monotonic() < until:
    time.sleep(0.01)
print(lines.stats.problem, lines.stats.num_delivered, file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
lines.close(5.0)
print(lines.stats, file=sys.stderr)
"""


@pytest.mark.parametrize("is_stdout", [False, True])
def test_what_a_full_disk_does_not_take_comes_when_there_is_room(
    tmp_path: Path, is_stdout: bool
) -> None:
    path = tmp_path / "events.jsonl"
    argument = "-" if is_stdout else str(path)
    with path.open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK, argument],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    full, stats = done.stderr.splitlines()
    assert "expected to write a line, got: File too large 2" in full
    assert "num_delivered=5, num_waiting=0, num_dropped=0, num_failed=0" in stats
    numbers = [json.loads(line)["n"] for line in path.read_text().splitlines()]
    assert numbers == [0, 1, 2, 3, 4]


def test_the_reader_of_standard_output_may_go(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    kept = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    os.close(reading)
    try:
        with os.fdopen(os.dup(1), "w") as stream, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            lines = JsonLines(JsonLinesSettings())
            lines.put("{}\n")
            lines.close(5.0)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert lines.stats.num_failed == 1
    assert lines.stats.problem == "standard output: its reader has gone"


def test_a_queue_drops_the_oldest_and_counts_it() -> None:
    release, told, arrived = threading.Event(), [], []

    def deliver(item: int, attempt: int) -> None:
        release.wait(10)
        arrived.append(item)

    delivery = Delivery("x", deliver, max_waiting=3, on_dropped=told.append)
    delivery.put(0)
    until = time.monotonic() + 5
    while delivery.stats.num_waiting != 1 and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(0.02)
    for number in range(1, 8):
        delivery.put(number)
    assert delivery.stats.num_waiting == 4
    release.set()
    delivery.close(5.0)
    delivery.put(99)
    # 0 was on its way; of the others the newest three were kept.
    assert arrived == [0, 5, 6, 7] and told == [1, 2, 3, 4, 99]
    stats = delivery.stats
    assert (stats.num_delivered, stats.num_dropped, stats.num_waiting) == (4, 5, 0)


def test_attempts_end_in_time_when_the_watch_ends() -> None:
    attempts = []

    def deliver(item: int, attempt: int) -> None:
        attempts.append((item, attempt))
        raise UndeliveredError("the server is away", 30.0)

    delivery = Delivery("x", deliver, max_waiting=9)
    for number in range(3):
        delivery.put(number)
    until = time.monotonic() + 5
    while not attempts and time.monotonic() < until:
        time.sleep(0.005)
    begun = time.monotonic()
    delivery.close(0.5)
    assert time.monotonic() - begun < 2.0
    stats = delivery.stats
    # The first is tried once more, though its pause would have been longer.
    assert attempts[:2] == [(0, 0), (0, 1)]
    assert stats.num_failed + stats.num_dropped == 3 and stats.num_delivered == 0
    assert stats.problem == "the server is away"


def test_a_mistake_of_ours_does_not_end_the_thread() -> None:
    def deliver(item: int, attempt: int) -> None:
        if item == 0:
            raise ZeroDivisionError("secret")

    delivery = Delivery("x", deliver, max_waiting=9)
    delivery.put(0)
    delivery.put(1)
    delivery.close(5.0)
    assert (delivery.stats.num_failed, delivery.stats.num_delivered) == (1, 1)
