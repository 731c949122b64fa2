"""A camera behind a real RTSP server, and all that goes wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order, write_video
from tests.watch.captured import HeldPackets, Several, taken_until
from tests.watch.rtsp_server import RtspServer, SilentServer, needs_rtsp_server
from tests.watch.tls_proxy import TlsProxy, needs_openssl
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing

pytestmark = needs_rtsp_server()

_LOGIN = ("zoe", "s3cr3tWord")
# What a camera may take to be seen again after its return.
_RETURN_S = 3.0


def test_frames_and_packets_are_those_that_the_camera_sends(
    rtsp_camera: RtspServer, camera_clips: list[Path], tmp_path: Path
) -> None:
    held, ring = HeldPackets(), PacketRing(30, 1 << 22)

    with closing(
        open_capture(rtsp_camera.url, CaptureOptions(sample_fps=5), Several(held, ring))
    ) as capture:
        told = taken_until(capture, lambda told: len(told.frames) >= 12)
        stats = capture.stats
        parts = ring.write_clip(tmp_path, "event", 0.6, 1.4)
    decoded = decoded_in_order(camera_clips[0])
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


def test_a_slow_taker_slows_no_reading_and_gets_no_old_frames(
    rtsp_camera: RtspServer,
) -> None:
    options = CaptureOptions(sample_fps=10, max_age_s=0.5)
    with closing(open_capture(rtsp_camera.url, options)) as capture:
        taken_until(capture, lambda told: len(told.frames) >= 3)
        time.sleep(2)
        told = taken_until(capture, lambda told: len(told.frames) >= 3)
        stats = capture.stats
    assert stats.num_connections == 1 and stats.dropped_by["age"] > 8
    assert not told.gaps and not told.notices
    assert told.frames[0].wall_s is not None and time.time() - told.frames[0].wall_s < 1.2


def test_a_recording_faster_than_real_time_keeps_its_own_time(camera_clips: list[Path]) -> None:
    options = CaptureOptions(sample_fps=5, follow_arrival=False)
    with (
        RtspServer(camera_clips[:1], speed=8) as server,
        closing(open_capture(server.url, options)) as capture,
    ):
        begin = time.monotonic()
        told = taken_until(capture, lambda told: len(told.frames) >= 75)
        assert time.monotonic() - begin < 8
    assert np.allclose(np.diff(told.times_s), 0.2, atol=0.05)
    assert not told.notices and not told.gaps


def test_the_clock_becomes_the_cameras_own(rtsp_camera: RtspServer) -> None:
    with closing(open_capture(rtsp_camera.url, CaptureOptions(sample_fps=10))) as capture:
        told = taken_until(
            capture, lambda told: bool(told.frames) and told.frames[-1].clock == "camera"
        )
    walls_s = [frame.wall_s for frame in told.frames if frame.wall_s is not None]
    assert walls_s == sorted(walls_s) and abs(walls_s[-1] - time.time()) < 1


@needs_openssl
def test_a_camera_behind_tls_is_captured_and_its_certificate_checked(
    rtsp_camera: RtspServer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with (
        TlsProxy(rtsp_camera.port, tmp_path / "other") as other,
        TlsProxy(rtsp_camera.port, tmp_path) as proxy,
    ):
        signed = CaptureOptions(tls_ca_file=str(proxy.certificate))
        for options in (CaptureOptions(), signed):
            with closing(open_capture(f"rtsps://127.0.0.1:{proxy.port}/cam", options)) as capture:
                told = taken_until(capture, lambda told: len(told.frames) >= 1)
            assert not told.notices
        with closing(open_capture(f"rtsps://127.0.0.1:{other.port}/cam", signed)) as capture:
            told = taken_until(capture, lambda told: bool(told.notices))
        assert told.kinds == ["lost"] and not told.frames


def test_a_refused_password_is_told_and_not_tried_at_once_again(camera_clips: list[Path]) -> None:
    with RtspServer(camera_clips[:1], login=_LOGIN) as server:
        wrong = server.url.replace(_LOGIN[1], "wr0ngWord")
        with closing(open_capture(wrong, CaptureOptions(refused_retry_s=0.5))) as capture:
            told = taken_until(capture, lambda told: "refused" in told.kinds)
            assert not told.frames and not told.gaps
        assert "401" in told.notices[0].text or "nauthorized" in told.notices[0].text
        assert "wr0ngWord" not in repr(told.items) + repr(capture)
        with closing(open_capture(server.url)) as capture:
            assert "zoe" not in capture.name + repr(capture)
            taken_until(capture, lambda told: len(told.frames) >= 1)


def test_no_secret_is_in_anything_that_is_said_or_written(
    camera_clips: list[Path], tmp_path: Path
) -> None:
    script, addresses = tmp_path / "watch.py", tmp_path / "addresses.json"
    script.write_text(_SPOKEN, encoding="utf-8")
    with RtspServer(camera_clips[:1], login=_LOGIN) as server, SilentServer() as silent:
        asked = [
            server.url + "?token=t0kenWord",
            server.url.replace(_LOGIN[1], "s3cr3tWordWrong"),
            server.url.replace("/cam", "/none"),
            silent.url.replace("://", "://zoe:s3cr3tWord@"),
            "rtsp://zoe:s3cr3tWord@127.0.0.1:9/cam",
            f"http://zoe:s3cr3tWord@127.0.0.1:{server.port}/a.mjpg?token=t0kenWord",
        ]
        addresses.write_text(json.dumps(asked), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script), str(addresses)],
            capture_output=True,
            cwd=tmp_path,
            timeout=100,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said.decode()
    written = (tmp_path / "said.log").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"watch.py", "addresses.json", "said.log"}
    # FFmpeg's log is there, at its most talkative, and without them.
    assert b"DESCRIBE" in written and b"Authorization: ***" in written
    assert b"TakenFrame" in said and b"'refused'" in said and said.count(b"'lost'") >= 4
    for secret in (b"s3cr3t", b"t0ken", b"zoe", b"em9l"):
        assert secret not in said, said[max(said.index(secret) - 300, 0) :][:600]
        assert secret not in written


_SPOKEN = """
import json, logging, sys, time
logging.basicConfig(level=1, filename="said.log")
import av.logging
av.logging.set_level(av.logging.TRACE)
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
options = CaptureOptions(open_timeout_s=1, read_timeout_s=1, refused_retry_s=0.2)
captures = [open_capture(address, options) for address in json.load(open(sys.argv[1]))]
end = time.monotonic() + 3
while time.monotonic() < end:
    for capture in captures:
        print(capture.take(0.05), flush=True)
for capture in captures:
    reader = capture._reader
    print(capture, repr(capture), capture.name, capture.stats, vars(capture), reader._camera)
    capture.close()
"""
