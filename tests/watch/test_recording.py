"""Recordings as files: packets as they came, whole lines, what is kept of them."""

from __future__ import annotations

import errno
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.written_videos import write_video
from tests.watch.scripted import clip_frames
from ufvideo_sdk import InputError, demo_clip
from ufvideo_sdk.watch import Retention
from ufvideo_sdk.watch.engine.facts import Frame
from ufvideo_sdk.watch.recording.capture_log import (
    CAPTURE_NAME,
    DropsLine,
    FrameLine,
    NoticeLine,
    SectionLine,
    crc32_of,
    read_capture,
)
from ufvideo_sdk.watch.recording.folders import new_name, the_recording
from ufvideo_sdk.watch.recording.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.recording.header import RecordingHeader
from ufvideo_sdk.watch.recording.line_file import LineFile
from ufvideo_sdk.watch.recording.matroska import MatroskaWriter, can_write, microseconds
from ufvideo_sdk.watch.recording.recorded_frames import RecordedFrames
from ufvideo_sdk.watch.recording.recorder import Recorder
from ufvideo_sdk.watch.sources import CaptureNotice, SectionHeader, SourcePacket, TakenFrame

HEADER = RecordingHeader(
    version=1,
    sdk="0.1.0",
    model="nano",
    manifest_sha256="0" * 64,
    num_threads=1,
    providers=("cpu",),
    onnxruntime="1.22.0",
    processor="x86_64",
    camera="door",
    source="a script",
    sample_fps=8.0,
    window_frames=16,
    first_frames=16,
    started_s=1_700_000_000.0,
)


def encoded(path: Path, codec: str, pix_fmt: str, options: dict[str, str]) -> None:
    """Thirty frames of moving noise, with B-frames where the codec has them."""
    rng = np.random.default_rng(7)
    blocks = np.ones((16, 16, 1), np.uint8)
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, pix_fmt
        for number in range(30):
            pixels = np.kron(rng.integers(0, 255, (6, 10, 3), dtype=np.uint8), blocks)
            frame = av.VideoFrame.from_ndarray(np.roll(pixels, number, 1), format="rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def decoded(path: Path) -> list[tuple[int, np.ndarray]]:
    """Frames with their times in microseconds."""
    with av.open(str(path)) as container:
        return [
            (round(frame.pts * frame.time_base * 1_000_000), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


def packets_of(path: Path) -> tuple[SectionHeader, list[SourcePacket]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        header = SectionHeader(
            0,
            context.name,
            bytes(context.extradata or b""),
            context.width,
            context.height,
            Fraction(stream.time_base),
        )
        packets = [
            SourcePacket(0, bytes(p), p.pts, p.dts, p.is_keyframe, float(p.pts * p.time_base))
            for p in container.demux(stream)
            if p.size
        ]
    return header, packets


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"bf": "3"}),
        # With start codes, as from a network.
        ("a.ts", "libx264", "yuv420p", {"bf": "3"}),
        ("b.ts", "libx265", "yuv420p", {"x265-params": "log-level=none"}),
        ("a.avi", "mjpeg", "yuvj420p", {}),
        ("b.mp4", "mpeg4", "yuv420p", {}),
        ("a.webm", "libvpx-vp9", "yuv420p", {}),
    ],
)
def test_packets_are_kept_as_they_came(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, options: dict[str, str]
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this build of PyAV has no {codec}")
    encoded(tmp_path / name, codec, pix_fmt, options)
    header, packets = packets_of(tmp_path / name)
    assert can_write(header)
    path = tmp_path / "kept.mkv"
    writer = MatroskaWriter(path, header)
    offset_us = microseconds(packets[0].dts, header)
    for number, packet in enumerate(packets, start=1):
        writer.write(packet, offset_us)
        # Whole at once: nothing waits in a buffer.
        assert path.stat().st_size == writer.num_bytes
        if number == 10:
            assert len(packets_of(path)[1]) == 10
    writer.close()
    ours, theirs = decoded(path), decoded(tmp_path / name)
    assert [time_us + offset_us for time_us, _ in ours] == [time_us for time_us, _ in theirs]
    for (_, mine), (_, other) in zip(ours, theirs, strict=True):
        assert np.array_equal(mine, other)


def test_frames_are_kept_without_loss(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 256, (37, 51, 3), dtype=np.uint8) for _ in range(5)]
    encoder = FrameEncoder(0, 51, 37)
    writer = MatroskaWriter(tmp_path / "frames.mkv", encoder.header)
    for number, pixels in enumerate(frames):
        for packet in encoder.packets(pixels, number / 3):
            writer.write(packet, 0)
    writer.close()
    found = decoded(tmp_path / "frames.mkv")
    assert [time_us for time_us, _ in found] == [round(n / 3 * 1e6) for n in range(5)]
    for (_, mine), pixels in zip(found, frames, strict=True):
        assert np.array_equal(mine, pixels)


