"""Frames and files in the forms that people have them in: each gives the clip that it means."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import numbered_frame, write_video
from ufvideo_sdk import Session, UFVideo

FRAMES = np.stack([numbered_frame(number, 48, 64) for number in range(8)])
FRAMES[..., 1] //= 2
FRAMES[..., 2] //= 4
TIMES_MS = [0, 40, 90, 300, 310, 500, 700, 730]


def torch_frames() -> Any:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install '.[export]'")
    return torch.from_numpy(FRAMES.copy())


def picture_paths(folder: Path) -> list[Path]:
    """The frames as PNG files whose names sort otherwise."""
    paths = [folder / f"{(number * 5) % 8}.png" for number in range(len(FRAMES))]
    for path, frame in zip(paths, FRAMES, strict=True):
        Image.fromarray(frame).save(path)
    return paths


def one_buffer_after_another() -> Iterator[np.ndarray]:
    """As a camera's reader yields them: all in the same memory."""
    buffer = np.empty_like(FRAMES[0])
    for frame in FRAMES:
        buffer[:] = frame
        yield buffer


def read_only() -> np.ndarray:
    frames = np.asfortranarray(FRAMES)
    frames.flags.writeable = False
    return frames


IN_MEMORY: dict[str, Callable[[UFVideo, Path], Session]] = {
    "a list of PIL images": lambda m, _: m.open([Image.fromarray(f) for f in FRAMES], fps=2),
    "a torch tensor uint8 [T, H, W, 3]": lambda m, _: m.open(torch_frames(), fps=2),
    "a permuted view of a torch tensor": lambda m, _: m.open(
        torch_frames().permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1), fps=2
    ),
    "a generator of arrays in one buffer": lambda m, _: m.open(one_buffer_after_another(), fps=2),
    "a list of arrays": lambda m, _: m.open(list(FRAMES), fps=2),
    "BGR frames of OpenCV": lambda m, _: m.open(
        [np.ascontiguousarray(f[..., ::-1]) for f in FRAMES], fps=2, frames_format="bgr"
    ),
    "a list of picture paths": lambda m, folder: m.open(picture_paths(folder), fps=2),
    "a read-only array in another order of memory": lambda m, _: m.open(read_only(), fps=2),
}


def file_in_memory(path: Path) -> io.BytesIO:
    """A file as it is after a download was written into it: at its end."""
    file = io.BytesIO()
    file.write(path.read_bytes())
    return file


FILES: dict[str, Callable[[UFVideo, Path], Session]] = {
    "io.BytesIO of a video": lambda m, path: m.open(file_in_memory(path)),
    'an open file, open(path, "rb")': lambda m, path: m.open(path.open("rb")),
}


@pytest.fixture(scope="module")
def nano() -> UFVideo:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    return UFVideo.load()


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", TIMES_MS)


@pytest.mark.parametrize("name", IN_MEMORY)
def test_frames_in_memory_are_taken(nano: UFVideo, tmp_path: Path, name: str) -> None:
    with IN_MEMORY[name](nano, tmp_path) as session:
        clip = session.clip
        assert_close(clip.read(clip.frame_idxs), FRAMES, EXACT, where=name)
        assert_close(clip.timestamps_s, np.arange(8) / 2, EXACT, where=f"times of {name}")
        assert not clip.is_image


@pytest.mark.parametrize("name", FILES)
# Left open, as people leave it.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_file_objects_are_taken(nano: UFVideo, clip_path: Path, name: str) -> None:
    with FILES[name](nano, clip_path) as session, nano.open(clip_path) as expected:
        clip, by_path = session.clip, expected.clip
        pixels = by_path.read(by_path.frame_idxs)
        assert_close(clip.read(clip.frame_idxs), pixels, EXACT, where=name)
        assert_close(clip.timestamps_s, by_path.timestamps_s, EXACT, where=f"times of {name}")
        assert session.ask("What is there?").text == expected.ask("What is there?").text


def test_answers_and_sessions_about_frames(nano: UFVideo, tmp_path: Path) -> None:
    images = [Image.fromarray(frame) for frame in FRAMES]
    bgr = [np.ascontiguousarray(frame[..., ::-1]) for frame in FRAMES]
    with nano.open(images, fps=2) as session:
        answer = session.ask("What is there?")
        (track,) = session.segment("the red ball", frames="all")
        session.save(tmp_path / "frames.session")
    # The frames are read again, after the session.
    for name in ("answer.mp4", "answer.png"):
        answer.save(tmp_path / name)
    with nano.open(tmp_path / "answer.mp4") as drawn:
        assert len(drawn.clip.frame_idxs) == len(FRAMES)
    with nano.load_session(
        tmp_path / "frames.session", video=bgr, fps=2, frames_format="bgr"
    ) as again:
        assert again.ask("What is there?").text == answer.text
        assert again.segment("the red ball", frames="all")[0].runs == track.runs
