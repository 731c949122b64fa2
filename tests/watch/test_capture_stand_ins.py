"""Cameras that cannot be had in a test, by stand-ins: what hangs, what is unplugged, raw pixels."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order, write_video
from tests.watch.captured import HeldPackets, Several, taken_until
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
from ufvideo_sdk.watch.sources.connection import Camera, SessionParts
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.live_reader import LiveReader
from ufvideo_sdk.watch.sources.packet_ring import PacketRing
from ufvideo_sdk.watch.sources.queue_capture import QueueCapture
from ufvideo_sdk.watch.sources.redaction import Redactor

_QUICK = CaptureOptions(
    sample_fps=25, open_timeout_s=0.2, read_timeout_s=0.2, retry_s=0.05, max_retry_s=0.1
)


def test_what_is_asked_of_a_device_is_told_to_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def opened(address: str, **arguments: Any) -> Any:
        told.update(arguments, address=address)
        raise OSError(errno.EBUSY, "Device or resource busy", address)

    monkeypatch.setattr(av, "open", opened)
    options = CaptureOptions(device_size="1280x720", device_fps=15, device_format="mjpeg")
    with closing(open_capture("/dev/video7", options)) as capture:
        seen = taken_until(capture, lambda told: bool(told.notices))
    assert "busy" in seen.notices[0].text
    assert (told["address"], told["format"]) == ("/dev/video7", "v4l2")
    asked = {"video_size": "1280x720", "framerate": "15", "input_format": "mjpeg"}
    assert asked.items() <= told["options"].items()


class FileCamera(Camera):
    """A file as a camera that is plugged in, or is not; it ends in an error of the system."""

    is_there = True
    ends_with: int = errno.ENODEV

    def opened(self, beat: Callable[[], None]) -> Any:
        if not self.is_there:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", self.address)
        return av.open(self.address)

    def steps(self, container: Any, parts: SessionParts) -> Iterator[None]:
        for _ in super().steps(container, parts):
            time.sleep(0.01)
            yield
        object.__setattr__(self, "is_there", False)
        raise OSError(self.ends_with, "No such device", self.address)


def _capture(
    camera: Camera, listener: Any = None, options: CaptureOptions = _QUICK
) -> QueueCapture:
    queue = ItemQueue(2.0)
    reader = LiveReader(camera, options, queue, listener, Redactor(camera.address))
    return QueueCapture("camera", queue, reader)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    return write_video(path, [10 * number for number in range(100)], b_frames=0)


def test_a_device_that_is_unplugged_is_told_and_taken_up_again(clip: Path) -> None:
    camera = FileCamera(str(clip), _QUICK)
    with closing(_capture(camera)) as capture:
        told = taken_until(capture, lambda told: "lost" in told.kinds)
        assert "No such device" in told.notices[0].text
        time.sleep(0.3)
        object.__setattr__(camera, "is_there", True)
        begin = time.monotonic()
        taken_until(capture, lambda told: "resumed" in told.kinds, told=told)
        assert time.monotonic() - begin < 3
        taken_until(capture, lambda told: told.frames[-1].section == 1, told=told)
    assert told.kinds.count("lost") == 1
    assert all(before < after for before, after in pairwise(told.times_s))
    assert {gap.cause for gap in told.gaps} == {"connection lost"}


def test_a_missing_device_is_told_and_not_given_up() -> None:
    with closing(open_capture("/dev/video63", _QUICK)) as capture:
        told = taken_until(capture, lambda told: bool(told.notices))
        assert told.kinds == ["lost"]
        assert told.notices[0].text == "no connection yet: No such file or directory"
        assert capture.name == "/dev/video63" and capture.take(0.3) is None


@pytest.mark.parametrize("step", ["open", "read"])
def test_a_step_that_hangs_is_given_up_by_the_watchdog(
    clip: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("ufvideo_sdk.watch.sources.live_reader._MARGIN_S", 0.2)
    hung, released = threading.Event(), threading.Event()

    class Hanging(FileCamera):
        def opened(self, beat: Callable[[], None]) -> Any:
            if step == "open":
                self.hang_once()
            return super().opened(beat)

        def steps(self, container: Any, parts: SessionParts) -> Iterator[None]:
            for number, _ in enumerate(super().steps(container, parts)):
                if step == "read" and number == 20:
                    self.hang_once()
                yield

        def hang_once(self) -> None:
            if not hung.is_set():
                hung.set()
                released.wait()

    camera = Hanging(str(clip), _QUICK)
    with closing(_capture(camera)) as capture:
        told = taken_until(capture, lambda told: "lost" in told.kinds or "stalled" in told.kinds)
        assert hung.is_set() and not released.is_set()
        taken_until(capture, lambda told: "resumed" in told.kinds, told=told)
        taken_until(capture, lambda told: len(told.frames) > 10, told=told)
        num_frames = capture.stats.num_connections
        # What hung returns, and tells nothing any more.
        released.set()
        time.sleep(0.2)
        assert capture.stats.num_connections == num_frames
    assert any("hangs" in notice.text for notice in told.notices) or step == "read"
    assert all(before < after for before, after in pairwise(told.times_s))
    assert not any(thread.name == "capture" for thread in threading.enumerate())


def test_closing_does_not_wait_for_a_step_that_hangs(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufvideo_sdk.watch.sources.live_reader._MARGIN_S", 0.2)
    released = threading.Event()

    class Hanging(FileCamera):
        def opened(self, beat: Callable[[], None]) -> Any:
            released.wait()
            return super().opened(beat)

    capture = _capture(Hanging(str(clip), _QUICK))
    time.sleep(0.1)
    begin = time.monotonic()
    capture.close()
    assert time.monotonic() - begin < 1.0
    released.set()


@pytest.mark.parametrize("pixels", ["yuyv422", "rgb24", "yuv420p"])
def test_raw_pixels_become_packets_that_decode_to_what_was_taken(
    tmp_path: Path, pixels: str
) -> None:
    raw = write_video(
        tmp_path / "raw.nut",
        [40 * n for n in range(50)],
        codec="rawvideo",
        pixels=pixels,
        b_frames=None,
    )
    held, ring = HeldPackets(), PacketRing(60, 1 << 24)

    options = CaptureOptions(sample_fps=5, retry_s=0.05)
    with closing(_capture(FileCamera(str(raw), options), Several(held, ring), options)) as capture:
        told = taken_until(capture, lambda told: "lost" in told.kinds)
        (part,) = ring.write_clip(tmp_path, "event", 0.0, 10.0)
    (header,) = held.headers
    assert header.codec == "ffv1" and all(packet.is_key for packet in held.packets)
    assert [p.pts for p in held.packets] == [frame.pts for frame in told.frames]
    shown = decoded_in_order(part.path)
    assert len(shown) == len(told.frames) == 10
    assert all(np.array_equal(a, frame.pixels) for a, frame in zip(shown, told.frames, strict=True))


def test_black_pictures_are_told_once_and_when_they_end(tmp_path: Path) -> None:
    path = tmp_path / "dark.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        rng = np.random.default_rng(0)
        for number in range(200):
            level = 4 if 50 <= number < 150 else 120
            pixels = rng.integers(level, level + 8, (64, 96, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    with closing(open_capture(path, CaptureOptions(dark_s=1))) as capture:
        told = taken_until(capture, lambda told: told.ended is not None)
    assert told.kinds == ["dark", "light"] and not told.gaps
    assert told.notices[0].time_s == pytest.approx(3.2, abs=0.5)
    assert told.notices[1].time_s == pytest.approx(6.1, abs=0.3)
