"""Whether a file is a picture, an animated picture or a video, by its first bytes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import BinaryIO

from ufvideo_sdk.video.pictures import HEAD_BYTES, format_of_head

# Concatenated JPEG pictures without a container: a bare stream, like .h264.
_MOTION_JPEG_SUFFIXES = (".mjpeg", ".mjpg")
_MAX_PNG_CHUNKS = 1000
_AVIF_SEQUENCE = (b"avis", b"msf1")


class SourceKind(Enum):
    """What reads a file."""

    PICTURE = "a still picture, which Pillow reads"
    ANIMATION = "an animated picture, which Pillow reads"
    VIDEO = "a video, which FFmpeg reads, or nothing known"


def source_kind(path: Path, file: BinaryIO) -> SourceKind:
    """Look at the first bytes of a file.

    Args:
        path: Its name.
        file: The file, open at its beginning.
    """
    head = file.read(HEAD_BYTES)
    found = format_of_head(head)
    if found is None or (found == "JPEG" and path.suffix.lower() in _MOTION_JPEG_SUFFIXES):
        return SourceKind.VIDEO
    is_animated = (
        (found == "PNG" and _is_animated_png(file))
        or (
            found == "WEBP"
            and head[12:16] == b"VP8X"
            and bool(head[20:21])
            and bool(head[20] & 0x02)
        )
        or (found == "AVIF" and head[8:12] in _AVIF_SEQUENCE)
    )
    return SourceKind.ANIMATION if is_animated else SourceKind.PICTURE


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether an acTL chunk comes before the first pixels."""
    file.seek(8)
    for _ in range(_MAX_PNG_CHUNKS):
        header = file.read(8)
        if len(header) < 8 or header[4:] in (b"IDAT", b"IEND"):
            return False
        if header[4:] == b"acTL":
            return True
        file.seek(int.from_bytes(header[:4], "big") + 4, 1)
    return False
