"""Ordinary files that players read and this library refused: frames and times are ffprobe's."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import decoded_in_order
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile, open_source

MEDIA = Path(__file__).parent.parent / "data" / "media"


def assert_random_access_equals_decoding(path: Path, expected: list[np.ndarray]) -> None:
    source = open_source(path)
    assert len(source.timestamps_s) == len(expected)
    every = list(source.frames(range(len(expected))))
    assert all(np.array_equal(a, b) for a, b in zip(every, expected, strict=True))
    for idx in (len(expected) - 1, len(expected) // 2, 1):
        frame = next(iter(source.frames([idx])))
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx}")
    sparse = range(0, len(expected), 9)
    for idx, frame in zip(sparse, source.frames(sparse), strict=True):
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx} of sparse ones")


@pytest.mark.parametrize(
    ("name", "num", "end_s"), [("trim_copy.mp4", 67, 2.64), ("trim_copy2.mov", 47, 1.84)]
)
def test_lossless_trim_hides_leading_frames(name: str, num: int, end_s: float) -> None:
    source = open_source(MEDIA / name)
    assert_close(source.timestamps_s, np.arange(num) / 25, max_abs=1e-12, max_rel=1.0)
    assert source.timestamps_s[-1] == end_s
    assert_random_access_equals_decoding(MEDIA / name, decoded_in_order(MEDIA / name))


def test_b_frames_written_with_decoding_times_come_in_display_order() -> None:
    path = MEDIA / "naive_b.mp4"
    source = open_source(path)
    assert_close(source.timestamps_s, np.arange(100) / 25, max_abs=1e-12, max_rel=1.0)
    assert_random_access_equals_decoding(path, decoded_in_order(path))


def test_thumbnail_before_the_video_is_not_the_video() -> None:
    path = MEDIA / "thumb_first.mp4"
    source = open_source(path)
    assert (source.height, source.width, len(source.timestamps_s)) == (240, 320, 100)
    thumbnail = open_source(path, options=SourceOptions(stream=0))
    assert (thumbnail.height, thumbnail.width, len(thumbnail.timestamps_s)) == (120, 160, 1)
    with pytest.raises(
        InputError, match=r"streams \(0: mjpeg 120 x 160 px, 1: h264 240 x 320 px\)"
    ):
        open_source(path, options=SourceOptions(stream=2))


def test_default_track_is_read() -> None:
    path = MEDIA / "twovid.mkv"
    source = open_source(path)
    assert (source.height, source.width, len(source.timestamps_s)) == (240, 320, 100)
    first = open_source(path, options=SourceOptions(stream=0))
    assert (first.height, first.width, len(first.timestamps_s)) == (120, 160, 20)
    frame = next(iter(first.frames([3])))
    assert_close(frame, decoded_in_order(path)[3], EXACT, where="frame of stream 0")


@pytest.mark.parametrize(("name", "num"), [("mediarecorder_equal.webm", 11), ("fast1500.mkv", 300)])
def test_frames_that_share_a_rounded_time_are_all_kept(name: str, num: int) -> None:
    path = MEDIA / name
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    clip = Clip(open_source(path))
    assert len(clip.frame_idxs) == num
    assert (np.diff(clip.timestamps_s) == 0).any() and (np.diff(clip.timestamps_s) >= 0).all()
    assert_close(clip.timestamps_s, np.array(times), max_abs=1e-12, max_rel=1.0)
    assert clip.time_of(0.0) == 0.0 and clip.time_of(1.0) == times[-1]
    assert_random_access_equals_decoding(path, decoded_in_order(path))


def test_part_of_one_size_is_read_and_a_change_refused_with_its_time() -> None:
    path = MEDIA / "webrtc_change.webm"
    before, after = Clip(open_source(path), end_s=1.1), Clip(open_source(path), start_s=1.5)
    assert (before.height, before.width) == (240, 320)
    assert before.read(before.frame_idxs[-2:]).shape == (2, 240, 320, 3)
    assert (after.height, after.width) == (480, 640)
    assert after.read(after.frame_idxs).shape == (len(after.frame_idxs), 480, 640, 3)
    for bounds in ({}, {"start_s": 1.0}, {"end_s": 2.0}):
        with pytest.raises(InputError, match=r"240 x 320 px throughout, from 1\.200 s on"):
            Clip(open_source(path), **bounds)


def test_damaged_tail_is_left_out_and_said() -> None:
    path = MEDIA / "h264_tail.ts"
    with pytest.warns(DamagedVideoWarning, match=r"the frame at 4\.480 s is damaged"):
        clip = Clip(open_source(path))
    assert clip.damage == ("the frame at 4.480 s is damaged and left out",)
    assert_close(clip.timestamps_s, 1.48 + np.arange(75) / 25, max_abs=1e-9, max_rel=1.0)
    expected = decoded_in_order(path)[:75]
    frames = clip.read(clip.frame_idxs)
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))
    with pytest.raises(
        InputError, match=r"h264_tail\.ts: expected a whole file: the frame at 4\.48"
    ):
        VideoFile(path, SourceOptions(strict=True))


@pytest.mark.parametrize("scale", [2, 0])
def test_scaled_or_empty_display_matrix_is_played_as_it_is(tmp_path: Path, scale: int) -> None:
    path = MEDIA / "matrix_scale2.mp4"
    if scale == 0:
        raw = path.read_bytes()
        matrix = (2 << 16).to_bytes(4, "big") + bytes(12) + (2 << 16).to_bytes(4, "big")
        at = raw.rindex(matrix)
        path = tmp_path / "matrix_zero.mp4"
        path.write_bytes(raw[:at] + bytes(len(matrix)) + raw[at + len(matrix) :])
    source = open_source(path)
    assert (source.height, source.width, len(source.timestamps_s)) == (240, 320, 100)
    assert_random_access_equals_decoding(path, decoded_in_order(path))


def test_shape_of_pixels_is_known() -> None:
    clip = Clip(open_source(MEDIA / "sar2.mp4"))
    assert (clip.height, clip.width, clip.pixel_aspect) == (240, 360, 2)
    assert Clip(open_source(MEDIA / "naive_b.mp4")).pixel_aspect == 1


def test_animated_webp_is_a_clip_with_its_own_times() -> None:
    clip = Clip(open_source(MEDIA / "anim.webp"))
    assert not clip.is_image
    assert (clip.height, clip.width) == (96, 128)
    assert_close(clip.timestamps_s, np.arange(6) / 10, max_abs=1e-12, max_rel=1.0)
    frames = clip.read([5, 0, 3, 3])
    assert np.array_equal(frames[2], frames[3])
    assert not np.array_equal(frames[0], frames[1])
