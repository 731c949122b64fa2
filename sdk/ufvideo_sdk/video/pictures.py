"""Still pictures: told by their content, and read by the decoder of that one format.

Pillow opens more than pictures: for PostScript, whatever the file is called, it starts Ghostscript.
So a file is opened as one of a few formats, which its first bytes name, or not at all.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import CapacityError, InputError, UFVideoError
from ufvideo_sdk.validation.paths import NO_DESCRIPTOR, open_plain_file, reading_failed
from ufvideo_sdk.video.video_container import DEFAULT_MAX_FRAME_PIXELS, check_frame_size

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "AVIF")
"""What is read, as Pillow names it."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".avif")
"""Their usual names, which decide what a message says and nothing else."""
HEAD_BYTES = 64

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Modes of 8 bits a channel or fewer, which become RGB without a choice of range.
_COLOUR_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_MASK_MODES = ("1", "L", "P", "I", "I;16")
_ORIENTATION_TAG, _WIDTH_TAG, _HEIGHT_TAG = 0x0112, 256, 257
# Python's filters of warnings belong to the whole process.
_FILTERS = threading.Lock()


def picture_format(path: Path) -> str | None:
    """Return the format of a picture by its first bytes: one of FORMATS, "HEIF", or None.

    Raises:
        InputError: When it is no plain file, or may not be read.
    """
    with open_plain_file(path, "a file") as file:
        return format_of_head(file.read(HEAD_BYTES))


def read_picture(
    path: Path, max_pixels: int = DEFAULT_MAX_FRAME_PIXELS, file: BinaryIO | None = None
) -> NDArray[np.uint8]:
    """Read one still picture, turned as its EXIF orientation says, transparency dropped.

    Of a JPEG of several pictures (MPO: a second eye, a preview, a map of depth) it is the first,
    which other programs show too.

    Args:
        path: PNG, JPEG, BMP, WebP, TIFF or AVIF, whatever its name.
        max_pixels: Most pixels.
        file: A reader of it at its beginning, if it is open; it is closed. Then the path is a name
            for messages.

    Returns:
        RGB, uint8 [H, W, 3].

    Raises:
        InputError: When it cannot be read, is animated, has more pixels, or more than 8 bits a
            channel.
        CapacityError: When memory or file descriptors are exhausted.
    """
    with _opened(path, "a picture", max_pixels, file) as image:
        return _rgb(image, str(path))


def rgb_of_image(image: Image, where: str, max_pixels: int) -> NDArray[np.uint8]:
    """The pixels of a Pillow image as `read_picture` has those of a file.

    Args:
        image: An image, which may not be loaded yet.
        where: What it is, for messages, such as "frames[3]".
        max_pixels: Most pixels.

    Returns:
        RGB, uint8 [H, W, 3], a copy.

    Raises:
        InputError: When it has more pixels, more than 8 bits a channel, or cannot be loaded.
        CapacityError: When memory is exhausted.
    """
    check_image(image, where, max_pixels)
    try:
        return _rgb(image, where)
    except UFVideoError:
        raise
    except MemoryError:
        raise CapacityError(f"{where}: expected memory for the pixels of an image") from None
    except Exception as error:
        # It may be read from its file only now.
        raise InputError(f"{where}: expected an image that loads, got: {error}") from None


def check_image(image: Image, where: str, max_pixels: int) -> None:
    """Refuse a Pillow image that `rgb_of_image` would, as far as that is known before it is loaded.

    Raises:
        InputError: When it has more pixels, or more than 8 bits a channel.
    """
    check_frame_size(where, image.height, image.width, max_pixels)
    _check_mode(image, where)


def _check_mode(image: Image, where: str) -> None:
    if image.mode not in _COLOUR_MODES:
        raise InputError(f"{where}: expected at most 8 bits a channel, found mode {image.mode}")


def _rgb(image: Image, where: str) -> NDArray[np.uint8]:
    from PIL import ImageOps

    _check_mode(image, where)
    return np.array(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)


def picture_size(path: Path, max_pixels: int = DEFAULT_MAX_FRAME_PIXELS) -> tuple[int, int]:
    """Return height and width of a picture as it will be read, from its header alone.

    Raises:
        InputError: When it cannot be read, is animated, or has more pixels.
    """
    with _opened(path, "a picture", max_pixels) as image:
        return upright_size(image)


