"""Sessions about files that are damaged, have several streams, or frames that share a time."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.unit.written_videos import write_video
from ufvideo_sdk import CancellationToken, CancelledError, InputError, RuntimeConfig, UFVideo
from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.cli import app
from ufvideo_sdk.errors import DamagedVideoWarning
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.video.video_file import VideoFile

MEDIA = Path(__file__).parent.parent / "data" / "media"


@pytest.fixture(scope="module")
def nano() -> UFVideo:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    return UFVideo.load()


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Damage in the middle that the container does not show."""
    path = tmp_path_factory.mktemp("flipped") / "flipped.mp4"
    times_ms = list(range(0, 60 * 40, 40))
    write_video(path, times_ms, height=240, width=320, options={"crf": "10"})
    raw = bytearray(path.read_bytes())
    start = len(raw) * 66 // 100
    for at in range(start, start + 60):
        raw[at] ^= 0xFF
    path.write_bytes(raw)
    return path


def test_stream_and_strict_reach_the_file(nano: UFVideo) -> None:
    with nano.open(MEDIA / "thumb_first.mp4") as session:
        assert (session.clip.height, session.clip.width) == (240, 320)
    with nano.open(MEDIA / "thumb_first.mp4", stream=np.int64(0)) as session:
        assert (session.clip.height, session.clip.width) == (120, 160)
    with pytest.raises(InputError, match="h264_tail"):
        nano.open(MEDIA / "h264_tail.ts", strict=True)
    for stream in (True, -1, 1.0, "1"):
        with pytest.raises(InputError, match="stream: expected an integer of 0 or more"):
            nano.open(MEDIA / "thumb_first.mp4", stream=stream)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="strict"):
        nano.open(MEDIA / "thumb_first.mp4", strict=1)  # type: ignore[arg-type]


def test_opening_can_be_cancelled_while_it_looks_for_the_clips_size(
    nano: UFVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = CancellationToken()
    ends: list[int] = []

    def frame_size(_: VideoFile, frame_idx: int) -> tuple[int, int]:
        cancel.cancel()
        check_cancelled()
        ends.append(frame_idx)
        return 240, 320

    monkeypatch.setattr(VideoFile, "frame_size", frame_size)
    with pytest.raises(CancelledError):
        nano.open(MEDIA / "thumb_first.mp4", cancel=cancel)
    assert ends == []


def test_damaged_tail_loses_no_work(nano: UFVideo) -> None:
    with pytest.warns(DamagedVideoWarning, match="left out"):
        session = nano.open(MEDIA / "h264_tail.ts", start_s=4.2)
    with session:
        assert session.clip.damage
        session.segment("the red circle", frames="all")


def test_damage_that_decoding_shows_is_left_out_of_the_sample(
    nano: UFVideo, flipped: Path, tmp_path: Path
) -> None:
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        session = nano.open(flipped)
    with session:
        assert 45 <= len(session.clip.frame_idxs) < 60
        session.save(tmp_path / "session")
        clip = session.clip
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        loaded = nano.load_session(tmp_path / "session", video=flipped)
    assert loaded.clip.timestamps_s.tolist() == clip.timestamps_s.tolist()
    with pytest.raises(InputError, match="expected whole frames"):
        nano.open(flipped, strict=True)


def test_session_of_frames_that_share_a_time_is_saved(nano: UFVideo, tmp_path: Path) -> None:
    path = MEDIA / "mediarecorder_equal.webm"
    with nano.open(path, end_s=0.07) as session:
        assert len(session.clip.frame_idxs) == 4
        session.save(tmp_path / "session")
    loaded = nano.load_session(tmp_path / "session", video=path)
    assert loaded.clip.frame_idxs.tolist() == [0, 1, 2, 3]


def test_frames_are_bounded_by_the_runtime() -> None:
    model = UFVideo.load(runtime=RuntimeConfig(max_frame_pixels=320 * 240 - 1))
    with pytest.raises(InputError, match="max_frame_pixels"):
        model.open(MEDIA / "thumb_first.mp4")


def test_command_line_says_what_is_lost(flipped: Path) -> None:
    package = str(shipped_package())

    def run(*arguments: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return CliRunner().invoke(app, [*arguments, "--package", package])

    result = run("segment", str(MEDIA / "h264_tail.ts"), "the red circle", "--start", "4.3")
    assert result.exit_code == 0, result.stderr
    line = "h264_tail.ts: the frame at 4.480 s is damaged and left out"
    assert result.stderr.splitlines().count(line) == 1
    result = run("segment", str(flipped), "the red circle", "--start", "1.6", "--end", "2.3")
    assert result.exit_code == 0, result.stderr
    assert "damaged" in result.stderr
    result = run("segment", str(MEDIA / "h264_tail.ts"), "the red circle", "--strict")
    assert result.exit_code == 3 and "expected a whole file" in result.stderr
