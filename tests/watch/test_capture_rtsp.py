"""A camera behind a real RTSP server, and all that goes wrong with it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.unit.written_videos import decoded_in_order, write_video
from tests.watch.captured import HeldPackets, Told, open_descriptors, taken_until
from tests.watch.rtsp_server import RtspServer, SilentServer, needs_rtsp_server
from tests.watch.tls_proxy import TlsProxy, needs_openssl
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing

pytestmark = needs_rtsp_server()

_LOGIN = ("zoe", "s3cr3tWord")
# What a camera may take to be seen again after its return.
_RETURN_S = 3.0


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
    with RtspServer(clips) as running:
        yield running


def _has(kind: str, number: int = 1) -> Any:
    return lambda told: told.kinds.count(kind) >= number


def _more_frames(number: int, told: Told) -> Any:
    before = len(told.frames)
    return lambda told: len(told.frames) >= before + number


def _check_times(told: Told) -> None:
    """Time rises, and whatever is missing is told."""
    assert told.times_s[0] == 0.0
    assert all(before < after for before, after in pairwise(told.times_s))
    gaps = [(gap.start_s, gap.end_s) for gap in told.gaps]
    assert all(start < end for start, end in gaps)
    for before, after in pairwise(told.times_s):
        missing_s = after - before - 0.25
        told_s = sum(
            min(end, after) - max(start, before)
            for start, end in gaps
            if end > before and start < after
        )
        assert told_s >= missing_s, (before, after, gaps)


def test_frames_and_packets_are_those_that_the_camera_sends(
    server: RtspServer, clips: list[Path], tmp_path: Path
) -> None:
    held, ring = HeldPackets(), PacketRing(30, 1 << 22)

    class Both:
        def begin(self, header: Any) -> None:
            held.begin(header)
            ring.begin(header)

        def packet(self, packet: Any) -> None:
            held.packet(packet)
            ring.packet(packet)

    with closing(open_capture(server.url, CaptureOptions(sample_fps=5), Both())) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 12)
        stats = capture.stats
        parts = ring.write_clip(tmp_path, "event", 0.6, 1.4)
    decoded = decoded_in_order(clips[0])
    for frame in told.frames:
        assert np.array_equal(frame.pixels, decoded[round(25 * frame.time_s)])
        assert frame.wall_s is not None and abs(frame.wall_s - time.time()) < 5
    assert np.allclose(np.diff(told.times_s), 0.2, atol=0.05)
    assert not told.gaps and not told.notices and stats.num_connections == 1
    assert stats.frame_rate == pytest.approx(25, abs=4)
    (header,) = held.headers
    assert (header.codec, header.width, header.height) == ("h264", 96, 64)
    assert held.packets[0].is_key and held.packets[0].time_s == 0
    times_s = {packet.pts: packet.time_s for packet in held.packets}
    assert all(times_s[frame.pts] == frame.time_s for frame in told.frames)
    (part,) = parts
    shown = decoded_in_order(part.path)
    first = round(25 * part.start_s)
    assert part.start_s == pytest.approx(0.6) and len(shown) >= 20
    assert all(np.array_equal(a, b) for a, b in zip(shown, decoded[first:], strict=False))


def test_a_camera_with_b_frames_gives_them_in_the_order_of_showing(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "clip.mp4",
        [40 * number for number in range(100)],
        gop=10,
        b_frames=2,
        options={"sc_threshold": "0"},
    )
    ring = PacketRing(30, 1 << 22)
    with (
        RtspServer([clip]) as server,
        closing(open_capture(server.url, CaptureOptions(sample_fps=25), ring)) as capture,
    ):
        told = taken_until(capture, lambda told: len(told.frames) >= 50)
        stats = capture.stats
        (part,) = ring.write_clip(tmp_path, "event", 0.5, 1.5)
    decoded = decoded_in_order(clip)
    for frame in told.frames:
        assert np.array_equal(frame.pixels, decoded[round(25 * frame.time_s)])
    assert not told.notices and not told.gaps, stats
    shown = decoded_in_order(part.path)
    first = round(25 * part.start_s)
    assert first == 13 and len(shown) >= 24
    assert all(np.array_equal(a, decoded[first + i]) for i, a in enumerate(shown))


def test_a_camera_that_dies_ten_times_is_seen_again_and_nothing_leaks(server: RtspServer) -> None:
    with closing(open_capture(server.url, CaptureOptions(sample_fps=10))) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        usage: list[tuple[int, int]] = []
        for number in range(1, 11):
            server.kill()
            taken_until(capture, _has("lost", number), told=told)
            server.start()
            begin = time.monotonic()
            taken_until(capture, _has("resumed", number), told=told)
            assert time.monotonic() - begin < _RETURN_S
            taken_until(capture, _more_frames(2, told), told=told)
            usage.append((threading.active_count(), open_descriptors()))
        _check_times(told)
        assert capture.stats.num_connections == 11
        assert [frame.section for frame in told.frames][-1] == 10
        assert all(gap.cause == "connection lost" for gap in told.gaps) and len(told.gaps) >= 10
    assert max(usage[1:]) <= max(usage[:2]), usage
    assert not any(thread.name.startswith("capture") for thread in threading.enumerate())


def test_a_slow_taker_neither_slows_the_reading_nor_gets_old_frames(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=10, max_age_s=0.5)
    with closing(open_capture(server.url, options)) as capture:
        taken_until(capture, lambda told: len(told.frames) >= 3)
        time.sleep(2)
        told = taken_until(capture, lambda told: len(told.frames) >= 3)
        stats = capture.stats
    assert stats.num_connections == 1 and stats.dropped_by["age"] > 8
    assert not told.gaps and not told.notices
    assert told.frames[0].wall_s is not None and time.time() - told.frames[0].wall_s < 1.2


def test_connecting_again_and_again_keeps_no_memory(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=5)

    def connect_once() -> None:
        with closing(open_capture(server.url, options)) as capture:
            taken_until(capture, lambda told: len(told.frames) >= 1)

    for _ in range(3):
        connect_once()
    process = psutil.Process()
    before = (process.memory_info().rss, open_descriptors(), threading.active_count())
    for _ in range(8):
        connect_once()
    after = (process.memory_info().rss, open_descriptors(), threading.active_count())
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 6 << 20


def test_a_camera_that_falls_silent_has_stalled(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=10, stall_s=0.8)
    with closing(open_capture(server.url, options)) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        server.silent()
        taken_until(capture, _has("stalled"), told=told)
        server.go()
        begin = time.monotonic()
        taken_until(capture, _has("resumed"), told=told)
        assert time.monotonic() - begin < _RETURN_S
        taken_until(capture, _more_frames(5, told), told=told)
        _check_times(told)
    assert "clock" not in told.kinds and {gap.cause for gap in told.gaps} == {"stalled"}
    # It was silent for as long as it is told to have been, by its own timestamps.
    assert abs(told.times_s[-1] - (told.items[-1].wall_s - told.frames[0].wall_s)) < 0.5  # type: ignore[union-attr]


def test_a_server_that_hangs_is_connected_anew(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=10, stall_s=0.5, read_timeout_s=1)
    with closing(open_capture(server.url, options)) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        server.hang()
        taken_until(capture, _has("stalled"), told=told)
        time.sleep(2.5)
        server.wake()
        begin = time.monotonic()
        taken_until(capture, _has("resumed"), told=told)
        assert time.monotonic() - begin < _RETURN_S
        taken_until(capture, _more_frames(3, told), told=told)
        assert capture.stats.num_connections == 2
        _check_times(told)


def test_a_frozen_picture_is_a_stall_and_is_connected_anew(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=10, frozen_s=1)
    with closing(open_capture(server.url, options)) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        server.freeze()
        taken_until(capture, _has("frozen"), told=told)
        num_before = len(told.frames)
        time.sleep(0.5)
        server.go()
        begin = time.monotonic()
        taken_until(capture, _has("resumed"), told=told)
        assert time.monotonic() - begin < _RETURN_S
        taken_until(capture, _more_frames(3, told), told=told)
        _check_times(told)
        assert capture.stats.dropped_by["frozen"] > 0
    assert {gap.cause for gap in told.gaps} == {"frozen"} and told.kinds[:1] == ["frozen"]
    assert np.array_equal(told.frames[num_before - 1].pixels, told.frames[num_before - 2].pixels)


def test_a_picture_that_may_be_frozen_is_taken(server: RtspServer) -> None:
    options = CaptureOptions(sample_fps=10, frozen_s=None)
    with closing(open_capture(server.url, options)) as capture:
        taken_until(capture, lambda told: len(told.frames) >= 2)
        server.freeze()
        told = taken_until(capture, lambda told: len(told.frames) >= 20)
    assert not told.notices and not told.gaps


def test_another_size_is_another_section(server: RtspServer) -> None:
    held = HeldPackets()
    with closing(open_capture(server.url, CaptureOptions(sample_fps=10), held)) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        server.use(1)
        taken_until(capture, _has("size"), told=told)
        taken_until(capture, _more_frames(3, told), told=told)
        assert capture.stats.num_connections == 1
    assert [(header.section, header.width) for header in held.headers] == [(0, 96), (1, 128)]
    for frame in told.frames:
        assert frame.pixels.shape == ((64, 96, 3) if frame.section == 0 else (96, 128, 3))
    first_of = {p.section: p for p in reversed(held.packets)}
    assert first_of[1].is_key and not told.gaps
    assert "128 x 96 px, they were 96 x 64" in told.notices[0].text


@pytest.mark.parametrize("jump_s", [5.0, -5.0, 1.7])
def test_timestamps_that_jump_do_not_move_time(server: RtspServer, jump_s: float) -> None:
    held = HeldPackets()
    with closing(open_capture(server.url, CaptureOptions(sample_fps=10), held)) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        if jump_s < 0:
            server.jump(6)
            taken_until(capture, _has("clock"), told=told)
        server.jump(jump_s)
        taken_until(capture, _has("clock", 2 if jump_s < 0 else 1), told=told)
        taken_until(capture, _more_frames(5, told), told=told)
    assert np.diff(told.times_s).max() < 0.3 and np.diff(told.times_s).min() > 0
    assert not told.gaps and "timestamps jumped by" in told.notices[-1].text
    # The section's own times go on too, each once.
    assert len(held.headers) == 1
    steps = np.diff([float(packet.pts * held.headers[0].time_base) for packet in held.packets])
    assert steps.min() > 0 and steps.max() < 0.3


def test_21_frames_with_the_timestamps_of_25_follow_arrival(clips: list[Path]) -> None:
    with (
        RtspServer(clips[:1], slow=25 / 21) as server,
        closing(open_capture(server.url, CaptureOptions(sample_fps=10))) as capture,
    ):
        told = taken_until(capture, lambda told: len(told.frames) >= 3)
        begin, first_s = time.monotonic(), told.times_s[-1]
        taken_until(capture, _has("clock"), told=told)
        end = time.monotonic() + 1.5
        taken_until(capture, lambda _: time.monotonic() > end, told=told)
        behind_s = time.monotonic() - begin - (told.times_s[-1] - first_s)
        rate = capture.stats.frame_rate
    # By its timestamps it would go on losing time; test_live_times.py watches one for an hour.
    assert -0.5 < behind_s < 1.1
    assert rate == pytest.approx(21, abs=1.5)
    (notice,) = [notice for notice in told.notices if notice.kind == "clock"]
    assert float(notice.text.split("run at ")[1].split()[0]) == pytest.approx(0.84, abs=0.04)
    assert not told.gaps


def test_a_recording_faster_than_real_time_keeps_its_own_time(clips: list[Path]) -> None:
    options = CaptureOptions(sample_fps=5, follow_arrival=False)
    with (
        RtspServer(clips[:1], speed=8) as server,
        closing(open_capture(server.url, options)) as capture,
    ):
        begin = time.monotonic()
        told = taken_until(capture, lambda told: len(told.frames) >= 75)
        assert time.monotonic() - begin < 8
    assert np.allclose(np.diff(told.times_s), 0.2, atol=0.05)
    assert not told.notices and not told.gaps


def test_the_clock_becomes_the_cameras_own(server: RtspServer) -> None:
    with closing(open_capture(server.url, CaptureOptions(sample_fps=10))) as capture:
        told = taken_until(
            capture, lambda told: bool(told.frames) and told.frames[-1].clock == "camera"
        )
    walls_s = [frame.wall_s for frame in told.frames if frame.wall_s is not None]
    assert walls_s == sorted(walls_s) and abs(walls_s[-1] - time.time()) < 1


@needs_openssl
def test_a_camera_behind_tls_is_captured_and_its_certificate_checked(
    server: RtspServer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with (
        TlsProxy(server.port, tmp_path / "other") as other,
        TlsProxy(server.port, tmp_path) as proxy,
    ):
        signed = CaptureOptions(tls_ca_file=str(proxy.certificate))
        for options in (CaptureOptions(), signed):
            with closing(open_capture(f"rtsps://127.0.0.1:{proxy.port}/cam", options)) as capture:
                told = taken_until(capture, lambda told: len(told.frames) >= 1)
            assert not told.notices
        with closing(open_capture(f"rtsps://127.0.0.1:{other.port}/cam", signed)) as capture:
            told = taken_until(capture, lambda told: bool(told.notices))
        assert told.kinds == ["lost"] and not told.frames


def test_a_refused_password_is_told_and_not_tried_at_once_again(clips: list[Path]) -> None:
    with RtspServer(clips[:1], login=_LOGIN) as server:
        wrong = server.url.replace(_LOGIN[1], "wr0ngWord")
        with closing(open_capture(wrong, CaptureOptions(refused_retry_s=0.5))) as capture:
            told = taken_until(capture, _has("refused"))
            assert not told.frames and not told.gaps
        assert "401" in told.notices[0].text or "nauthorized" in told.notices[0].text
        assert "wr0ngWord" not in repr(told.items) + repr(capture)
        with closing(open_capture(server.url)) as capture:
            assert "zoe" not in capture.name + repr(capture)
            taken_until(capture, lambda told: len(told.frames) >= 1)


def test_a_server_that_accepts_and_says_nothing_is_told(clips: list[Path]) -> None:
    options = CaptureOptions(open_timeout_s=1, read_timeout_s=1, retry_s=0.1)
    with SilentServer() as silent:
        with closing(open_capture(silent.url, options)) as capture:
            told = taken_until(capture, _has("lost"))
            port = silent.port
            silent.__exit__()
            with RtspServer(clips[:1], port=port):
                begin = time.monotonic()
                taken_until(capture, lambda told: len(told.frames) >= 1, told=told)
                assert time.monotonic() - begin < _RETURN_S
        assert silent.num_accepted >= 1


def test_no_secret_is_in_anything_that_is_said_or_written(
    clips: list[Path], tmp_path: Path
) -> None:
    script = tmp_path / "watch.py"
    script.write_text(_SPOKEN, encoding="utf-8")
    said = b""
    with RtspServer(clips[:1], login=_LOGIN) as server, SilentServer() as silent:
        addresses = {
            "good": server.url + "?token=t0kenWord",
            "refused": server.url.replace(_LOGIN[1], "s3cr3tWordWrong"),
            "missing": server.url.replace("/cam", "/none"),
            "silent": silent.url.replace("://", "://zoe:s3cr3tWord@"),
            "down": "rtsp://zoe:s3cr3tWord@127.0.0.1:9/cam",
            "http": f"http://zoe:s3cr3tWord@127.0.0.1:{server.port}/a.mjpg?token=t0kenWord",
        }
        running = [
            subprocess.Popen(
                [sys.executable, str(script), address, str(tmp_path / f"{name}.log"), "2"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
            )
            for name, address in addresses.items()
        ]
        for process in running:
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output.decode()
            said += output
    written = b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != script
    )
    # FFmpeg's log is there, at its most talkative, and without them.
    assert b"DESCRIBE" in written and b"Authorization: ***" in written
    assert b"TakenFrame" in said and b"'refused'" in said and b"'lost'" in said
    for secret in (b"s3cr3t", b"t0ken", b"zoe", b"em9l"):
        assert secret not in said, said[max(said.index(secret) - 300, 0) :][:600]
        assert secret not in written


_SPOKEN = """
import logging, sys, time
logging.basicConfig(level=1, filename=sys.argv[2])
import av.logging
av.logging.set_level(av.logging.TRACE)
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
options = CaptureOptions(open_timeout_s=1, read_timeout_s=1, refused_retry_s=0.2)
capture = open_capture(sys.argv[1], options)
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    print(capture.take(0.1), flush=True)
reader = capture._reader
print(capture, repr(capture), capture.name, capture.stats, vars(capture), reader._camera)
capture.close()
"""