def read_mask(path: Path, *, height: int, width: int) -> NDArray[np.bool_]:
    """Read a picture of one channel as a mask: every pixel that is not zero.

    Args:
        path: A picture in one of the formats of `read_picture`.
        height: Height it must have, pixels.
        width: Width it must have, pixels.

    Returns:
        bool [H, W].

    Raises:
        InputError: When it cannot be read, or has another size or several channels.
        CapacityError: When memory or file descriptors are exhausted.
    """
    from PIL import ImageOps

    with _opened(path, "a mask image", None) as image:
        if image.mode not in _MASK_MODES:
            raise InputError(f"{path}: expected a mask of one channel, got {image.mode}")
        size = upright_size(image)
        if size != (height, width):
            raise InputError(
                f"{path}: expected a mask of {height} x {width} pixels (height x width of the"
                f" source), got {size[0]} x {size[1]}"
            )
        pixels = np.asarray(ImageOps.exif_transpose(image))
        if pixels.shape != (height, width):
            raise InputError(f"{path}: expected the {height} x {width} pixels of its header")
        inside: NDArray[np.bool_] = np.not_equal(pixels, 0)
        return inside


def format_of_head(head: bytes) -> str | None:
    """Return the format of a picture by its first HEAD_BYTES: one of FORMATS, "HEIF", or None."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    # The second field is the size of the header that follows.
    if head.startswith(b"BM") and 12 <= int.from_bytes(head[14:18], "little") <= 124:
        return "BMP"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(_TIFF_HEADS):
        return "TIFF"
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if head[8:12] in (b"avif", b"avis") or (head[8:12] in _HEIF_BRANDS and b"avif" in brands):
        return "AVIF"
    return "HEIF" if head[8:12] in _HEIF_BRANDS else None


@contextmanager
def _opened(
    path: Path, what: str, max_pixels: int | None, file: BinaryIO | None = None
) -> Iterator[Image]:
    """Open a picture whose pixels are not decoded yet; whatever fails within is an error of ours.

    Decoders meet hostile bytes: what Pillow raises then is not one family, nor documented.
    """
    with open_plain_file(path, what) if file is None else file as content:
        found = format_of_head(content.read(HEAD_BYTES))
        if found not in FORMATS:
            named = "HEIF, which is not read" if found == "HEIF" else "none of these"
            raise InputError(
                f"{path}: expected {what} ({', '.join(FORMATS)}), its content is {named}; convert"
                " it to PNG or JPEG"
            )
        try:
            image = _header_of(content, found)
            if max_pixels is not None:
                check_frame_size(path, image.height, image.width, max_pixels)
            _check_still(image, path)
            yield image
        except UFVideoError:
            raise
        except MemoryError:
            raise CapacityError(f"{path}: expected memory for the pixels of {what}") from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_DESCRIPTOR:
                raise reading_failed(error, path, what) from None
            raise InputError(
                f"{path}: expected {what} that is whole, reading it: {error}"
            ) from None


def _header_of(file: object, name: str) -> Image:
    import PIL
    from PIL import Image

    if name not in Image.OPEN:
        Image.init()
    if name not in Image.OPEN:
        raise InputError(
            f"expected a Pillow that reads {name}, got {PIL.__version__}: pip install --upgrade"
            " pillow"
        )
    with _FILTERS, warnings.catch_warnings():
        # How many pixels may be is ours to say.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file, formats=[name])  # type: ignore[arg-type]


def _check_still(image: Image, path: Path) -> None:
    if image.format == "MPO":
        return
    num_frames = 1
    if image.format == "TIFF":
        # To count the pages of a TIFF all are visited, of which a hostile file has millions.
        try:
            image.seek(1)
            num_frames = 2
        except EOFError:
            image.seek(0)
    else:
        num_frames = getattr(image, "n_frames", 1)
    if num_frames != 1:
        more = " or more" if image.format == "TIFF" else ""
        raise InputError(
            f"{path}: expected one still picture, found {num_frames}{more} frames; save the one"
            " that is meant, or a video of them"
        )


def upright_size(image: Image) -> tuple[int, int]:
    """Height and width of a Pillow image once its orientation is applied, pixels."""
    width, height = image.size
    if image.format == "TIFF":
        # Some versions of Pillow have swapped the sides of `size` already.
        width, height = image.tag_v2[_WIDTH_TAG], image.tag_v2[_HEIGHT_TAG]  # type: ignore[attr-defined]
    swaps = image.getexif().get(_ORIENTATION_TAG, 1) in (5, 6, 7, 8)
    return (width, height) if swaps else (height, width)