def filled(recorder: Recorder, num_copies: int) -> None:
    """The clip's packets and frames, several times."""
    header, packets = packets_of(demo_clip())
    frames = clip_frames()
    for copy in range(num_copies):
        recorder.begin(SectionHeader(copy, *_rest(header)))
        for packet in packets:
            recorder.packet(SourcePacket(copy, *_rest(packet)))
        for number, pixels in enumerate(frames):
            taken = TakenFrame(10.0 * copy + number / 8, None, "file", pixels, copy, 2000 * number)
            recorder.frame(46 * copy + number, taken)
            recorder.fact(Frame(46 * copy + number, taken.time_s))


def _rest(thing: Any) -> list[Any]:
    return list(vars(thing).values())[1:]


def test_a_recording_says_which_frames_were_looked_at(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "door", HEADER, Retention())
    filled(recorder, 2)
    recorder.notice(CaptureNotice("clock", 3.0, "x" * 5000))
    recorder.drops("age", 7, 3.0)
    recorder.close()
    recorder.close()
    assert recorder.problem is None
    assert recorder.folder.name == "20231114T221320.000Z"
    lines = list(read_capture(recorder.folder / CAPTURE_NAME))
    sections = [line for line in lines if isinstance(line, SectionLine)]
    assert [(each.section, each.kind, each.file, each.codec) for each in sections] == [
        (0, "packets", "0000.mkv", "h264"),
        (1, "packets", "0001.mkv", "h264"),
    ]
    frames = [line for line in lines if isinstance(line, FrameLine)]
    assert [line.frame_idx for line in frames] == list(range(92))
    assert lines[-2:] == [NoticeLine("clock", 3.0, "x" * 4096), DropsLine("age", 7, 3.0)]
    assert frames[0].crc32 == crc32_of(clip_frames()[0])
    sizes = sum(path.stat().st_size for path in recorder.folder.iterdir())
    assert recorder.num_bytes == sizes - (recorder.folder / "recording.json").stat().st_size


def test_the_oldest_packets_go_first_and_the_log_stays(tmp_path: Path) -> None:
    folder = tmp_path / "door"
    old = Recorder(folder, HEADER, Retention())
    filled(old, 3)
    old.close()
    retention = Retention(max_bytes=1 << 20)
    recorder = Recorder(folder, HEADER, retention)
    filled(recorder, 60)
    recorder.close()
    assert recorder.problem is None
    # A recording that is over and has no packets any more is gone.
    assert not old.folder.exists()
    kept = sorted(path.name for path in recorder.folder.glob("*.mkv"))
    assert kept[-1] == "0059.mkv" and kept[0] > "0010.mkv"
    assert sum(path.stat().st_size for path in recorder.folder.iterdir()) < 1.1 * (1 << 20)
    lines = [line for line in read_capture(recorder.folder / CAPTURE_NAME)]
    assert sum(isinstance(line, FrameLine) for line in lines) == 60 * 46


