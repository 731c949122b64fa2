"""Files that are captured: which frames, when, and with which packets."""

from __future__ import annotations

import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order, numbered_frame, uneven_times_ms, write_video
from tests.watch.captured import HeldPackets, Several, taken_to_end, taken_until
from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at 25 frames/s, with B-frames."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, [40 * number for number in range(250)])


def test_frames_on_the_grid_are_the_decoded_ones(clip: Path) -> None:
    with closing(open_capture(clip, CaptureOptions(sample_fps=2))) as capture:
        told = taken_to_end(capture)
        stats = capture.stats
    # A tenth of a step before a point counts as at it.
    points_s = 0.5 * np.arange(21)
    assert np.allclose(told.times_s, np.maximum(np.ceil((points_s - 0.05) * 25) / 25, 0.0))
    decoded = decoded_in_order(clip)
    for frame in told.frames:
        assert np.array_equal(frame.pixels, decoded[round(25 * frame.time_s)])
        assert (frame.section, frame.clock, frame.wall_s) == (0, "file", None)
    assert stats.num_taken == 21 and stats.dropped_by == {"grid": 229}
    assert told.ended is not None and told.ended.cause == "end of the file"
    assert told.ended.time_s == pytest.approx(9.96)
    assert not told.gaps and not told.notices


def test_a_slow_taker_of_a_file_gets_every_frame(clip: Path) -> None:
    with closing(open_capture(clip, CaptureOptions(sample_fps=25, max_age_s=0.01))) as capture:
        taken_until(capture, lambda told: len(told.frames) == 2)
        time.sleep(0.2)
        told = taken_to_end(capture)
        assert capture.stats.dropped_by == {}
    assert len(told.frames) == 248


def test_in_real_time_frames_come_when_they_are_due_and_are_dropped_by_age(clip: Path) -> None:
    options = CaptureOptions(sample_fps=25, real_time=True, max_age_s=0.2)
    with closing(open_capture(clip, options)) as capture:
        begin = time.monotonic()
        first = taken_until(capture, lambda told: len(told.frames) == 10)
        assert time.monotonic() - begin > 0.3
        time.sleep(0.6)
        late = taken_until(capture, lambda told: len(told.frames) == 1)
        assert capture.stats.dropped_by["age"] > 5
    assert late.times_s[0] > first.times_s[-1] + 0.2


def test_a_listener_is_told_every_packet_from_the_first(clip: Path) -> None:
    held = HeldPackets()
    with closing(open_capture(clip, listener=held)) as capture:
        told = taken_to_end(capture)
    (header,) = held.headers
    assert (header.section, header.codec, header.width, header.height) == (0, "h264", 96, 64)
    assert len(held.packets) == 250 and header.extradata
    assert held.packets[0].is_key and held.packets[0].time_s == 0
    assert all(before.dts < after.dts for before, after in pairwise(held.packets))
    times_s = {packet.pts: packet.time_s for packet in held.packets}
    assert all(times_s[frame.pts] == frame.time_s for frame in told.frames)


@pytest.mark.parametrize("is_turned", [False, True])
def test_what_a_file_of_packets_cannot_show_becomes_packets_of_the_taken_frames(
    tmp_path: Path, is_turned: bool
) -> None:
    codec = "libx264" if is_turned else "wmv2"
    suffix = "mp4" if is_turned else "wmv"
    path = tmp_path / f"clip.{suffix}"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if is_turned:
            stream.set_display_rotation(90)
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    held, ring = HeldPackets(), PacketRing(60, 1 << 24)

    with closing(open_capture(path, CaptureOptions(sample_fps=5), Several(held, ring))) as capture:
        told = taken_to_end(capture)
    (part,) = ring.write_clip(tmp_path, "event", 0, 9)
    assert held.headers[0].codec == "ffv1"
    assert told.frames[0].pixels.shape == ((96, 64, 3) if is_turned else (64, 96, 3))
    shown = decoded_in_order(part.path)
    assert all(np.array_equal(a, b.pixels) for a, b in zip(shown, told.frames, strict=True))


def test_pictures_that_are_damaged_are_counted_and_told(clip: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mkv"
    with av.open(str(clip)) as source, av.open(str(damaged), "w") as target:
        stream = source.streams.video[0]
        written = target.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(source.demux(stream)):
            if packet.size:
                content = bytes(packet) if number < 20 else b"\xff" * packet.size
                copy = av.Packet(content)
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, written
                target.mux(copy)
    with closing(open_capture(damaged, CaptureOptions(sample_fps=25))) as capture:
        told = taken_to_end(capture)
        assert capture.stats.dropped_by["damaged"] > 200
    assert told.kinds == ["damaged"] and 10 <= len(told.frames) <= 20


def test_uneven_times_are_those_of_the_file(tmp_path: Path) -> None:
    times_ms = uneven_times_ms(60)
    path = write_video(tmp_path / "uneven.mkv", times_ms)
    with closing(open_capture(path, CaptureOptions(sample_fps=1000))) as capture:
        told = taken_to_end(capture)
    assert np.allclose(told.times_s, np.array(times_ms) / 1e3, atol=1e-3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_fails_does_not_leave_the_taker_waiting(clip: Path) -> None:
    class Failing(HeldPackets):
        def packet(self, packet: Any) -> None:
            raise RuntimeError("a mistake")

    with closing(open_capture(clip, listener=Failing())) as capture:
        told = taken_to_end(capture, 5)
    assert told.ended is not None and "not expected" in told.ended.cause


def test_closing_ends_the_reading_of_a_file(clip: Path) -> None:
    capture = open_capture(clip, CaptureOptions(sample_fps=25))
    taken_until(capture, lambda told: len(told.frames) == 1)
    begin = time.monotonic()
    capture.close()
    assert time.monotonic() - begin < 2


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"text.mp4: expected a video"):
        open_capture(tmp_path / "text.mp4")
    with pytest.raises(InputError, match=r"none\.mp4"):
        open_capture(tmp_path / "none.mp4")
    bare = write_video(tmp_path / "bare.h264", [0, 40, 80])
    with pytest.raises(InputError, match="a video with times"):
        open_capture(bare)


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="sample_fps: expected a number, more than 0, got int 0"):
        CaptureOptions(sample_fps=0)
    with pytest.raises(ConfigError, match="folder_order: expected one of name, time"):
        CaptureOptions(folder_order="size")
    with pytest.raises(ConfigError, match="real_time: expected True or False"):
        CaptureOptions(real_time=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="tls_ca_file: expected a file of certificates"):
        CaptureOptions(tls_ca_file="none.pem")
    with pytest.raises(ConfigError, match="stall_s: expected a number, more than 0, got str"):
        CaptureOptions(stall_s="2")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="device_size: expected width x height"):
        CaptureOptions(device_size="large")
    with pytest.raises(ConfigError, match="device_fps: expected a number, more than 0"):
        CaptureOptions(device_fps=0)
    assert CaptureOptions(frozen_s=None, retry_s=0).frozen_s is None
