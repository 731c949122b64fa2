"""Pictures are told by their content, and every one that cannot be read is an InputError."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import numbered_frame
from ufvideo_sdk import CapacityError, InputError
from ufvideo_sdk.cli.region_option import parse_region, region_of
from ufvideo_sdk.video.pictures import picture_format, read_mask
from ufvideo_sdk.video.video_file import open_source

FRAME = numbered_frame(3, 20, 30)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
FORMAT_OF = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "webp": "WEBP", "tif": "TIFF"}


def written(path: Path, pixels: np.ndarray = FRAME, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def read(path: Path) -> np.ndarray:
    """The picture, whose size must be the one that the source told before."""
    source = open_source(path)
    (frame,) = source.frames([0])
    assert frame.shape == (source.height, source.width, 3)
    (again,) = source.frames([0])
    assert np.array_equal(frame, again)
    return frame


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "tif"])
@pytest.mark.parametrize("name", ["photo.jfif", "photo", "photo.mp4", "photo.PNG"])
def test_content_decides_and_not_the_name(tmp_path: Path, suffix: str, name: str) -> None:
    path = written(tmp_path / name, format=FORMAT_OF[suffix])
    assert picture_format(path) == FORMAT_OF[suffix]
    assert np.abs(read(path).astype(int) - FRAME).mean() < 12


def test_avif_is_read(tmp_path: Path) -> None:
    Image.init()
    if "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow writes no AVIF")
    path = written(tmp_path / "a.avif", np.full((20, 30, 3), 90, np.uint8))
    assert np.abs(read(path).astype(int) - 90).max() < 4


def test_a_pillow_without_avif_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.init()
    monkeypatch.delitem(Image.OPEN, "AVIF", raising=False)
    path = tmp_path / "a.avif"
    path.write_bytes(struct.pack(">I", 24) + b"ftypavif\0\0\0\0avifmif1" + bytes(99))
    with pytest.raises(InputError, match=r"Pillow that reads AVIF, got .*: pip install --up"):
        open_source(path)


@pytest.mark.parametrize("content", [POSTSCRIPT, b"P6 2 2 255\n" + bytes(12), b"\xc5\xd0\xd3\xc6"])
def test_other_formats_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Pillow would run Ghostscript for PostScript, by whatever name."""

    def ghostscript(*_: object, **__: object) -> None:
        pytest.fail("a picture starts another program")

    monkeypatch.setattr("subprocess.Popen", ghostscript)
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", ghostscript)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: expected"):
        open_source(path)
    with pytest.raises(InputError, match=r"a\.png: expected a mask image \(PNG, JPEG"):
        region_of(parse_region(f"0:{path}")[:1], height=9, width=9)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"expected only pictures .*, found a\.png"):
        open_source(folder)


def test_heif_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(99))
    with pytest.raises(InputError, match="its content is HEIF, which is not read; convert"):
        open_source(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 77, 65535])
