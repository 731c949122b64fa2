"""Open whatever is watched."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import as_path, status_of
from ufvideo_sdk.validation.urls import is_url, url_scheme
from ufvideo_sdk.video.not_frames import nothing_there
from ufvideo_sdk.watch.sources.capture import Capture
from ufvideo_sdk.watch.sources.connection import Camera
from ufvideo_sdk.watch.sources.file_reader import FileReader
from ufvideo_sdk.watch.sources.folder_reader import FolderReader
from ufvideo_sdk.watch.sources.gst_pipeline import PREFIX, GstPipeline
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.live_reader import LiveReader, Opens
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packets import PacketListener
from ufvideo_sdk.watch.sources.queue_capture import QueueCapture
from ufvideo_sdk.watch.sources.redaction import Redactor, shown_source

_DEVICE = re.compile(r"/dev/video\d+")
_LIVE_SCHEMES = ("rtsp", "rtsps", "http", "https")


def open_capture(
    source: str | os.PathLike[str],
    options: CaptureOptions | None = None,
    listener: PacketListener | None = None,
) -> Capture:
    """Begin to capture a source.

    Args:
        source: A video file; a folder of videos and pictures, which may grow; a device such as
            /dev/video0; a URL of rtsp, rtsps, http or https; or `gst:` and a pipeline of GStreamer.
        options: How it is captured; None: the defaults.
        listener: Is told of its packets, in the reading thread.

    Returns:
        The capture. A camera that cannot be reached is no error: it is told of, and tried again.

    Raises:
        InputError: When the source is none that is captured, or a file that cannot be read.
        ConfigError: When a pipeline is wrong, or GStreamer's Python package is missing.
    """
    options = CaptureOptions() if options is None else options
    if isinstance(source, str) and source.startswith(PREFIX):
        return _camera_capture(source, GstPipeline(source, options), options, listener)
    if is_url(source):
        return _live_capture(os.fspath(source), options, listener)
    path = as_path(source, "source")
    status = status_of(path)
    if _DEVICE.fullmatch(str(path)) or (status is not None and stat.S_ISCHR(status.st_mode)):
        return _camera_capture(str(path), Camera.of_device(str(path), options), options, listener)
    if status is None:
        if "://" in os.fspath(source):
            # Such as a name of a camera that is none before an address, with its password.
            _refuse_address(os.fspath(source), f"a URL of {', '.join(_LIVE_SCHEMES)}")
        raise nothing_there(path, source)
    if stat.S_ISDIR(status.st_mode):
        return _folder_capture(path, options, listener)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"source: expected a file, a folder or a camera, got {path}")
    return _file_capture(path, options, listener)


def _file_capture(
    path: Path, options: CaptureOptions, listener: PacketListener | None
) -> QueueCapture:
    queue = ItemQueue(waiting_s(options) if options.real_time else None)
    return QueueCapture(shown_source(str(path)), queue, FileReader(path, options, queue, listener))


def _folder_capture(
    folder: Path, options: CaptureOptions, listener: PacketListener | None
) -> QueueCapture:
    queue = ItemQueue(waiting_s(options) if options.real_time else None)
    reader = FolderReader(folder, options, queue, listener)
    return QueueCapture(shown_source(str(folder)), queue, reader)


def _live_capture(
    url: str, options: CaptureOptions, listener: PacketListener | None
) -> QueueCapture:
    if url_scheme(url) not in _LIVE_SCHEMES:
        _refuse_address(url, f"a URL of {', '.join(_LIVE_SCHEMES)}")
    _check_address(url)
    return _camera_capture(url, Camera.of_url(url, options), options, listener)


def _check_address(url: str) -> None:
    """Refuse an address that no camera can be behind, which would be tried again for ever.

    Raises:
        InputError: When it names no host, or a port that is none.
    """
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        scheme = url_scheme(url)
        _refuse_address(
            url,
            f"{scheme}://HOST or {scheme}://USER:PASSWORD@HOST:PORT, in a password %2F for / and"
            " %23 for #",
        )


def _refuse_address(address: str, expected: str) -> NoReturn:
    raise InputError(f"source: expected {expected}, got {shown_source(address)}")


def _camera_capture(
    source: str, camera: Opens, options: CaptureOptions, listener: PacketListener | None
) -> QueueCapture:
    queue = ItemQueue(waiting_s(options))
    reader = LiveReader(camera, options, queue, listener, Redactor(source))
    return QueueCapture(shown_source(source), queue, reader)


def waiting_s(options: CaptureOptions) -> float:
    """How long a frame may wait: at least until the next one is due."""
    return max(options.max_age_s, 1.0 / options.sample_fps)
