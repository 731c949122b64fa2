"""Open a camera with PyAV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ufvideo_sdk.video.video_container import decoder_limit
from ufvideo_sdk.watch.sources.options import CaptureOptions

# With these a stream is open in half a second in place of five, and its first frames come at once.
_RTSP_QUICK = {"analyzeduration": "500000", "probesize": "200000", "fpsprobesize": "0"}
_HLS_SUFFIXES = (".m3u8", ".m3u")
# A playlist is read again once a segment, which may be so long; a segment comes as one burst.
_SEGMENT_S = 12.0
HLS_STALL_S = 3 * _SEGMENT_S


class NothingSentError(Exception):
    """A connection stands, and no picture can be made of what comes."""


@dataclass(frozen=True, eq=False)
class Camera:
    """What is opened, and how. Its repr does not show the address.

    Attributes:
        address: URL or device, with credentials.
        options: How a source is captured.
        file_format: FFmpeg's name of the format; None: it finds out.
        is_segmented: Whether it comes in segments of many seconds, as HLS does.
    """

    address: str
    options: CaptureOptions
    file_format: str | None = None
    is_segmented: bool = False

    @classmethod
    def of_url(cls, url: str, options: CaptureOptions) -> Camera:
        """A camera behind a URL of rtsp, rtsps, http or https."""
        try:
            path = urlsplit(url).path.lower()
        except ValueError:
            path = url
        return cls(url, options, None, path.endswith(_HLS_SUFFIXES))

    @classmethod
    def of_device(cls, path: str, options: CaptureOptions) -> Camera:
        """A camera of this machine, such as /dev/video0."""
        return cls(path, options, "v4l2")

    @property
    def read_limit_s(self) -> float:
        """How long a read may take."""
        read_s = self.options.read_timeout_s
        return max(read_s, HLS_STALL_S) if self.is_segmented else read_s

    def opened(self, beat: Callable[[], None]) -> Any:
        """Open it.

        Args:
            beat: Is called between the steps, each of which may take as long as the limits say.

        Returns:
            PyAV's container.

        Raises:
            NothingSentError: When it has no video whose size is known.
            OSError, av.FFmpegError: As PyAV; their texts hold credentials.
        """
        scheme = self.address.partition(":")[0].lower()
        settings = self._settings(scheme)
        quick = _RTSP_QUICK if scheme in ("rtsp", "rtsps") else {}
        for extra in (quick, {}):
            container = self._open(settings | extra)
            if _has_video(container):
                return container
            # The parameters of its codec came later than it was looked for.
            container.close()
            beat()
            if not quick:
                break
        raise NothingSentError("no video came whose size is known")

    def __repr__(self) -> str:
        """Without the address, which may hold a password."""
        return f"Camera({self.file_format or 'URL'})"

    def _settings(self, scheme: str) -> dict[str, str]:
        limit_us = str(round(self.options.open_timeout_s * 1e6))
        settings = {"max_pixels": str(decoder_limit(self.options.max_frame_pixels))}
        if scheme in ("rtsp", "rtsps"):
            settings |= {"rtsp_transport": "tcp", "timeout": limit_us, "flags": "low_delay"}
            settings["protocol_whitelist"] = "rtsp,rtp,tcp,udp,tls,https,http"
        elif scheme in ("http", "https"):
            settings |= {"rw_timeout": limit_us, "flags": "low_delay"}
            settings["protocol_whitelist"] = "http,https,tcp,tls,crypto"
        return settings

    def _open(self, settings: dict[str, str]) -> Any:
        import av

        limits = (self.options.open_timeout_s, self.read_limit_s)
        return av.open(self.address, format=self.file_format, options=settings, timeout=limits)


def is_refusal(error: BaseException) -> bool:
    """Whether a camera refused a password, or the lack of one."""
    from av import error as errors

    return isinstance(error, (errors.HTTPUnauthorizedError, errors.HTTPForbiddenError))


def _has_video(container: Any) -> bool:
    return any(
        stream.codec_context is not None and stream.codec_context.width > 0
        for stream in container.streams.video
    )
