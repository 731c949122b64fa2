"""Holes in Matroska files, which FFmpeg passes over: they are said, and strict refuses."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order, uneven_times_ms, write_video
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.matroska_tiling import broken_places
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile

EVEN_MS = list(range(0, 60 * 40, 40))
STRICT = SourceOptions(strict=True)
# Several clusters, at the next of which FFmpeg reads on.
CLUSTERS = {"cluster_time_limit": "400"}


def packets_of(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as container:
        return [(int(p.pos or 0), p.size) for p in container.demux(video=0) if p.size]


def with_hole(path: Path, at: int, num_bytes: int) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + num_bytes] = bytes(num_bytes)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(("gop", "number"), [(12, 16), (12, 33), (1, 13)])
def test_frames_that_ffmpeg_passes_over_are_said(tmp_path: Path, gop: int, number: int) -> None:
    path = write_video(tmp_path / "a.mkv", EVEN_MS, gop=gop, container_options=CLUSTERS)
    whole = decoded_in_order(path)
    places = packets_of(path)
    # The end of one frame and the header of the next.
    with_hole(path, places[number][0] + places[number][1], 12)
    with pytest.warns(DamagedVideoWarning, match="the file is broken at byte"):
        source = VideoFile(path)
    times_s = source.timestamps_s
    gap = int(np.diff(times_s).argmax())
    assert len(times_s) < 60 and times_s[gap + 1] - times_s[gap] > 0.05
    assert "may be missing" in source.damage[0] and " between " in source.damage[0]
    # The frame whose end the hole took is found when it is decoded.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        clip, seen = Clip(source), 0
        for idxs, frames in clip.chunks(clip.frame_idxs, skip_damaged=True):
            seen += len(idxs)
            for time_s, frame in zip(times_s[idxs], frames, strict=True):
                assert np.array_equal(frame, whole[round(time_s / 0.04)])
    assert len(times_s) - 12 <= seen <= len(times_s) and "may be missing" in clip.damage[0]
    with pytest.raises(InputError, match=r"a\.mkv: expected a whole file: .* may be missing"):
        VideoFile(path, STRICT)


def test_a_hole_behind_which_nothing_is_read_is_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", EVEN_MS)
    at, size = packets_of(path)[40]
    with_hole(path, at + size, 12)
    with pytest.warns(DamagedVideoWarning, match=r"frames after \d\.\d+ s may be missing"):
        assert len(VideoFile(path).timestamps_s) < 60


@pytest.mark.parametrize("options", [{}, CLUSTERS, {"live": "1"}, {"reserve_index_space": "4096"}])
@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_whole_files_have_no_holes(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    codec = "libx264" if name == "a.mkv" else "libvpx-vp9"
    times_ms = uneven_times_ms(40)
    path = write_video(tmp_path / name, times_ms, codec=codec, container_options=options)
    with path.open("rb") as file:
        assert broken_places(file) == []
    assert VideoFile(path, STRICT).damage == ()


def test_other_formats_have_no_places(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS[:5])
    for raw in (path.read_bytes(), b"", b"\x1a", bytes(100)):
        assert broken_places(io.BytesIO(raw)) == []


def test_noise_behind_the_head_ends(tmp_path: Path) -> None:
    raw = write_video(tmp_path / "a.mkv", EVEN_MS[:5]).read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, 1 << 12, np.uint8).tobytes()
    for cut in (64, len(raw) // 3, len(raw) // 2):
        assert len(broken_places(io.BytesIO(raw[:cut] + noise))) < len(noise)
    assert broken_places(io.BytesIO(raw + bytes(9))) == [len(raw)]
