"""Saved answers: what is in the files, and what is refused."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.unit.drawn_answers import drawn_answer, drawn_clip, drawn_image
from ufvideo_sdk.errors import CapacityError, DeviceError, InputError
from ufvideo_sdk.render.draw import object_colour
from ufvideo_sdk.render.save import save_answer
from ufvideo_sdk.render.timeline import SPAN_COLOUR
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

CODEC_ERROR = 30
"""Levels of 255 that lossy coding may move a flat colour by."""


def _read_video(path: Path) -> tuple[list[float], list[NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = list(container.decode(stream))
        return [float(f.time) for f in frames], [f.to_ndarray(format="rgb24") for f in frames]


def _num_of_colour(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    distance = np.abs(picture.astype(np.int64) - np.array(colour)).max(axis=-1)
    return int(np.count_nonzero(distance <= CODEC_ERROR))


def test_video_keeps_uneven_times(tmp_path: Path) -> None:
    clip = drawn_clip(start_s=10.5)
    drawn_answer(clip).save(tmp_path / "answer.mp4")
    times_s, frames = _read_video(tmp_path / "answer.mp4")
    expected = clip.timestamps_s - clip.timestamps_s[0]
    assert len(set(np.diff(expected).round(6))) > 1, "the clip must have a variable frame rate"
    assert np.abs(np.array(times_s) - expected).max() < 1 / 90_000
    assert len(frames) == len(clip.frame_idxs)


MEDIA = Path(__file__).parent.parent / "data" / "media"


def test_pixels_keep_their_shape(tmp_path: Path) -> None:
    drawn_answer(Clip(open_source(MEDIA / "sar2.mp4"))).save(tmp_path / "wide.mp4")
    drawn_answer(drawn_clip()).save(tmp_path / "square.mp4")
    for name, aspect in (("wide.mp4", 2), ("square.mp4", 1)):
        with av.open(str(tmp_path / name)) as container:
            assert (container.streams.video[0].sample_aspect_ratio or 1) == aspect


def test_frames_that_share_a_time_are_all_written_in_order(tmp_path: Path) -> None:
    clip = Clip(open_source(MEDIA / "mediarecorder_equal.webm"))
    drawn_answer(clip, mask_every=5).save(tmp_path / "answer.mp4")
    times_s, frames = _read_video(tmp_path / "answer.mp4")
    assert len(frames) == 11 and (np.diff(times_s) > 0).all()
    assert np.abs(np.array(times_s) - clip.timestamps_s).max() < 2 / 90_000


def test_relative_name_with_a_colon_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for suffix in (".mp4", ".png", ".json"):
        drawn_answer(drawn_clip(3)).save(f"12:30:05{suffix}")
        assert (tmp_path / f"12:30:05{suffix}").stat().st_size > 0


def test_name_that_is_no_utf_8_is_saved_as_valid_json(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9"))
    folder.mkdir()
    source = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.mp4"))
    source.write_bytes((MEDIA / "sar2.mp4").read_bytes())
    answer = drawn_answer(Clip(open_source(source)))
    json.loads(answer.to_json().encode("utf-8"))
    for suffix in (b".json", b".mp4", b".png"):
        target = Path(os.fsdecode(os.fsencode(folder) + b"/answ\xe9r" + suffix))
        answer.save(target)
        assert target.stat().st_size > 0
    saved = Path(os.fsdecode(os.fsencode(folder) + b"/answ\xe9r.json")).read_text("utf-8")
    assert json.loads(saved)["clip"]["name"] == "caf\ufffd.mp4"


def test_masks_are_on_their_frames_only(tmp_path: Path) -> None:
    # As wide as the smallest canvas: the picture is not enlarged.
    clip = drawn_clip(9, height=240, width=480)
    answer = drawn_answer(clip, mask_every=4)
    answer.save(tmp_path / "answer.mp4")
    _, frames = _read_video(tmp_path / "answer.mp4")
    colour = np.array(object_colour(0))
    for idx, picture in zip(clip.frame_idxs, frames, strict=True):
        source = clip.read([int(idx)])[0]
        if idx % 4:
            error = np.abs(picture[:240].astype(int) - source.astype(int))
            assert np.median(error) <= 3 and error.mean() < 5, f"frame {idx} is painted on"
            continue
        row = list(answer.masks[0].frame_idxs).index(idx)
        rows, columns = np.nonzero(answer.masks[0].masks[row])
        centre = (rows[len(rows) // 2], int(np.median(columns)))
        blend = source[centre] * 0.55 + colour * 0.45
        assert np.abs(picture[centre].astype(int) - blend).max() <= CODEC_ERROR
        assert np.abs(picture[5, 470].astype(int) - source[5, 470]).max() <= CODEC_ERROR


def test_time_line_marks_spans_and_position(tmp_path: Path) -> None:
    clip = drawn_clip(13, height=240, width=480)
    answer = drawn_answer(clip, num_objects=0, spans=[TimeSpan(10.0, 11.75)], text="", question="?")
    answer.save(tmp_path / "answer.mp4")
    times_s, frames = _read_video(tmp_path / "answer.mp4")
    duration_s = float(clip.timestamps_s[-1] - clip.timestamps_s[0])
    covered = []
    for time_s, picture in zip(times_s, frames, strict=True):
        strip = picture[240:300]
        amber = np.abs(strip.astype(int) - np.array(SPAN_COLOUR)).max(axis=-1) <= CODEC_ERROR
        bar = strip[int(np.argmax(amber.sum(axis=1)))]
        columns = np.flatnonzero(bar.min(axis=-1) > 150)
        position = (np.median(columns) - 15) / 450
        assert position == pytest.approx(time_s / duration_s, abs=0.01)
        covered.append(int(amber.sum(axis=1).max()))
    assert max(covered) / 450 == pytest.approx(1.75 / duration_s, abs=0.02)


@pytest.mark.parametrize(
    "size", [(90, 120), (101, 77), (640, 360), (20, 600), (600, 21), (1, 1), (1, 600), (601, 1)]
)
@pytest.mark.parametrize("num_objects", [0, 1, 9])
def test_every_size_is_saved(tmp_path: Path, size: tuple[int, int], num_objects: int) -> None:
    clip = drawn_clip(3, height=size[0], width=size[1])
    answer = drawn_answer(clip, num_objects=num_objects, mask_every=1, text="words " * 500)
    answer.save(tmp_path / "answer.mp4")
    _, frames = _read_video(tmp_path / "answer.mp4")
    height, width = frames[0].shape[:2]
    assert height % 2 == 0 and width % 2 == 0
    assert width >= max(480, size[1]) and height > size[0]
    answer.save(tmp_path / "answer.png")
    with Image.open(tmp_path / "answer.png") as sheet:
        assert sheet.mode == "RGB"
        assert sheet.width >= 640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["answer.mp4", "answer.png"]


@pytest.mark.parametrize("size", [(16, 16_386), (16_386, 16)])
def test_pictures_beyond_the_codec_are_refused_with_advice(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    answer = drawn_answer(drawn_clip(2, height=size[0], width=size[1]), mask_every=1)
    expected = r"expected at most 16384 px a side for an \.mp4, got .*; save a \.png or \.json"
    with pytest.raises(InputError, match=expected):
        answer.save(tmp_path / "answer.mp4")
    assert list(tmp_path.iterdir()) == []
    answer.save(tmp_path / "answer.png")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (errno.ENOSPC, CapacityError, r"expected room for .*answer\.mp4"),
        (errno.EINVAL, InputError, r"encode .*answer\.mp4 as H\.264, FFmpeg says: .*\.png"),
    ],
)
def test_what_ffmpeg_refuses_is_an_error_of_ours(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: int,
    kind: type[Exception],
    message: str,
) -> None:
    def fail(*_: object) -> None:
        av.error.err_check(-error)

    monkeypatch.setattr("ufvideo_sdk.render.save.H264File.write", fail)
    with pytest.raises(kind, match=message):
        drawn_answer().save(tmp_path / "answer.mp4")
    assert list(tmp_path.iterdir()) == []


def test_contact_sheet_shows_masks_and_spans(tmp_path: Path) -> None:
    drawn_answer(num_objects=2).save(tmp_path / "with.png")
    drawn_answer(num_objects=0, spans=()).save(tmp_path / "without.png")
    pictures = {
        name: np.array(Image.open(tmp_path / f"{name}.png")) for name in ("with", "without")
    }
    for colour in (object_colour(0), object_colour(1), SPAN_COLOUR):
        assert _num_of_colour(pictures["with"], colour) > 200
        assert _num_of_colour(pictures["without"], colour) < 50


def test_images_have_no_video(tmp_path: Path) -> None:
    answer = drawn_answer(drawn_image(), spans=(), mask_every=1)
    with pytest.raises(InputError, match=r"expected \.png or \.json for an answer about an image"):
        answer.save(tmp_path / "answer.mp4")
    answer.save(tmp_path / "answer.png")
    assert [p.name for p in tmp_path.iterdir()] == ["answer.png"]


def test_progress_counts_frames(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    answer = drawn_answer(drawn_clip(4))
    save_answer(answer, tmp_path / "a.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("answer.avi", r"ending in \.mp4, \.png, \.json, got .*answer\.avi"),
        ("answer", "ending in"),
        ("missing/answer.png", "expected a folder that exists, got .*missing"),
        ("folder.png", "expected a file name, got the folder"),
        ("file.json/answer.png", "expected a folder that exists"),
    ],
)
def test_refuses_paths(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.json").touch()
    with pytest.raises(InputError, match=message):
        drawn_answer().save(tmp_path / name)


def test_refuses_folders_that_cannot_be_written() -> None:
    with pytest.raises(InputError, match=r"/proc"):
        drawn_answer().save("/proc/answer.json")


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), CapacityError),
        (OSError(errno.EIO, "Input/output error"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_the_older_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: BaseException,
    kind: type[BaseException],
) -> None:
    def fail(_: object) -> None:
        raise problem

    path = tmp_path / "answer.png"
    path.write_text("older")
    monkeypatch.setattr("ufvideo_sdk.render.save.draw_contact_sheet", fail)
    with pytest.raises(kind) as raised:
        drawn_answer().save(path)
    assert raised.value is problem or "answer.png" in str(raised.value)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["answer.mp4", "answer.png"])
def test_a_failure_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    started: list[Generator[Any, None, None]] = []
    chunks = Clip.chunks

    def kept(*args: Any, **options: Any) -> Generator[Any, None, None]:
        started.append(chunks(*args, **options))
        return started[-1]

    def fail(*_: object) -> None:
        raise InputError("a frame")

    monkeypatch.setattr(Clip, "chunks", kept)
    monkeypatch.setattr("ufvideo_sdk.render.save.FramePainter.paint", fail)
    monkeypatch.setattr("ufvideo_sdk.render.contact_sheet.draw_tile", fail)
    with pytest.raises(InputError, match="a frame"):
        drawn_answer().save(tmp_path / name)
    assert [each.gi_frame for each in started] == [None]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text("older")
    answer = drawn_answer()
    answer.save(path)
    assert path.read_text(encoding="utf-8") == answer.to_json()


def test_a_pyav_without_encoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("av.codecs_available", {"h264"})
    with pytest.raises(DeviceError, match="libx264"):
        drawn_answer().save(tmp_path / "answer.mp4")
    assert list(tmp_path.iterdir()) == []