def test_packets_that_are_too_old_go(tmp_path: Path) -> None:
    folder = tmp_path / "door"
    recorder = Recorder(folder, HEADER, Retention())
    filled(recorder, 3)
    recorder.close()
    for name, age_s in (("0000.mkv", 1000.0), ("0001.mkv", 100.0)):
        then_s = time.time() - age_s
        os.utime(recorder.folder / name, (then_s, then_s))
    Retention(max_age_s=500.0).apply(folder, None, time.time())
    assert sorted(path.name for path in recorder.folder.glob("*.mkv")) == ["0001.mkv", "0002.mkv"]
    Retention(max_age_s=50.0).apply(folder, recorder.folder, time.time() + 1000.0)
    # The last one of a recording under way is being written.
    assert sorted(path.name for path in recorder.folder.glob("*.mkv")) == ["0002.mkv"]
    Retention(max_age_s=50.0).apply(folder, None, time.time() + 1000.0)
    assert not recorder.folder.exists() and folder.is_dir()


def test_foreign_folders_are_never_removed(tmp_path: Path) -> None:
    other = tmp_path / "door" / "holiday"
    other.mkdir(parents=True)
    (other / "recording.json").write_text("{}")
    (other / "beach.mkv").write_bytes(bytes(4 << 20))
    Retention(max_bytes=1 << 20, max_age_s=1.0).apply(tmp_path / "door", None, time.time() + 1e6)
    assert (other / "beach.mkv").exists()


def test_a_write_that_fails_leaves_whole_lines_and_packets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LineFile(tmp_path / "lines.jsonl")
    file.write("one\n")
    real = file._file

    class Full:
        """Takes half of what it is given, then nothing."""

        closed = False

        def write(self, content: bytes) -> int:
            if len(content) < 6:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real.write(content[:5])

        def truncate(self, size: int) -> None:
            real.truncate(size)

    monkeypatch.setattr(file, "_file", Full())
    with pytest.raises(OSError, match="No space left"):
        file.write("two and more\n")
    real.close()
    assert (tmp_path / "lines.jsonl").read_text() == "one\n"


def test_a_recording_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected to write"):
        Recorder(tmp_path / "file" / "door", HEADER, Retention())


def test_names_of_recordings_are_in_the_order_of_time(tmp_path: Path) -> None:
    first = new_name(1_700_000_000.1234, tmp_path)
    assert first == "20231114T221320.123Z"
    (tmp_path / first).mkdir()
    assert new_name(1_700_000_000.1234, tmp_path) == "20231114T221320.124Z"


def test_lines_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / CAPTURE_NAME
    for text, message in (
        ('{"what":"frame"}\n', "expected this key"),
        ('{"what":"other"}\n', "what: expected one of section, frame, notice, drops"),
        ("[]\n", "line 1"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=message):
            list(read_capture(path))
    path.write_text('{"what":"fra', encoding="utf-8")
    assert list(read_capture(path)) == []


class _SmallParts(Retention):
    """Many files of packets, and nothing is removed."""

    @property
    def part_bytes(self) -> int:
        return 500


@pytest.mark.parametrize("b_frames", [0, 3])
def test_a_section_of_several_files_is_decoded_as_one(tmp_path: Path, b_frames: int) -> None:
    clip = write_video(
        tmp_path / "clip.mp4", [40 * n for n in range(100)], gop=10, b_frames=b_frames
    )
    header, packets = packets_of(clip)
    frames = decoded(clip)
    recorder = Recorder(tmp_path / "door", HEADER, _SmallParts())
    recorder.begin(header)
    for packet in packets:
        recorder.packet(packet)
    looked_at = range(0, 100, 7)
    for frame_idx, number in enumerate(looked_at):
        time_us, pixels = frames[number]
        pts = round(Fraction(time_us, 1_000_000) / header.time_base)
        taken = TakenFrame(time_us / 1e6, None, "file", pixels, 0, pts)
        recorder.frame(frame_idx, taken)
    recorder.close()
    assert recorder.problem is None
    assert len(list(recorder.folder.glob("*.mkv"))) > 4
    found = list(RecordedFrames(recorder.folder))
    assert [each.frame_idx for each in found] == list(range(len(looked_at)))
    assert all(each.is_same for each in found)


def test_a_file_in_place_of_a_recording_is_said(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(InputError, match="expected the folder of a recording, found a file"):
        the_recording(tmp_path / "clip.mp4")
    with pytest.raises(InputError, match="expected the folder of a recording, found nothing"):
        the_recording(tmp_path / "gone")
