"""Open a camera with PyAV."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

from ufvideo_sdk.video.video_container import decoder_limit
from ufvideo_sdk.watch.sources.decoding import Decoding
from ufvideo_sdk.watch.sources.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.sources.frame_intake import FrameIntake
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packet_feed import PacketFeed
from ufvideo_sdk.watch.sources.packet_file import can_hold
from ufvideo_sdk.watch.sources.packets import PacketListener
from ufvideo_sdk.watch.sources.section_times import SectionTimes

# With these a stream is open in half a second in place of five, and its first frames come at once.
_RTSP_QUICK = {"analyzeduration": "500000", "probesize": "200000", "fpsprobesize": "0"}
_HLS_SUFFIXES = (".m3u8", ".m3u")
# A playlist is read again once a segment, which may be so long; a segment comes as one burst.
_SEGMENT_S = 12.0
HLS_STALL_S = 3 * _SEGMENT_S


_WITHOUT_TIMES = ("mpjpeg", "mjpeg", "jpeg_pipe", "image2pipe", "h264", "hevc", "m4v", "mpegvideo")
_MICROSECOND = Fraction(1, 1_000_000)


@dataclass(frozen=True, eq=False)
class SessionParts:
    """What the packets and frames of one connection go to.

    Attributes:
        times: From presentation times to stream time.
        sections: Numbers of sections.
        intake: Takes the frames.
        queue: Where frames wait.
        listener: Is told of packets; None: nobody is.
        admit: See `FrameIntake.frame`.
    """

    times: SectionTimes
    sections: Iterator[int]
    intake: FrameIntake
    queue: ItemQueue
    listener: PacketListener | None
    admit: Callable[[float, float], bool]


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
            if _video_streams(container):
                return container
            # The parameters of its codec came later than it was looked for.
            container.close()
            beat()
            if not quick:
                break
        raise NothingSentError("no video came whose size is known")

    def steps(self, container: Any, parts: SessionParts) -> Iterator[None]:
        """Read it, a packet a step: each is handled when the next one is asked for.

        Args:
            container: What `opened` returned.
            parts: What its packets and frames go to.
        """
        from av.stream import Discard

        stream = max(_video_streams(container), key=_num_pixels)
        for other in container.streams:
            if other.index != stream.index:
                # Of a playlist every quality would be fetched, and not only the best.
                other.discard = Discard.all
        # A thread for each core would not be faster, and is one for each camera.
        stream.codec_context.thread_count = 1
        is_raw = not can_hold(stream.codec_context.codec.canonical_name)
        encoder = FrameEncoder(parts.listener) if is_raw and parts.listener else None
        # Pictures one behind the other and bare streams have no times: FFmpeg counts 25 a second.
        counts_time = container.format.name in _WITHOUT_TIMES
        feed = PacketFeed(
            stream,
            parts.times,
            parts.sections,
            None if is_raw else parts.listener,
            _MICROSECOND if counts_time else None,
        )
        decoding = Decoding(
            stream.codec_context, feed, parts.intake, parts.queue, parts.admit, encoder
        )
        for packet in container.demux(stream):
            if counts_time:
                packet.pts = packet.dts = time.monotonic_ns() // 1000
            yield
            if packet.size:
                decoding.packet(packet)
        decoding.finish()

    def is_recorded(self, container: Any) -> bool:
        """Whether it is a file on a server, which has an end.

        Args:
            container: What `opened` returned.
        """
        return self.address.lower().startswith("http") and container.duration is not None

    def is_over(self, container: Any) -> bool:
        """Whether nothing follows what has been read to its end."""
        return self.is_recorded(container)

    def __repr__(self) -> str:
        """Without the address, which may hold a password."""
        return f"Camera({self.file_format or 'URL'})"

    def _settings(self, scheme: str) -> dict[str, str]:
        limit_us = str(round(self.options.open_timeout_s * 1e6))
        settings = {"max_pixels": str(decoder_limit(self.options.max_frame_pixels))}
        if scheme in ("rtsp", "rtsps"):
            settings |= {"rtsp_transport": "tcp", "timeout": limit_us, "flags": "low_delay"}
            settings["allowed_media_types"] = "video"
            settings["protocol_whitelist"] = "rtsp,rtp,tcp,udp,tls,https,http"
        elif scheme in ("http", "https"):
            settings |= {"rw_timeout": limit_us, "flags": "low_delay"}
            settings["protocol_whitelist"] = "http,https,tcp,tls,crypto"
        if self.file_format == "v4l2":
            asked = {
                "video_size": self.options.device_size,
                "framerate": self.options.device_fps,
                "input_format": self.options.device_format,
            }
            settings |= {name: str(value) for name, value in asked.items() if value is not None}
        if self.options.tls_ca_file is not None:
            settings |= {"tls_verify": "1", "ca_file": self.options.tls_ca_file}
        return settings

    def _open(self, settings: dict[str, str]) -> Any:
        import av

        limits = (self.options.open_timeout_s, self.read_limit_s)
        return av.open(self.address, format=self.file_format, options=settings, timeout=limits)


def is_refusal(error: BaseException) -> bool:
    """Whether a camera refused a password, or the lack of one."""
    from av import error as errors

    return isinstance(error, (errors.HTTPUnauthorizedError, errors.HTTPForbiddenError))


def _video_streams(container: Any) -> list[Any]:
    """Its streams of video whose size is known."""
    streams = [each for each in container.streams.video if each.codec_context is not None]
    return [each for each in streams if each.codec_context.width > 0]


def _num_pixels(stream: Any) -> int:
    return int(stream.codec_context.width * stream.codec_context.height)
