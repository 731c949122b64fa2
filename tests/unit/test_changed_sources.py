"""A source that was changed since it was opened is refused, whatever is in its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.written_videos import write_video
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video import images
from ufvideo_sdk.video.animated_image import AnimatedImage
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.frame_picture import PictureMaker
from ufvideo_sdk.video.pictures import read_picture
from ufvideo_sdk.video.video_file import VideoFile, open_source

CHANGED = "the file was changed since it was opened: open it again"


def replace(path: Path, other: Path) -> None:
    other.replace(path)


def overwrite(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())


def cut_off(path: Path, other: Path) -> None:
    del other
    os.truncate(path, path.stat().st_size * 2 // 3)


def touch(path: Path, other: Path) -> None:
    del other
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


Change = Callable[[Path, Path], None]
CHANGES = pytest.mark.parametrize("change", [replace, overwrite, cut_off, touch])


def picture(path: Path, grey: int, height: int = 24) -> Path:
    Image.fromarray(np.full((height, 32, 3), grey, np.uint8)).save(path)
    return path


def assert_refuses(clip: Clip) -> None:
    with pytest.raises(InputError, match=CHANGED):
        clip.read([0])
    with pytest.raises(InputError, match=CHANGED):
        for _ in clip.chunks(clip.frame_idxs, 4, skip_damaged=True):
            pass


@CHANGES
@pytest.mark.parametrize("height", [64, 96])
def test_a_changed_video_is_refused(tmp_path: Path, change: Change, height: int) -> None:
    path = write_video(tmp_path / "v.mp4", range(0, 800, 40))
    other = write_video(tmp_path / "other.mp4", range(0, 800, 40), height=height, codec="mpeg4")
    source = VideoFile(path)
    clip = Clip(source)
    change(path, other)
    for read in (source.look_closer, source.lost_frames):
        with pytest.raises(
            InputError, match=rf"v\.mp4: expected the file that was opened.*{CHANGED}"
        ):
            read()
    with pytest.raises(InputError, match=CHANGED):
        clip.read(clip.frame_idxs)
    assert_refuses(clip)


def test_a_video_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", range(0, 4000, 40))
    frames: Iterator[np.ndarray] = VideoFile(path).frames(range(100))
    next(frames)
    cut_off(path, path)
    with pytest.raises(InputError, match=CHANGED):
        list(frames)


@pytest.mark.parametrize("max_frames", [4, 20])
def test_a_clip_of_a_video_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_frames: int
) -> None:
    path = write_video(tmp_path / "v.mp4", range(0, 800, 40))
    clip = Clip(open_source(path))
    picture_of = PictureMaker.picture

    def changed_meanwhile(self: PictureMaker, frame: Any) -> np.ndarray:
        touch(path, path)
        return picture_of(self, frame)

    monkeypatch.setattr(PictureMaker, "picture", changed_meanwhile)
    with pytest.raises(InputError, match=CHANGED):
        for _ in clip.chunks(clip.frame_idxs, max_frames):
            pass


@pytest.mark.parametrize("keep_open", [False, True])
def test_a_removed_video_is_refused(tmp_path: Path, keep_open: bool) -> None:
    path = write_video(tmp_path / "v.mp4", range(0, 800, 40))
    source = open_source(path, keep_open=keep_open)
    path.unlink()
    with pytest.raises(InputError, match=r"v\.mp4: expected the file .*, got: No such"):
        Clip(source).read([0])
    if isinstance(source, VideoFile):
        source.release()


@CHANGES
@pytest.mark.parametrize("height", [24, 48])
def test_changed_pictures_are_refused(tmp_path: Path, change: Change, height: int) -> None:
    path = picture(tmp_path / "p.png", 10)
    clip = Clip(open_source(path))
    clip.read([0])  # the one that was decoded when it was opened
    change(path, picture(tmp_path / "other.png", 200, height))
    assert_refuses(clip)


@CHANGES
def test_a_folder_with_a_changed_picture_is_refused(tmp_path: Path, change: Change) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        picture(folder / f"{number}.png", number)
    source = open_source(folder)
    change(folder / "1.png", picture(tmp_path / "other.png", 200))
    clip = Clip(source)
    assert clip.read([0, 2]).shape[0] == 2
    with pytest.raises(InputError, match=rf"1\.png: expected the file that was opened.*{CHANGED}"):
        clip.read([0, 1])


@CHANGES
def test_a_changed_animation_is_refused(tmp_path: Path, change: Change) -> None:
    first, second = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
    for name in ("a.webp", "other.webp"):
        first.save(tmp_path / name, save_all=True, append_images=[second], duration=100)
    clip = Clip(open_source(tmp_path / "a.webp"))
    change(tmp_path / "a.webp", tmp_path / "other.webp")
    assert_refuses(clip)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("kind", ["picture", "folder"])
def test_a_picture_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fails: bool
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    path = picture(folder / "0.png", 10)
    clip = Clip(open_source(path if kind == "picture" else folder))
    clip.read([0])

    def changed_meanwhile(read: Path, *given: Any) -> np.ndarray:
        frame = read_picture(read, *given)
        touch(read, read)
        if fails:
            raise InputError("half of the one and half of the other")
        return frame

    monkeypatch.setattr(images, "read_picture", changed_meanwhile)
    with pytest.raises(InputError, match=CHANGED):
        clip.read([0])


@pytest.mark.parametrize("fails", [False, True])
def test_an_animation_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    path = tmp_path / "a.webp"
    first, second = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
    first.save(path, save_all=True, append_images=[second], duration=100)
    clip = Clip(open_source(path))
    show = AnimatedImage._show

    def changed_meanwhile(self: AnimatedImage, image: Image.Image, number: int) -> None:
        show(self, image, number)
        touch(path, path)
        if fails:
            raise InputError("half of the one and half of the other")

    monkeypatch.setattr(AnimatedImage, "_show", changed_meanwhile)
    with pytest.raises(InputError, match=CHANGED):
        clip.read([0, 1])
