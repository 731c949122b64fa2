"""Which frames calibrate an encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.clips import draw_frames, write_h264
from ufvideo_export.calibration.drawn_frames import NUM_DRAWN_FRAMES, drawn_frames
from ufvideo_export.calibration.frames import MAX_FRAMES, CalibrationFrames
from ufvideo_sdk.errors import InputError

SIDE = 28


def given(*paths: Path) -> CalibrationFrames:
    return CalibrationFrames(tuple(map(str, paths)))


def write_pictures(folder: Path, *colours: int) -> Path:
    folder.mkdir()
    for number, colour in enumerate(colours):
        # Of sizes that differ, as photographs have them.
        picture = np.full((20 + number, 30, 3), colour, np.uint8)
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    return folder


def levels(frames: CalibrationFrames) -> list[int]:
    return [int(frame.mean().round()) for frame in frames.of_size(SIDE)]


def test_drawn_frames_are_the_same_each_time() -> None:
    first, second = (np.stack(list(drawn_frames(SIDE))) for _ in range(2))
    assert first.shape == (NUM_DRAWN_FRAMES, SIDE, SIDE, 3) and first.dtype == np.uint8
    assert (first == second).all()
    # Dark, bright and everything between, no two alike.
    means = first.mean(axis=(1, 2, 3))
    assert means.min() < 40 and means.max() > 200
    assert len({frame.tobytes() for frame in first}) == NUM_DRAWN_FRAMES
    assert given().summary() == "16 drawn frames"
    assert [frame.shape for frame in given().of_size(SIDE)] == [(1, SIDE, SIDE, 3)] * 16


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", 10, 200, 90)
    (folder / ".hidden").write_text("no picture")
    frames = given(folder)
    assert levels(frames) == [10, 200, 90]
    assert all(frame.shape == (1, SIDE, SIDE, 3) for frame in frames.of_size(SIDE))
    assert frames.summary().startswith("3 given frames, sha256 ")
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(folder / "000.png")
    assert given(folder).summary() != frames.summary() or levels(frames) == [0, 200, 90]


def test_no_more_than_a_few_frames_evenly(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", *range(0, 200, 5))
    found = levels(given(folder))
    assert len(found) == MAX_FRAMES == len(set(found))
    assert found == sorted(found) and found[0] <= 10 and found[-1] >= 185


def test_each_path_has_its_share(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_h264(clip, draw_frames(50, height=48, width=64))
    folder = write_pictures(tmp_path / "pictures", *[255] * 40)
    found = levels(given(clip, folder))
    assert len(found) == MAX_FRAMES
    assert found[MAX_FRAMES // 2 :] == [255] * (MAX_FRAMES // 2)
    assert max(found[: MAX_FRAMES // 2]) < 200
    assert levels(given(clip)) == levels(given(clip))


def test_a_frame_is_resized_as_pillow_does(tmp_path: Path) -> None:
    picture: NDArray[np.uint8] = draw_frames(1, height=60, width=90)[0]
    path = tmp_path / "one.png"
    Image.fromarray(picture).save(path)
    expected = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    (found,) = given(path).of_size(SIDE)
    assert (found[0] == np.asarray(expected)).all()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", r"calibration: expected pictures or videos in .*empty, found none"),
        ("missing.mp4", "calibration: .*missing.mp4"),
        ("notes", "calibration: .*notes"),
    ],
)
def test_what_holds_no_frame_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README.txt").write_text("no picture")
    with pytest.raises(InputError, match=words):
        given(tmp_path / name).summary()
