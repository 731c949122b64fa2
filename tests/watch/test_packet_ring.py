"""Clips that are cut from a ring of packets, decoded again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order, write_video
from tests.watch.captured import HeldPackets, open_descriptors, taken_to_end
from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.watch.sources import CaptureOptions, SectionHeader, SourcePacket, open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing

_TIMES_MS = [40 * number for number in range(250)]


def _held(path: Path) -> HeldPackets:
    held = HeldPackets()
    with closing(open_capture(path, CaptureOptions(), held)) as capture:
        taken_to_end(capture)
    return held


def _fed(held: HeldPackets, seconds: float = 60.0, max_bytes: int = 1 << 24) -> PacketRing:
    ring = PacketRing(seconds, max_bytes)
    ring.begin(held.headers[0])
    for packet in held.packets:
        ring.packet(packet)
    return ring


def _annex_b(path: Path) -> HeldPackets:
    """The packets of an .mp4 as a camera sends them: with start codes in place of lengths."""
    held = _held(path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        read = [packet for packet in container.demux(stream) if packet.size]
        sent = [bytes(packet) for each in read for packet in annex_b.filter(each)]
    units = sent[0].split(b"\0\0\1")
    parameters = b"".join(b"\0\0\1" + unit for unit in units if unit and unit[0] & 0x1F in (7, 8))
    return HeldPackets(
        [replace(held.headers[0], extradata=parameters)],
        [replace(packet, data=data) for packet, data in zip(held.packets, sent, strict=True)],
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, _TIMES_MS, gop=25, options={"sc_threshold": "0"})


@pytest.mark.parametrize("is_annex_b", [False, True])
def test_a_clip_begins_and_ends_with_the_frames_that_were_asked_for(
    clip: Path, tmp_path: Path, is_annex_b: bool
) -> None:
    ring = _fed(_annex_b(clip) if is_annex_b else _held(clip))
    (part,) = ring.write_clip(tmp_path, "event", 3.21, 5.0)
    assert part.path == tmp_path / "event.mp4"
    assert part.start_s == pytest.approx(3.24) and 5.0 <= part.end_s <= 5.12
    shown = decoded_in_order(part.path)
    whole = decoded_in_order(clip)[81 : 81 + len(shown)]
    assert len(shown) == round((part.end_s - part.start_s) * 25) + 1
    assert all(np.array_equal(a, b) for a, b in zip(shown, whole, strict=True))
    with av.open(str(part.path)) as container:
        times_s = [frame.time for frame in container.decode(video=0)]
    assert times_s[0] == 0 and times_s[-1] == pytest.approx(part.end_s - part.start_s, abs=1e-3)


def test_a_clip_is_cut_to_what_is_held(clip: Path, tmp_path: Path) -> None:
    ring = _fed(_held(clip), seconds=3)
    assert ring.span_s is not None and ring.span_s[0] == pytest.approx(6.0)
    (part,) = ring.write_clip(tmp_path, "event", 0.0, 100.0)
    assert (part.start_s, part.end_s) == (pytest.approx(6.0), pytest.approx(9.96))
    assert ring.write_clip(tmp_path, "none", 0.0, 5.9) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["event.mp4"]


def test_a_ring_holds_no_more_bytes_than_it_may(clip: Path) -> None:
    held = _held(clip)
    bound = sum(len(packet.data) for packet in held.packets) // 4
    ring = PacketRing(60, bound)
    ring.begin(held.headers[0])
    for packet in held.packets:
        ring.packet(packet)
        assert ring.num_bytes <= bound
    assert ring.span_s is not None and ring.span_s[0] > 5 and ring.span_s[1] > 9.8
    tiny = _fed(held, max_bytes=10)
    assert tiny.num_bytes == 0 and tiny.span_s is None


def test_each_section_is_a_file(clip: Path, tmp_path: Path) -> None:
    held = _held(clip)
    ring = _fed(held)
    ring.begin(replace(held.headers[0], section=1))
    # A packet before the first key frame of its section cannot be decoded.
    ring.packet(replace(held.packets[1], section=1, time_s=10.5))
    for packet in held.packets:
        ring.packet(replace(packet, section=1, time_s=packet.time_s + 11))
    before, after = ring.write_clip(tmp_path, "event", 9.0, 12.0)
    assert [before.path.name, after.path.name] == ["event-1.mp4", "event-2.mp4"]
    assert before.end_s == pytest.approx(9.96) and after.start_s == pytest.approx(11.0)
    assert len(decoded_in_order(before.path)) == 25
    assert len(decoded_in_order(after.path)) >= 26


def test_timestamps_that_jump_leave_no_hole_in_a_clip(clip: Path, tmp_path: Path) -> None:
    held = _held(clip)
    jumped = [
        packet
        if packet.time_s < 5
        else replace(packet, pts=packet.pts + 10**6, dts=packet.dts + 10**6)
        for packet in held.packets
    ]
    (part,) = _fed(HeldPackets(held.headers, jumped)).write_clip(tmp_path, "event", 4.0, 6.0)
    with av.open(str(part.path)) as container:
        times_s = [frame.time for frame in container.decode(video=0)]
    assert np.allclose(np.diff(times_s), 0.04, atol=1e-3)


@pytest.mark.parametrize(
    ("encoder", "codec", "pixels", "suffix"),
    [
        ("libx265", "hevc", "yuv420p", ".mp4"),
        ("libsvtav1", "av1", "yuv420p", ".mp4"),
        ("mpeg4", "mpeg4", "yuv420p", ".mp4"),
        ("libvpx-vp9", "vp9", "yuv420p", ".mkv"),
        ("libvpx", "vp8", "yuv420p", ".mkv"),
        ("mjpeg", "mjpeg", "yuvj420p", ".mkv"),
        ("ffv1", "ffv1", "bgr0", ".mkv"),
    ],
)
def test_other_codecs_go_into_a_file_that_holds_them(
    tmp_path: Path, encoder: str, codec: str, pixels: str, suffix: str
) -> None:
    if encoder not in av.codecs_available:
        pytest.skip(f"needs a PyAV with the encoder {encoder}, as its wheels have")
    path = write_video(
        tmp_path / "clip.mkv",
        _TIMES_MS[:50],
        codec=encoder,
        pixels=pixels,
        b_frames=None,
        options={"x265-params": "log-level=none"} if encoder == "libx265" else None,
    )
    held = _held(path)
    assert held.headers[0].codec == codec
    (part,) = _fed(held).write_clip(tmp_path, "event", 0.5, 1.0)
    assert part.path.suffix == suffix
    shown, whole = decoded_in_order(part.path), decoded_in_order(path)
    first = round(part.start_s * 25)
    assert 13 <= len(shown) <= 26
    assert all(np.array_equal(a, whole[first + i]) for i, a in enumerate(shown))


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    ring = _fed(_held(clip))
    with pytest.raises(InputError, match="a folder that exists"):
        ring.write_clip(tmp_path / "none", "event", 0, 1)
    header = SectionHeader(0, "vc1", b"", 64, 48, Fraction(1, 1000))
    odd = PacketRing(10, 1 << 20)
    odd.begin(header)
    odd.packet(SourcePacket(0, b"\0" * 10, 0, 0, True, 0.0))
    with pytest.raises(InputError, match="one of the codecs"):
        odd.write_clip(tmp_path, "event", 0, 1)
    assert not any(tmp_path.iterdir())
    for wrong in ((0, 1), ("a", 1), (1, 0), (1, 1.5)):
        arguments: Any = wrong
        with pytest.raises(ConfigError):
            PacketRing(*arguments)


def test_writing_leaves_no_descriptor_open(clip: Path, tmp_path: Path) -> None:
    ring = _fed(_held(clip))
    ring.write_clip(tmp_path, "first", 1, 2)
    before = open_descriptors()
    for number in range(5):
        ring.write_clip(tmp_path, f"event{number}", 1, 2)
    assert open_descriptors() == before
