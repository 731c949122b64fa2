"""What people give in place of a source, and what to do with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.known_folders import FolderKind, folder_kind
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.validation.urls import is_live_stream, is_url, shown_url, url_scheme

# Objects of these libraries that read a file by themselves.
_READERS = {
    ("cv2", "VideoCapture"),
    ("decord", "VideoReader"),
    ("eva_decord", "VideoReader"),
    ("torchcodec", "VideoDecoder"),
    ("torchvision", "VideoReader"),
    ("av", "InputContainer"),
    ("moviepy", "VideoFileClip"),
    ("imageio_ffmpeg", "generator"),
}
_READER_LIBRARIES = {"imageio", "decord", "eva_decord", "torchcodec", "moviepy"}
_VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".ts", ".mts", ".mpg", ".mpeg", ".flv",
    ".wmv", ".3gp", ".gif",
)  # fmt: skip
_CAMERA = (
    "of a camera, read frames into a list and give it with timestamps_s=, and with"
    ' frames_format="bgr" if OpenCV reads them'
)


def check_is_source(value: object, where: str = "source") -> None:
    """Refuse what is known to be no frames.

    Args:
        value: What came, no path and no file object.
        where: What it is, for messages.

    Raises:
        InputError: Saying what to give instead.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise InputError(
            f"{where}: expected a path or a binary file, got {type(value).__name__}: the content of"
            " a file goes into io.BytesIO(...), a path through os.fsdecode(...)"
        )
    if isinstance(value, Mapping):
        keys = ", ".join(repr(key) for key in list(value)[:6])
        raise InputError(
            f"{where}: expected frames or a path, got a mapping with the keys {keys}: give what"
            ' stands there, such as example["path"] or io.BytesIO(example["bytes"])'
        )
    if isinstance(value, (int, float)):
        kind = type(value).__name__
        raise InputError(f"{where}: expected a path or frames, got {kind} {value}: {_CAMERA}")
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "av" and kind == "VideoFrame":
        raise InputError(
            f"{where}: expected an array or a Pillow image, got an av.VideoFrame:"
            ' frame.to_ndarray(format="rgb24")'
        )
    if hasattr(value, "asnumpy"):
        raise InputError(
            f"{where}: expected an array of NumPy or a tensor, got a {library} {kind}: its"
            " .asnumpy() is one"
        )
    if (library, kind) in _READERS or library in _READER_LIBRARIES:
        raise InputError(
            f"{where}: expected a path or frames, got {library}.{kind}, which reads them by itself:"
            f" give the path of its file; {_CAMERA}"
        )


def nothing_there(path: Path, given: object) -> InputError:
    """The error for a path at which there is nothing.

    Args:
        path: The path.
        given: The same as the caller wrote it: pathlib merges the slashes of a URL.
    """
    if is_url(given):
        return _url_problem(given)
    if str(given) == "-":
        return InputError("-: expected a file or a folder, standard input is not read: name a file")
    return InputError(f"{shown(path)}: expected a file or a folder, found nothing there")


def _url_problem(url: object) -> InputError:
    shown_text, scheme = shown_url(url), url_scheme(url)
    if scheme == "file":
        return InputError(f"{shown_text}: expected a path, got a URL: leave out the file://")
    if is_live_stream(url):
        return InputError(
            f"{shown_text}: expected a file or frames, got the URL of a live stream, nothing is"
            " read from a network: record it first (ffmpeg -i URL -t 60 -c copy clip.mp4), or"
            " read its frames into a list and give them with timestamps_s="
        )
    return InputError(
        f"{shown_text}: expected a file, got a URL, nothing is downloaded: download it, and give"
        " the path of the file"
    )


def check_is_frame_folder(folder: Path, entries: Iterable[Path]) -> None:
    """Refuse a folder that is known to be something else.

    Args:
        folder: The folder.
        entries: What lies in it.

    Raises:
        InputError: Saying what it is and what to do with it.
    """
    kind = folder_kind(folder)
    if kind is FolderKind.PACKAGE:
        raise InputError(
            f"{shown(folder)}: expected a video or a folder of frames, found a package:"
            f" UFVideo.load({os.fspath(folder)!r}) opens it (--package), a source is what it is"
            " asked about"
        )
    if kind is FolderKind.CHECKPOINT:
        raise InputError(
            f"{shown(folder)}: expected a video or a folder of frames, found a checkpoint: ufvideo"
            " export makes a package of it"
        )
    names = sorted(entry.name for entry in entries)
    videos = [name for name in names if name.lower().endswith(_VIDEO_SUFFIXES)]
    if videos:
        raise InputError(
            f"{shown(folder)}: expected a folder of frames, found {len(videos)} video(s) in it:"
            f" open them one by one, such as {shown(folder / videos[0])}"
        )
    folders = sorted(entry.name for entry in entries if entry.is_dir())
    if folders:
        raise InputError(
            f"{shown(folder)}: expected a folder of frames, found {len(folders)} folder(s) in it:"
            f" open them one by one, such as {shown(folder / folders[0])}"
        )
