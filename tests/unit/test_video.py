"""Video files: exact times, random access equal to plain decoding, and clear refusals."""

from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import (
    decoded_in_order,
    numbered_frame,
    uneven_times_ms,
    write_video,
)
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile, open_source

EVEN_MS = list(range(0, 60 * 40, 40))
STRICT = SourceOptions(strict=True)
OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"}


def assert_reads_equal_decoding(path: Path, num_frames: int) -> None:
    expected = decoded_in_order(path)
    source = open_source(path)
    assert len(source.timestamps_s) == len(expected) == num_frames
    for idx in (*range(0, num_frames, 7), num_frames - 1):
        assert_close(next(source.frames([idx])), expected[idx], EXACT, where=f"frame {idx}")
    sparse = [0, 1, num_frames // 2, num_frames // 2 + 1, num_frames - 1]
    for idx, frame in zip(sparse, source.frames(sparse), strict=True):
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx} of sparse indices")
    every = list(source.frames(range(num_frames)))
    assert all(np.array_equal(a, b) for a, b in zip(every, expected, strict=True))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9")]
)
def test_variable_frame_rate_times_are_exact(tmp_path: Path, name: str, codec: str) -> None:
    times_ms = uneven_times_ms(60)
    path = write_video(tmp_path / name, times_ms, codec=codec)
    source = open_source(path)
    assert_close(source.timestamps_s, np.array(times_ms) / 1000, EXACT, where="times")
    assert_reads_equal_decoding(path, 60)
    assert np.abs(next(source.frames([30])).astype(int) - numbered_frame(30)).mean() < 8


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.ts", "b.avi", "b.mov"])
def test_random_access_with_b_frames(tmp_path: Path, name: str) -> None:
    assert_reads_equal_decoding(write_video(tmp_path / name, EVEN_MS), 60)


def test_random_access_with_open_groups_of_pictures(tmp_path: Path) -> None:
    path = write_video(tmp_path / "open.mp4", EVEN_MS, options=OPEN_GOP, b_frames=3)
    assert_reads_equal_decoding(path, 60)


def test_random_access_with_hidden_frames(tmp_path: Path) -> None:
    options = {"auto-alt-ref": "1", "lag-in-frames": "16"}
    path = tmp_path / "vp8.webm"
    write_video(path, EVEN_MS, codec="libvpx", options=options, b_frames=None)
    assert_reads_equal_decoding(path, 60)


