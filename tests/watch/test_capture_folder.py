"""Folders that grow: what is whole comes in order, once, and what is not waits."""

from __future__ import annotations

import os
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.written_videos import decoded_in_order, numbered_frame, write_video
from tests.watch.captured import HeldPackets, taken_to_end, taken_until
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture

_TIMES_MS = [40 * number for number in range(25)]
_ONCE = CaptureOptions(sample_fps=25, folder_settle_s=0.0, folder_idle_s=0.0)
_GROWING = CaptureOptions(sample_fps=25, folder_settle_s=0.3, folder_idle_s=1.0)


def test_videos_come_one_behind_the_other_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, height in (("b.mp4", 96), ("a.mp4", 64), ("c.mkv", 64)):
        write_video(tmp_path / name, _TIMES_MS, height=height, width=height * 3 // 2)
    (tmp_path / ".hidden.mp4").write_bytes(b"")
    (tmp_path / "d.mp4.part").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    held = HeldPackets()
    with closing(open_capture(tmp_path, _ONCE, held)) as capture:
        told = taken_to_end(capture)
    assert [frame.section for frame in told.frames] == [0] * 25 + [1] * 25 + [2] * 25
    assert np.allclose(told.times_s, np.arange(75) * 0.04, atol=2e-3)
    assert [header.height for header in held.headers] == [64, 96, 64]
    assert told.kinds == ["size", "size"] and not told.gaps
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mkv")):
        shown = [frame.pixels for frame in told.frames if frame.section == number]
        assert all(map(np.array_equal, shown, decoded_in_order(tmp_path / name)))
    assert told.ended is not None and told.ended.cause == "no new file"


def test_the_order_of_time_is_that_of_the_last_change(tmp_path: Path) -> None:
    for age, name in enumerate(("c.png", "a.png", "b.png")):
        Image.fromarray(numbered_frame(age)).save(tmp_path / name)
        os.utime(tmp_path / name, (1e9 + age, 1e9 + age))
    options = CaptureOptions(
        sample_fps=25, folder_order="time", folder_settle_s=0.0, folder_idle_s=0.0
    )
    with closing(open_capture(tmp_path, options)) as capture:
        told = taken_to_end(capture)
    assert told.times_s == pytest.approx([0, 1, 2])
    assert [frame.wall_s for frame in told.frames] == [1e9, 1e9 + 1, 1e9 + 2]
    for number, frame in enumerate(told.frames):
        assert np.array_equal(frame.pixels, numbered_frame(number))


def test_pictures_at_a_rate_become_packets_too(tmp_path: Path) -> None:
    for number in range(6):
        height = 64 if number < 4 else 96
        Image.fromarray(numbered_frame(number, height)).save(tmp_path / f"{number}.png")
    options = CaptureOptions(sample_fps=25, picture_fps=5, folder_settle_s=0.0, folder_idle_s=0.0)
    held = HeldPackets()
    with closing(open_capture(tmp_path, options, held)) as capture:
        told = taken_to_end(capture)
    assert told.times_s == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert [(header.codec, header.height) for header in held.headers] == [
        ("ffv1", 64),
        ("ffv1", 96),
    ]
    assert [(p.section, p.pts) for p in held.packets] == [(f.section, f.pts) for f in told.frames]


def test_a_file_that_is_being_written_waits_and_holds_up_those_behind_it(tmp_path: Path) -> None:
    content = write_video(tmp_path.parent / "whole.mp4", _TIMES_MS).read_bytes()
    with closing(open_capture(tmp_path, _GROWING)) as capture:
        with (tmp_path / "a.mp4").open("wb") as file:
            file.write(content[:1000])
            file.flush()
            (tmp_path / "b.mp4").write_bytes(content)
            # Nothing is written for longer than it settles: the writer has it open.
            end = time.monotonic() + 0.8
            told = taken_until(capture, lambda _: time.monotonic() > end)
            assert not told.items
            file.write(content[1000:])
        taken_until(capture, lambda told: len(told.frames) == 50, told=told)
        (tmp_path / "c.mp4").write_bytes(content)
        taken_until(capture, lambda told: told.ended is not None, told=told)
    assert len(told.frames) == 75 and not told.notices
    assert all(before < after for before, after in pairwise(told.times_s))


def test_what_cannot_be_read_is_told_and_left_out(tmp_path: Path) -> None:
    content = write_video(tmp_path / "b.mp4", _TIMES_MS).read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) // 2])
    (tmp_path / "c.txt").write_text("notes")
    with closing(open_capture(tmp_path, _ONCE)) as capture:
        told = taken_to_end(capture)
    assert len(told.frames) == 25 and told.kinds == ["skipped", "skipped"]
    assert "a.mp4 is left out" in told.notices[0].text and "c.txt" in told.notices[1].text


def test_closing_ends_a_folder_that_never_ends(tmp_path: Path) -> None:
    capture = open_capture(tmp_path)
    assert capture.take(0.1) is None
    begin = time.monotonic()
    capture.close()
    assert time.monotonic() - begin < 1
