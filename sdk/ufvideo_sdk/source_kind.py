"""Whether a file is a picture, an animated picture or a video, by its first bytes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

# Concatenated JPEG pictures without a container: a bare stream, like .h264.
_MOTION_JPEG_SUFFIXES = (".mjpeg", ".mjpg")
_HEAD_BYTES = 64
_MAX_PNG_CHUNKS = 1000
_PICTURE_STARTS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"%!PS",
)  # fmt: skip
# FFmpeg would show one tile of a HEIF picture; Pillow reads those with AV1 and refuses the others.
_HEIF_STILL = (b"avif", b"mif1", b"heic", b"heix", b"hevc")
_HEIF_SEQUENCE = (b"avis", b"msf1")


class SourceKind(Enum):
    """What reads a file."""

    PICTURE = "a still picture, which Pillow reads"
    ANIMATION = "an animated picture, which Pillow reads"
    VIDEO = "a video, which FFmpeg reads, or nothing known"


def source_kind(path: Path) -> SourceKind:
    """Look at the first bytes of a file.

    Args:
        path: A plain file that can be read.

    Raises:
        OSError: When it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"\xff\xd8\xff") and path.suffix.lower() in _MOTION_JPEG_SUFFIXES:
        return SourceKind.VIDEO
    if head.startswith(b"\x89PNG"):
        return SourceKind.ANIMATION if _is_animated_png(path) else SourceKind.PICTURE
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        is_animated = head[12:16] == b"VP8X" and bool(head[20:21]) and bool(head[20] & 0x02)
        return SourceKind.ANIMATION if is_animated else SourceKind.PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_STILL:
        return SourceKind.PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_SEQUENCE:
        return SourceKind.ANIMATION
    is_bitmap = head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"
    is_picture = is_bitmap or head.startswith(_PICTURE_STARTS)
    return SourceKind.PICTURE if is_picture else SourceKind.VIDEO


def _is_animated_png(path: Path) -> bool:
    """Whether an acTL chunk comes before the first pixels."""
    with path.open("rb") as file:
        file.seek(8)
        for _ in range(_MAX_PNG_CHUNKS):
            header = file.read(8)
            if len(header) < 8 or header[4:] in (b"IDAT", b"IEND"):
                return False
            if header[4:] == b"acTL":
                return True
            file.seek(int.from_bytes(header[:4], "big") + 4, 1)
    return False
