"""Open video files with FFmpeg: which formats, which stream, and how large a frame may be."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.known_content import NUM_HEAD_BYTES, known_content
from ufvideo_sdk.validation.paths import NO_DESCRIPTOR

# Formats that hold their own frames. FFmpeg recognises a format by content, so that without this
# list a text named .mp4 is opened as a playlist, which names other files and servers.
FORMATS = (
    "mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "gif", "ogg", "mxf",
    "yuv4mpegpipe", "ivf", "nut", "dv", "rm", "wtv", "gxf",
    # Bare streams, which have no times.
    "h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "av1", "obu", "h263", "vc1", "cavsvideo",
)  # fmt: skip
DEFAULT_MAX_FRAME_PIXELS = 8192 * 4320
_GIF_MARK = b"GIF8"
_MAX_GIF_BYTES = 1 << 30
# AVFMT_NOTIMESTAMPS: the format has no times.
_NO_TIMESTAMPS = 0x80
# AV_DISPOSITION_ATTACHED_PIC, AV_DISPOSITION_TIMED_THUMBNAILS: a picture, not a video.
_PICTURE_DISPOSITIONS = 0x400 | 0x800
_DEFAULT_DISPOSITION = 0x1


@dataclass(frozen=True)
class SourceOptions:
    """How to read a file.

    Attributes:
        stream: Number of the video stream in its file, as ffprobe counts; None: the default one.
        strict: Refuse a damaged video, in place of leaving its damaged frames out.
        max_frame_pixels: Largest frame that is decoded, in pixels.
    """

    stream: int | None = None
    strict: bool = False
    max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS


def check_gif(path: Path, file: BinaryIO) -> None:
    """Refuse a GIF that FFmpeg would search for a picture byte by byte, for minutes.

    Args:
        path: Its name, which is enough for FFmpeg to search a file that holds nothing.
        file: Its content.

    Raises:
        InputError: When it is a GIF of more than a GiB.
    """
    file.seek(0)
    is_gif = file.read(len(_GIF_MARK)) == _GIF_MARK or path.suffix.lower() == ".gif"
    num_bytes = file.seek(0, os.SEEK_END)
    if is_gif and num_bytes > _MAX_GIF_BYTES:
        raise InputError(
            f"{path}: expected a GIF of at most {_MAX_GIF_BYTES >> 20} MiB, found"
            f" {num_bytes >> 20} MiB; make a video of it, such as an .mp4"
        )


def opened(
    path: Path, max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS, file: BinaryIO | None = None
) -> Any:
    """Open a container with PyAV.

    Args:
        path: The file. FFmpeg opens it and no other one.
        max_frame_pixels: Largest frame FFmpeg may decode while it looks at the streams.
        file: Its content, if it is read by Python; then FFmpeg opens nothing.

    Raises:
        InputError: When FFmpeg cannot open it, or its format is not in FORMATS.
    """
    import av

    options = {
        "protocol_whitelist": "file" if file is None else "none",
        "format_whitelist": ",".join(FORMATS),
        "max_pixels": str(decoder_limit(max_frame_pixels)),
    }
    try:
        # FFmpeg takes a relative name with a colon for a URL.
        return av.open(f"file:{path.absolute()}" if file is None else file, options=options)
    except MemoryError as error:
        raise CapacityError(f"expected memory to open {path}: {reason(error)}") from None
    except InputError:
        # Of a file object that cannot be read.
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        if getattr(error, "errno", 0) in NO_DESCRIPTOR:
            raise CapacityError(f"{path}: expected a free file descriptor: {error}") from None
        found = _known_content(path, file)
        if found:
            raise InputError(f"{path}: expected a video file, found {found}") from None
        if isinstance(error, ValueError) and getattr(error, "errno", 0) == errno.EINVAL:
            # How FFmpeg refuses a format that it knows and the list does not have.
            raise InputError(
                f"{path}: expected a video in a format that is read ({' '.join(FORMATS)}), its"
                " content is of another one"
            ) from None
        raise InputError(
            f"{path}: expected a video file, FFmpeg cannot open it: {reason(error)}"
        ) from None


def video_stream(container: Any, path: Path, options: SourceOptions) -> Any:
    """Choose the video stream as FFmpeg and players do, and bound its frames.

    The default flag decides first, then FFmpeg's own measure (`av_find_best_stream`). Cover
    pictures and thumbnails are not chosen unless `options.stream` names them.

    Raises:
        InputError: When there is none, no decoder for it, or its frames are too large.
    """
    streams = list(container.streams.video)
    if options.stream is not None:
        chosen = next((s for s in streams if s.index == options.stream), None)
        if chosen is None:
            raise InputError(
                f"{path}: expected one of its video streams ({_listed(streams)}), got stream"
                f" {options.stream}"
            )
    else:
        moving = [s for s in streams if not _disposition(s) & _PICTURE_DISPOSITIONS]
        if not moving:
            raise InputError(f"{path}: expected a video stream, found none")
        best = container.streams.best("video")
        flagged = [s for s in moving if _disposition(s) & _DEFAULT_DISPOSITION]
        is_best = best is not None and any(s.index == best.index for s in moving)
        chosen = best if is_best else (flagged or moving)[0]
    if chosen.codec_context is None:
        raise InputError(f"{path}: expected a codec that this FFmpeg decodes, found another")
    check_frame_size(path, chosen.height, chosen.width, options.max_frame_pixels)
    limit = str(decoder_limit(options.max_frame_pixels))
    chosen.codec_context.options = {"max_pixels": limit}
    return chosen


def check_frame_size(path: Path | str, height: int, width: int, max_frame_pixels: int) -> None:
    """Refuse frames that are too large.

    Raises:
        InputError: When height times width exceeds max_frame_pixels.
    """
    if height * width > max_frame_pixels:
        raise InputError(
            f"{path}: expected frames of at most {max_frame_pixels} pixels"
            f" (RuntimeConfig.max_frame_pixels), got {height} x {width} px"
        )


def decoder_limit(max_frame_pixels: int) -> int:
    """FFmpeg's limit, which counts the margins of a codec's blocks too."""
    return min(max_frame_pixels + max_frame_pixels // 8 + (1 << 16), (1 << 31) - 1)


def has_no_times(container: Any) -> bool:
    """Whether the format is a bare stream, which has no presentation times."""
    return bool(int(container.format.flags) & _NO_TIMESTAMPS)


def reason(error: BaseException) -> str:
    """What FFmpeg says, without the path and number that PyAV adds."""
    return str(getattr(error, "strerror", None) or error)


def ffmpeg_error() -> type[Exception]:
    """PyAV's exception, imported when it is needed."""
    import av

    return av.FFmpegError


def _disposition(stream: Any) -> int:
    flags = getattr(stream, "disposition", 0)
    return int(getattr(flags, "value", flags))


def _listed(streams: list[Any]) -> str:
    if not streams:
        return "none"
    return ", ".join(
        f"{s.index}: {s.codec_context.name} {s.height} x {s.width} px"
        if s.codec_context is not None
        else f"{s.index}: unknown codec"
        for s in streams
    )


def _known_content(path: Path, file: BinaryIO | None) -> str:
    """What a file holds that is no video, and what to do with it; empty if that is unknown."""
    try:
        with path.open("rb") if file is None else nullcontext(file) as content:
            content.seek(0)
            return known_content(path, content.read(NUM_HEAD_BYTES))
    except OSError:
        return ""
