"""How a source is captured."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.arguments import as_number, described
from ufvideo_sdk.validation.paths import as_path, is_file
from ufvideo_sdk.video.video_container import DEFAULT_MAX_FRAME_PIXELS

FOLDER_ORDERS = ("name", "time")
_TEXTS = ("device_size", "device_format", "tls_ca_file")
_SIZE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")


@dataclass(frozen=True)
class CaptureOptions:
    """How a source is captured. Times are seconds.

    Attributes:
        sample_fps: Frames taken of a second of stream time; the others are counted as "grid".
        real_time: Play a file or a folder no faster than real time.
        max_age_s: A frame of a camera, or of a file in real time, that waits longer is dropped. A
            file that is not played in real time waits instead.
        follow_arrival: Correct a camera's timestamps where they leave the time of arrival. False
            for a server that plays a recording faster than real time.
        stall_s: A camera that sends no new frame for so long has stalled; longer for one that sends
            few: ten times its measured interval.
        frozen_s: A camera that sends one and the same picture for so long has stalled; None: such
            pictures are taken as all others.
        dark_s: A picture that is black for so long is told of; None: it is not.
        open_timeout_s: Longest wait for a connection.
        read_timeout_s: Longest wait for a packet; then the connection is opened anew.
        retry_s: Wait before the first attempt to connect again; it doubles with each one.
        max_retry_s: Longest wait between two attempts.
        refused_retry_s: Wait after a refused password: cameras lock whoever tries too often.
        max_clock_error_s: A camera whose clock differs more from this machine's is not believed.
        folder_order: Files of a folder come in the order of "name" or of "time", the time of their
            last change.
        folder_settle_s: A file of a folder is whole when it has not changed for so long, and nobody
            has it open for writing.
        folder_idle_s: A folder ends when no new file came for so long; None: never.
        picture_fps: Pictures of a folder come so many a second; None: at the times of their last
            change.
        device_size: Size of a device's pictures, such as "1280x720"; None: as it is set.
        device_fps: Pictures a second of a device; None: as it is set.
        device_format: How a device sends them, as FFmpeg names it, such as "mjpeg", "h264" or
            "yuyv422"; None: FFmpeg's choice.
        tls_ca_file: A file of certificates (PEM), one of which must have signed the one of an rtsps
            or https camera; None: any is accepted, for cameras make their own.
        max_frame_pixels: Largest frame that is decoded, in pixels.
    """

    sample_fps: float = 2.0
    real_time: bool = False
    max_age_s: float = 2.0
    follow_arrival: bool = True
    stall_s: float = 2.0
    frozen_s: float | None = 10.0
    dark_s: float | None = 2.0
    open_timeout_s: float = 5.0
    read_timeout_s: float = 3.0
    retry_s: float = 0.25
    max_retry_s: float = 1.5
    refused_retry_s: float = 30.0
    max_clock_error_s: float = 5.0
    folder_order: str = "name"
    folder_settle_s: float = 2.0
    folder_idle_s: float | None = None
    picture_fps: float | None = None
    device_size: str | None = None
    device_fps: float | None = None
    device_format: str | None = None
    tls_ca_file: str | None = None
    max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: When a value is not allowed.
        """
        if self.folder_order not in FOLDER_ORDERS:
            raise ConfigError(
                f"folder_order: expected one of {', '.join(FOLDER_ORDERS)}, got"
                f" {described(self.folder_order)}"
            )
        for name in ("real_time", "follow_arrival"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(
                    f"{name}: expected True or False, got {described(getattr(self, name))}"
                )
        if self.tls_ca_file is not None and not is_file(as_path(self.tls_ca_file, "tls_ca_file")):
            raise ConfigError(
                f"tls_ca_file: expected a file of certificates, found none: {self.tls_ca_file}"
            )
        if self.device_size is not None and not _SIZE.fullmatch(str(self.device_size)):
            raise ConfigError(
                f"device_size: expected width x height such as 1280x720, got"
                f" {described(self.device_size)}"
            )
        may_be_zero = {"retry_s", "max_retry_s", "folder_settle_s", "folder_idle_s"}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, (bool, str)) or field.name in _TEXTS:
                continue
            if value is None and field.default is None:
                continue
            if value is None and field.name in ("frozen_s", "dark_s"):
                continue
            number = as_number(value)
            least_is_zero = field.name in may_be_zero
            if number is None or number < 0 or (number == 0 and not least_is_zero):
                least = "0 or more" if least_is_zero else "more than 0"
                raise ConfigError(
                    f"{field.name}: expected a number, {least}, got {described(value)}"
                )
