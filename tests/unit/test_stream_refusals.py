"""What a stream refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.streamed_frames import HEIGHT, WIDTH, frame, push
from tests.unit.test_every_frame import padded_package
from ufvideo_sdk import InputError, PackageError, Region, StateError, UFVideo


@pytest.fixture
def stream(model: Any) -> Iterator[Any]:
    with model.open_stream() as stream:
        yield stream


def test_what_cannot_be_pushed(stream: Any) -> None:
    push(stream, range(2))
    image = frame(2)
    for wrong, t_s, message in (
        (image[:, :, :2], 102.0, "frame: expected a frame uint8"),
        (image.astype(np.float32), 102.0, "got float32"),
        (image[:-1], 102.0, r"expected the size of the frames before, \[48, 64\], got \[47, 64\]"),
        ([1, 2], 102.0, "frame: expected an array"),
        (image, float("nan"), "t_s: expected finite"),
        (image, float("inf"), "t_s: expected finite"),
        (image, "now", "t_s: expected finite"),
        (image, None, "t_s: expected finite"),
        (image, 50.0, "expected a time after 101 s.*got 50 s"),
    ):
        with pytest.raises(InputError, match=message):
            stream.push(wrong, t_s)
    ancient = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    for wall in ("now", datetime(2026, 1, 1), ancient, -1.0, float("nan"), True):
        with pytest.raises(InputError, match="wall: expected seconds since 1970"):
            stream.push(image, 102.0, wall=wall)
    stream.push(image[:, ::-1], 102.0)
    assert stream.stats.num_pushed == 3


def test_what_cannot_be_opened(model: Any, small_package: Path) -> None:
    for options, message in (
        ({"fps": 0}, "fps: expected more than 0"),
        ({"fps": "2"}, "fps: expected a number"),
        ({"fps": float("nan")}, "fps: expected a number"),
        ({"frames": 3}, "frames: expected an even number of 2 to 8"),
        ({"frames": 10}, "frames: expected an even number of 2 to 8"),
        ({"frames": 2.0}, "frames: expected an integer"),
        ({"frames": 2**40}, "frames: expected an integer"),
        ({"prefixes": 3}, "prefixes: expected 1 or 2"),
        ({"prefixes": None}, "prefixes: expected an integer"),
        ({"prefixes": 1, "drop_pairs": 0}, "drop_pairs: expected 1 to 4"),
        ({"prefixes": 2, "drop_pairs": 1}, "drop_pairs: expected 2 with two prefixes"),
        ({"history_s": -1}, "history_s: expected 0 or more"),
        ({"frames_format": "yuv"}, "frames_format: expected"),
        ({"clock": "ntp"}, "clock: expected one of camera, arrival, file"),
    ):
        with pytest.raises(InputError, match=message):
            model.open_stream(**options)


def test_an_aligner_that_looks_across_pairs(small_package: Path, tmp_path: Path) -> None:
    model = UFVideo.load(padded_package(small_package, tmp_path))
    with pytest.raises(PackageError, match="aligner_padding: expected 0"):
        model.open_stream()


def test_too_few_frames_and_a_closed_stream(model: Any) -> None:
    stream = model.open_stream()
    for _ in range(2):
        for ask in (lambda: stream.ask("Why?"), stream.freeze, lambda: stream.segment("ball")):
            with pytest.raises(StateError, match="expected two frames or more"):
                ask()
        push(stream, [stream.stats.num_pushed])
    stream.close()
    stream.close()
    for call in (
        lambda: stream.ask("Why?"),
        stream.freeze,
        lambda: stream.past(1, 2),
        lambda: push(stream, [9]),
        lambda: stream.stats,
        lambda: stream.window,
    ):
        with pytest.raises(StateError, match="expected an open stream, it is closed"):
            call()


def test_regions_and_masks_lie_on_frames_of_the_window(stream: Any) -> None:
    push(stream, range(20))
    first = int(stream.window.frame_idxs[0])
    gone = Region.from_box(first - 1, (5, 5, 30, 30), height=HEIGHT, width=WIDTH)
    with pytest.raises(InputError, match=rf"frames of the clip, {first} to 19, got {first - 1}"):
        stream.ask("What is <region>?", regions=[gone])
    with pytest.raises(InputError, match="frames: expected frames of the clip"):
        stream.segment("the ball", frames=[20])
    with pytest.raises(InputError, match=r"seconds within the clip, 112\.000 to 119\.000"):
        stream.ask("What happens at <time>?", times=[100.0])