def test_orientation_turns_and_others_do_nothing(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        2: FRAME[:, ::-1],
        3: FRAME[::-1, ::-1],
        4: FRAME[::-1],
        5: FRAME.transpose(1, 0, 2),
        6: np.rot90(FRAME, -1),
        7: FRAME[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(FRAME),
    }.get(orientation, FRAME)
    options = {"lossless": True} if suffix == "webp" else {}
    path = written(tmp_path / f"a.{suffix}", exif=exif, **options)
    if suffix == "jpg":
        assert np.abs(read(path).astype(int) - turned).mean() < 12
    else:
        assert_close(read(path), np.ascontiguousarray(turned), EXACT, where=f"{orientation}")
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(2):
        written(folder / f"{number}.{suffix}", exif=exif, **options)
    written(folder / "2.png", turned)
    source = open_source(folder)
    assert (source.height, source.width) == turned.shape[:2]
    assert {frame.shape for frame in source.frames([0, 1, 2])} == {turned.shape}


def test_an_orientation_that_is_no_number_does_nothing(tmp_path: Path) -> None:
    tag = struct.pack("<HHI4sI", 0x0112, 2, 4, b"top\0", 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + tag
    path = written(tmp_path / "a.jpg", exif=exif)
    with Image.open(path) as image:
        assert image.getexif()[0x0112] == "top"
    assert read(path).shape == FRAME.shape


def test_the_first_picture_of_several_in_a_jpeg(tmp_path: Path) -> None:
    """What phones write: a second eye, a map of depth or of brightness behind the picture."""
    second = Image.fromarray(FRAME[:10, ::-1])
    path = written(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    with Image.open(path) as image:
        assert image.format == "MPO" and image.n_frames == 2
    assert np.abs(read(path).astype(int) - FRAME).mean() < 12


def test_pages_and_animations_among_frames_are_refused(tmp_path: Path) -> None:
    more = [Image.fromarray(FRAME[::-1])] * 2
    path = written(tmp_path / "a.tif", save_all=True, append_images=more)
    with pytest.raises(InputError, match="expected one still picture, found 2 or more frames"):
        open_source(path)
    folder = tmp_path / "frames"
    folder.mkdir()
    written(folder / "a.png", save_all=True, append_images=more)
    with pytest.raises(InputError, match=r"expected one still picture, found [23] frames"):
        open_source(folder)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed where the format's structure is: at the front and, of a TIFF, at the end."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.choice([chance.randrange(60), chance.randrange(len(changed))])
        at = chance.choice([at, len(changed) - 1 - chance.randrange(min(200, len(changed)))])
        changed[at] = chance.choice([0, 1, 5, 255, chance.randrange(256)])
    return bytes(changed[: chance.choice([len(changed), chance.randrange(len(changed))])])


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "bmp", "webp"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_pictures_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    chance = random.Random(11)
    content = written(tmp_path / f"whole.{suffix}").read_bytes()
    path = tmp_path / f"a.{suffix}"
    num_refused = 0
    for _ in range(150):
        path.write_bytes(mutated(content, chance))
        try:
            read(path)
        except (InputError, CapacityError):
            num_refused += 1
    assert num_refused > 30


@pytest.mark.parametrize(
    "error",
    [struct.error("x"), KeyError(273), TypeError("x"), IndexError("x"), ZeroDivisionError("x"),
     AssertionError("x"), OverflowError("x"), RecursionError("x"), EOFError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("place", ["PIL.Image.open", "PIL.ImageOps.exif_transpose"])
def test_whatever_pillow_raises_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, place: str
) -> None:
    path = written(tmp_path / "a.png")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, fail)
    with pytest.raises(InputError, match=r"a\.png: expected a picture that is whole"):
        open_source(path)


def png_that_claims(width: int, height: int) -> bytes:
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


@pytest.mark.parametrize("size", [(8192, 4321), (10_000, 10_000), (20_000, 20_000)])
def test_size_is_looked_at_before_pixels_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png_that_claims(*size))

    def load(_: object) -> None:
        pytest.fail("its pixels are decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"large\.png: expected"):
            open_source(path)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "fifo.png"
    os.mkfifo(path)
    # Somebody who would write, so that a test ends even where it is opened for reading.
    writer = os.open(path, os.O_RDWR)
    yield path
    os.close(writer)


def test_a_fifo_is_not_waited_for(fifo: Path) -> None:
    with pytest.raises(InputError, match="found a FIFO"):
        open_source(fifo)
    with pytest.raises(InputError, match="expected a mask image, found a FIFO"):
        read_mask(fifo, height=9, width=9)
    with pytest.raises(InputError, match=r"expected only pictures .*, found fifo\.png"):
        open_source(fifo.parent)


@pytest.mark.parametrize("path", ["a\0b.png", "x" * 5000, "y/" * 2500 + "a.png", "\ud800.png", ""])
def test_paths_that_no_file_has(path: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(path)
    assert len(str(caught.value)) < 400


def test_no_free_descriptor_is_a_capacity_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.png")
    source = open_source(tmp_path)
    real = os.open

    def full(name: object, *arguments: object, **options: object) -> int:
        if str(name).endswith(".png"):
            raise OSError(24, "Too many open files")
        return real(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("os.open", full)
    with pytest.raises(CapacityError, match=r"a\.png: expected a free file descriptor"):
        open_source(path)
    with pytest.raises(CapacityError, match=r"a\.png: expected a free file descriptor"):
        list(source.frames([0]))

    def no_list(_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("pathlib.Path.iterdir", no_list)
    with pytest.raises(CapacityError, match="expected a free file descriptor"):
        open_source(tmp_path)


def test_a_process_without_descriptors(tmp_path: Path) -> None:
    """With none, one, two and three free ones, modules that are loaded late included."""
    written(tmp_path / "a.png")
    (tmp_path / "frames").mkdir()
    written(tmp_path / "frames" / "0.png")
    result = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) == {"CapacityError", "ok"}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.png", "clip.mp4", "frames", "saved.json", "saved.mp4", "saved.png",
    ]  # fmt: skip


EXHAUSTED = """
import os, resource, sys
from pathlib import Path
from tests.unit.drawn_answers import drawn_answer
from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.video.video_file import open_source

folder, answer, held = Path(sys.argv[1]), drawn_answer(), []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

def exhaust():
    while True:
        try:
            held.append(os.open("/", os.O_RDONLY))
        except OSError:
            return

names = ("json", "png", "mp4")
work = [lambda: open_source(folder / "a.png"), lambda: open_source(folder / "frames")]
answer.save(folder / "clip.mp4")
work += [lambda: list(open_source(folder / "clip.mp4").frames([0, 3]))]
work += [lambda name=name: answer.save(folder / f"saved.{name}") for name in names]
for num_free in range(5):
    for each in work:
        exhaust()
        for _ in range(num_free):
            os.close(held.pop())
        try:
            each()
            print("ok")
        except UFVideoError as error:
            print(type(error).__name__)
"""


def test_masks_are_turned_as_pictures_are(tmp_path: Path) -> None:
    inside = np.zeros((6, 9), np.uint8)
    inside[1:3, 4:8] = 5
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "tif"):
        path = written(tmp_path / f"a.{suffix}", inside, exif=exif)
        mask = read_mask(path, height=9, width=6)
        assert mask.dtype == np.bool_ and np.array_equal(mask, np.rot90(inside, -1) > 0)
        with pytest.raises(InputError, match="expected a mask of 6 x 9 pixels"):
            read_mask(path, height=6, width=9)
