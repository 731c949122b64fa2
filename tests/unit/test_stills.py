"""Images, folders of frames, arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import numbered_frame
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.images import natural_key
from ufvideo_sdk.video.video_file import open_source

FRAMES = np.stack([numbered_frame(number, 20, 30) for number in range(5)])


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def test_image_file(tmp_path: Path) -> None:
    source = open_source(save(tmp_path / "a.png", FRAMES[3]))
    assert source.is_image and source.timestamps_s.tolist() == [0.0]
    assert_close(next(source.frames([0])), FRAMES[3], EXACT, where="image")


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = open_source(save(tmp_path / "a.png", FRAMES[3], exif=exif))
    assert (source.height, source.width) == (30, 20)
    expected = np.ascontiguousarray(np.rot90(FRAMES[3], -1))
    assert_close(next(source.frames([0])), expected, EXACT, where="turned image")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(FRAMES[2]).convert(mode).save(path)
    assert next(open_source(path).frames([0])).shape == (20, 30, 3)


def test_images_that_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "text.png").write_bytes(b"nothing of the kind")
    whole = save(
        tmp_path / "cut.png",
        np.random.default_rng(0).integers(0, 255, (99, 99, 3)).astype(np.uint8),
    )
    whole.write_bytes(whole.read_bytes()[:9000])
    for name, message in {
        "deep.png": "at most 8 bits a channel",
        "text.png": "its content is none of these",
    }.items():
        with pytest.raises(InputError, match=name) as caught:
            open_source(tmp_path / name)
        assert message in str(caught.value)
    with pytest.raises(InputError, match=r"cut\.png: expected a picture that is whole"):
        open_source(whole)


def test_folder_in_natural_order_at_three_frames_a_second(tmp_path: Path) -> None:
    for number, frame in enumerate(FRAMES):
        save(tmp_path / f"frame_{number + 7}.png", frame)
    (tmp_path / ".DS_Store").write_bytes(b"hidden")
    source = open_source(tmp_path)
    assert_close(source.timestamps_s, np.arange(5) / 3, EXACT, where="folder times")
    assert_close(np.stack(list(source.frames(range(5)))), FRAMES, EXACT, where="folder")
    given = open_source(tmp_path, timestamps_s=[0, 1, 2, 4, 8])
    assert given.timestamps_s.tolist() == [0, 1, 2, 4, 8]
    assert open_source(tmp_path, fps=10).timestamps_s[1] == 0.1


def test_folders_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found it empty"):
        open_source(tmp_path)
    save(tmp_path / "1.png", FRAMES[0])
    save(tmp_path / "2.png", FRAMES[0, :10])
    with pytest.raises(InputError, match=r"1\.png has 20 x 30 px and 2\.png 10 x 30 px"):
        open_source(tmp_path)
    (tmp_path / "2.png").unlink()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"expected only pictures .* found notes\.txt"):
        open_source(tmp_path)


def test_natural_order() -> None:
    names = ["b", "a10", "a9", "a09b", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a9", "a09b", "a10", "b"]


def test_arrays() -> None:
    image = open_source(FRAMES[0])
    assert image.is_image and (image.height, image.width) == (20, 30)
    video = open_source(FRAMES[:, ::-1], fps=4)
    assert not video.is_image
    assert_close(video.timestamps_s, np.arange(5) / 4, EXACT, where="array times")
    assert_close(next(video.frames([2])), FRAMES[2, ::-1], EXACT, where="array")


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (FRAMES, {}, "got neither"),
        (FRAMES, {"fps": 4, "timestamps_s": range(5)}, "got both"),
        (FRAMES[0], {"fps": 4}, "no fps"),
        (FRAMES.astype(np.float32), {"fps": 4}, "float32"),
        (FRAMES[..., :2], {"fps": 4}, r"\[5, 20, 30, 2\]"),
        (FRAMES[:0], {"fps": 4}, "with pixels"),
        (FRAMES, {"fps": 0}, "above 0"),
        (FRAMES, {"fps": float("nan")}, "finite"),
        (FRAMES, {"fps": True}, "fps"),
        (FRAMES, {"fps": 1e300}, "from 1e-05 to 1000000.0, got 1e\\+300"),
        (FRAMES, {"fps": 1e-9}, "from 1e-05"),
        (FRAMES, {"timestamps_s": [0, 1, 2, 3]}, "expected 5 timestamps_s"),
        (FRAMES, {"timestamps_s": [0, 1, 1, 2, 3]}, "1.0 then 1.0 at index 2"),
        (FRAMES, {"timestamps_s": [0, 1, 2, 3, float("inf")]}, "finite"),
        (FRAMES, {"timestamps_s": ["a"] * 5}, "numbers in seconds"),
    ],
)
def test_arrays_that_are_refused(array: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_source(array, **options)
