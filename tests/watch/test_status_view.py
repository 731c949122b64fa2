"""What a person sees: the picture on a terminal, lines elsewhere, and never an order to either."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.watch.drawn_status import FRONT, START, STATUS
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.status import LastNotice, WatchStatus
from ufvideo_sdk.watch.view.picture import picture
from ufvideo_sdk.watch.view.plain_lines import PlainLines
from ufvideo_sdk.watch.view.status_view import StatusView

SINKS = (
    SinkStats("json_lines", 14),
    SinkStats("mqtt", 10, 40, 2, 0, "broker.local: the broker cannot be reached"),
)


def drawn(status: WatchStatus, width: int, height: int) -> str:
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(picture(status, SINKS, width, height))
    return console.export_text()


def test_the_picture_has_every_figure() -> None:
    text = drawn(STATUS, 140, 60)
    for words in (
        "machine 47% of 50%",
        "left out: tracks every second frame",
        "front door  live  rtsp://127.0.0.1:8554/front",
        "24.9/s",
        "2.0/s, 754 frames",
        "camera, +41 ms",
        "grid 1,732, age 11,",
        "question: budget 3",
        "38, 1 failed",
        "language_model    812 ms    790 ms",
        "visitor  1:15.0  yes",
        "the man  1:15.4  4 at 36% 69%",
        "event 7 since 1:06.0",
        "event 6 ended, from 0:40.3 to 0:40.3: a crossing",
        "resumed at 0:31.0: the camera is back after 4.2 s",
        "48.3 MB",
        "yard  opening  /dev/video0",
        "10 delivered, 40 waiting, 2 dropped  broker.local: the broker cannot be reached",
    ):
        assert words in text, words


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_small_terminal_has_a_row_for_each_camera(width: int) -> None:
    text = drawn(STATUS, width, 24)
    lines = text.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= width
    for words in ("front door", "yard", "visitor  1:15.0  yes", "event 7 started", "-> mqtt"):
        assert words in text, words


def test_texts_of_models_are_no_markup_and_no_escapes() -> None:
    for width, height in ((140, 60), (80, 24)):
        text = drawn(STATUS, width, height)
        assert "[bold]no" in text and "\x1b" not in text
    nasty = replace(FRONT, name="\x1b]0;x\x07[red]", source="[/]\n\n", answers=())
    text = drawn(replace(STATUS, cameras=(nasty,)), 140, 60)
    assert "[red]" in text and "\x07" not in text
    lines = PlainLines().of(replace(STATUS, cameras=(nasty,)), ())
    assert not any(character in line for line in lines for character in "\x1b\x07\n")


def test_plain_lines_say_what_is_new_once() -> None:
    lines = PlainLines(every_s=100.0)
    first = lines.of(STATUS, SINKS)
    assert first == [
        "front door: live",
        "front door: enters: event 6 ended, from 0:40.3 to 0:40.3: a crossing",
        "front door: visitor: event 7 started at 1:06.0: 2 of 3 answers hold",
        "front door: resumed at 0:31.0: the camera is back after 4.2 s",
        "yard: opening",
        "mqtt: broker.local: the broker cannot be reached",
    ]
    assert lines.of(STATUS, SINKS) == []
    # Twenty edges are kept: an older one that is gone is not said again.
    end = replace(START, edge="end", end_s=80.0, clip_end_s=80.0, reason="quiet")
    same = LastNotice("lost", 31.0, "the connection broke")
    later = replace(
        FRONT, state="gap", events=(START, end), notices=(*FRONT.notices, same), under_way=()
    )
    assert lines.of(replace(STATUS, cameras=(later,)), ()) == [
        "front door: gap",
        "front door: visitor: event 7 ended, from 1:06.0 to 1:20.0: quiet",
        "front door: lost at 0:31.0: the connection broke",
    ]
    figures = lines.of(replace(STATUS, cameras=(later,), running_s=101.0), SINKS)
    (line, mqtt) = [each for each in figures if "arrive" in each or "dropped" in each]
    assert line.startswith(
        "front door: gap at 1:15.4; 24.9/s arrive; 2.0/s looked at; clock camera"
    )
    assert "ask 1,131 ms" in line and "visitor: yes" in line and len(line) < 500
    assert mqtt == "mqtt: 2 dropped"


def test_plain_lines_say_the_end_of_a_camera_last() -> None:
    lines = PlainLines(every_s=100.0).of(
        replace(STATUS, cameras=(replace(FRONT, state="ended"),)), ()
    )
    assert lines[-1] == "front door: ended" and len(lines) == 4


def test_without_a_terminal_lines_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with StatusView(lambda: STATUS, lambda: SINKS) as view:
        assert not view.is_picture and view.leaves_stdout
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "front door: live\n" in captured.err and "\x1b" not in captured.err
    assert captured.err.count("event 7 started") == 1


ON_TERMINAL = """
import sys, time
sys.path.insert(0, sys.argv[1])
from tests.watch.drawn_status import STATUS
from ufvideo_sdk.watch.view.status_view import StatusView
with StatusView(lambda: STATUS, plain=sys.argv[2] == "plain") as view:
    print("leaves stdout:", view.leaves_stdout, flush=True)
    time.sleep(1.2)
"""


@pytest.mark.parametrize("how", ["picture", "plain"])
def test_a_terminal_has_the_picture_unless_lines_are_wanted(how: str) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "50"}
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, str(Path(__file__).parents[2]), how],
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    seen = b""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            seen += os.read(ours, 65536)
        except OSError:
            # The other end is closed: the process has ended.
            break
    os.close(ours)
    assert process.wait(30) == 0
    text = seen.decode()
    if how == "plain":
        assert "leaves stdout: True" in text and "front door: live" in text and "╭" not in text
    else:
        # Lines of JSON would stand in it, as both are one terminal.
        assert "leaves stdout: False" in text and "╭─" in text and "looked at" in text


def test_a_terminal_that_is_closed_ends_the_view_and_not_the_watch() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with StatusView(lambda: STATUS, console=Console(file=Closed())) as view:
        view._show()
    assert view._is_over.is_set()