def test_avi_counts_frames_instead_of_believing_its_header(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", EVEN_MS, codec="mpeg4")
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames != 60
    source = open_source(path)
    assert_close(np.diff(source.timestamps_s), np.full(59, 0.04), max_abs=1e-9, max_rel=1.0)
    assert_reads_equal_decoding(path, 60)


@pytest.mark.parametrize(
    ("codec", "b_frames"), [("libx264", 2), ("libx264", 0), ("mpeg4", 2), ("mjpeg", None)]
)
def test_avi_frames_have_the_times_of_its_slots(
    tmp_path: Path, codec: str, b_frames: int | None
) -> None:
    """FFmpeg guesses presentation times, one frame late where frames are reordered."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    # Cuts and motion, so that the encoder does reorder.
    options = {"x264-params": "b-adapt=0:scenecut=0"} if codec == "libx264" else None
    path = tmp_path / "a.avi"
    write_video(path, EVEN_MS, codec=codec, pixels=pixels, b_frames=b_frames, options=options)
    source = open_source(path)
    assert_close(source.timestamps_s, np.array(EVEN_MS) / 1000, max_abs=1e-9, max_rel=1.0)
    assert_reads_equal_decoding(path, 60)
    assert np.abs(next(source.frames([7])).astype(int) - numbered_frame(7)).mean() < 16


@pytest.mark.parametrize("name", ["r.mp4", "r.ts", "r.mkv"])
def test_recording_that_refreshes_gradually_is_read_from_where_decoding_holds(
    tmp_path: Path, name: str
) -> None:
    """Its keys are points from which the picture recovers many frames later."""
    options = {"x264-params": "intra-refresh=1:keyint=40:bframes=2"}
    times_ms = list(range(0, 150 * 40, 40))
    path = write_video(tmp_path / name, times_ms, options=options, gop=40, height=96, width=160)
    assert_reads_equal_decoding(path, 150)
    expected = decoded_in_order(path)
    source = open_source(path)
    for idx in (41, 47, 56, 63, 85, 149):
        assert_close(next(source.frames([idx])), expected[idx], EXACT, where=f"frame {idx}")


def test_decoded_frames_live_no_longer_than_they_are_used(tmp_path: Path) -> None:
    """Neither decoder nor converter nor a frame waits for the garbage collector."""
    path = write_video(tmp_path / "a.mp4", EVEN_MS, height=240, width=320)
    gc.collect()
    gc.disable()
    try:
        num_threads = len(list(Path("/proc/self/task").iterdir()))
        for _ in range(3):
            source = open_source(path)
            assert sum(1 for _ in source.frames(range(60))) == 60
            next(source.frames([30]))
        frames = [each for each in gc.get_objects() if type(each) is av.VideoFrame]
        sizes = [(frame.width, frame.height) for frame in frames]
        assert all(size == (16, 16) for size in sizes), sizes
        assert len(list(Path("/proc/self/task").iterdir())) <= num_threads
    finally:
        gc.enable()


def test_stream_that_begins_inside_a_group_of_pictures(tmp_path: Path) -> None:
    """Frames that never decode are no frames of the source."""
    path = write_video(tmp_path / "whole.ts", EVEN_MS, gop=20)
    raw = path.read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(raw[188 * (len(raw) // 188 // 6) :])
    expected = decoded_in_order(cut)
    source = open_source(cut)
    assert 0 < len(source.timestamps_s) == len(expected) < 60
    assert_close(next(source.frames([5])), expected[5], EXACT, where="frame 5")


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_video(tmp_path / "odd.mp4", EVEN_MS[:9], height=51, width=67, pixels="yuv444p")
    source = open_source(path)
    assert (source.height, source.width) == (51, 67)
    assert_reads_equal_decoding(path, 9)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, degrees: int) -> None:
    plain = write_video(tmp_path / "plain.mp4", EVEN_MS[:5])
    turned = tmp_path / "turned.mp4"
    raw = plain.read_bytes()
    identity = matrix_bytes(1, 0, 0, 1)
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    # The last matrix is the track's, after the movie's own.
    at = raw.rindex(identity)
    turned.write_bytes(raw[:at] + matrix_bytes(*matrices[degrees]) + raw[at + len(identity) :])
    source = open_source(turned)
    # The matrices turn clockwise, rot90 turns the other way.
    expected = np.rot90(decoded_in_order(plain)[3], -degrees // 90)
    assert (source.height, source.width) == expected.shape[:2]
    assert_close(next(source.frames([3])), np.ascontiguousarray(expected), EXACT, where="turned")


def test_mirroring_is_applied(tmp_path: Path) -> None:
    plain = write_video(tmp_path / "plain.mp4", EVEN_MS[:5])
    raw = plain.read_bytes()
    identity = matrix_bytes(1, 0, 0, 1)
    at = raw.rindex(identity)
    mirrored = tmp_path / "mirrored.mp4"
    mirrored.write_bytes(raw[:at] + matrix_bytes(-1, 0, 0, 1) + raw[at + len(identity) :])
    expected = np.ascontiguousarray(decoded_in_order(plain)[3][:, ::-1])
    assert_close(next(open_source(mirrored).frames([3])), expected, EXACT, where="mirrored")


def matrix_bytes(a: int, b: int, c: int, d: int) -> bytes:
    values = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    return b"".join(value.to_bytes(4, "big", signed=True) for value in values)


def test_gif_keeps_its_own_durations(tmp_path: Path) -> None:
    from PIL import Image

    pictures = [Image.fromarray(numbered_frame(number * 9)) for number in range(6)]
    path = tmp_path / "a.gif"
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=[50, 100, 30, 200, 40, 70]
    )
    source = open_source(path)
    expected = np.array([0.0, 0.05, 0.15, 0.18, 0.38, 0.42])
    assert_close(source.timestamps_s, expected, max_abs=1e-12, max_rel=1.0, where="gif times")
    assert np.abs(next(source.frames([4])).astype(int) - numbered_frame(36)).max() <= 8
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cut off"):
        open_source(path, options=STRICT)
    with pytest.warns(DamagedVideoWarning, match="cut off"):
        cut = open_source(path)
    assert_close(cut.timestamps_s, expected[:5], max_abs=1e-12, max_rel=1.0, where="gif times")


def test_long_reads_stay_small(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS)
    clip = Clip(open_source(path))
    expected = decoded_in_order(path)
    sizes, seen = [], []
    for idxs, frames in clip.chunks(clip.frame_idxs, 16):
        sizes.append(len(idxs))
        seen += list(idxs)
        assert all(np.array_equal(f, expected[i]) for i, f in zip(idxs, frames, strict=True))
    assert sizes == [16, 16, 16, 12] and seen == list(range(60))


@pytest.mark.parametrize("name", ["t.mp4", "t.mkv", "t.avi"])
def test_truncated_file_keeps_what_is_whole_or_is_refused_with_its_name(
    tmp_path: Path, name: str
) -> None:
    options = {"movflags": "faststart"} if name == "t.mp4" else None
    path = write_video(tmp_path / name, EVEN_MS, container_options=options)
    raw = path.read_bytes()
    expected = list(VideoFile(path).frames(range(60)))
    path.write_bytes(raw[: len(raw) * 6 // 10])
    with pytest.raises(InputError, match=rf"{name}: expected a whole file: .*(frame|bytes)"):
        open_source(path, options=STRICT)
    with pytest.warns(DamagedVideoWarning, match=rf"{name}: expected .*cut off"):
        source = VideoFile(path)
    num_whole = len(source.timestamps_s)
    assert num_whole > 10
    assert_close(source.timestamps_s, np.arange(num_whole) * 0.04, max_abs=1e-9, max_rel=1.0)
    whole = zip(source.frames(range(num_whole)), expected[:num_whole], strict=True)
    assert all(np.array_equal(frame, same) for frame, same in whole)


def test_file_that_lost_its_index_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"a\.mp4: .*FFmpeg cannot open it"):
        open_source(path)


def test_damage_inside_is_reported_with_the_frames_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS, container_options={"movflags": "faststart"})
    raw = bytearray(path.read_bytes())
    for at in range(len(raw) * 8 // 10, len(raw) * 8 // 10 + 60):
        raw[at] ^= 0xFF
    path.write_bytes(raw)
    clip = Clip(open_source(path))
    with pytest.raises(InputError, match=r"a\.mp4: expected whole frames, the one at \d\.\d+ s"):
        clip.read(clip.frame_idxs)


def test_refusals_have_their_own_messages(tmp_path: Path) -> None:
    cases = {
        "missing.mp4": (None, "found nothing there"),
        "empty.mp4": (b"", "an empty file"),
        "text.mp4": (b"no video at all" * 99, "FFmpeg cannot open it"),
        "notes.txt": (b"hello", "FFmpeg cannot open it"),
        "list.txt": (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "a format that is read"),
        "nosuffix": (b"x", "FFmpeg cannot open it"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name) as caught:
            open_source(tmp_path / name)
        assert message in str(caught.value)
    with pytest.raises(InputError, match="got int"):
        open_source(3)  # type: ignore[arg-type]


def test_file_without_video_and_without_frames(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match=r"sound\.mp4: expected a video stream, found none"):
        open_source(sound)
    empty = tmp_path / "empty.avi"
    with av.open(str(empty), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(InputError, match=r"empty\.avi: expected one frame or more, found none"):
        open_source(empty)


def test_size_that_changes_inside_is_refused(tmp_path: Path) -> None:
    both = tmp_path / "both.ts"
    with av.open(str(both), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for first, height, width in ((0, 64, 96), (20, 48, 64)):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.max_b_frames = Fraction(1, 25), 0
            pictures = [
                av.VideoFrame.from_ndarray(numbered_frame(n, height, width), "rgb24")
                for n in range(first, first + 20)
            ]
            for number, picture in enumerate([*pictures, None], start=first):
                if picture is not None:
                    picture.pts, picture.time_base = number, Fraction(1, 25)
                for packet in encoder.encode(picture):
                    packet.stream = stream
                    container.mux(packet)
    message = r"64 x 96 px throughout, from 0\.800 s on \(frame 20\) they have 48 x 64"
    with pytest.raises(InputError, match=message):
        Clip(open_source(both))
    part = Clip(open_source(both), start_s=0.8)
    assert part.read(part.frame_idxs).shape == (20, 48, 64, 3)


def test_file_takes_no_times_from_the_caller(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS[:3])
    with pytest.raises(InputError, match="times of its own"):
        open_source(path, fps=25)
