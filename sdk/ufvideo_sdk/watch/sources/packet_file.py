"""Write the packets of a section to a file as they are, without decoding them."""

from __future__ import annotations

import errno
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.watch.sources.packets import SectionHeader, SourcePacket

# What plays an .mp4 has decoders for these; all else goes into an .mkv.
_MP4_CODECS = ("h264", "hevc", "av1", "mpeg4")
# Names of codecs in Matroska (its codec mappings).
_MATROSKA_NAMES = {
    "h264": b"V_MPEG4/ISO/AVC", "hevc": b"V_MPEGH/ISO/HEVC", "av1": b"V_AV1", "vp9": b"V_VP9",
    "vp8": b"V_VP8", "mjpeg": b"V_MJPEG", "mpeg4": b"V_MPEG4/ISO/ASP", "ffv1": b"V_FFV1",
    "mpeg2video": b"V_MPEG2", "mpeg1video": b"V_MPEG1",
}  # fmt: skip


def can_hold(codec: str) -> bool:
    """Whether a file can be made of a codec's packets.

    Args:
        codec: FFmpeg's name of the codec.
    """
    return codec in _MATROSKA_NAMES


def suffix_for(codec: str) -> str:
    """The suffix of a file that holds a codec: .mp4 where players know it there, otherwise .mkv.

    Args:
        codec: FFmpeg's name of the codec.
    """
    return ".mp4" if codec in _MP4_CODECS else ".mkv"


class PacketFile:
    """A video file with the packets of one section.

    An .mp4 hides packets with negative times, which decoding needs: it begins with the frame at 0.
    An .mkv has no such thing, and wants times from 0 on.
    """

    def __init__(self, path: Path, header: SectionHeader, suffix: str | None = None) -> None:
        """Begin the file.

        Args:
            path: Where to write.
            header: What the packets are.
            suffix: ".mp4" or ".mkv", which decides the format; None: that of `path`.

        Raises:
            InputError: When the codec cannot be written, or the file cannot.
        """
        import av

        is_mp4 = (path.suffix if suffix is None else suffix) == ".mp4"
        options = {"avoid_negative_ts": "disabled", "movflags": "+faststart"} if is_mp4 else {}
        self._path = path
        self._time_base = header.time_base
        self._last_dts: int | None = None
        file_format = "mp4" if is_mp4 else "matroska"
        with _template(header) as template:
            try:
                # "file:" because FFmpeg takes a relative name with a colon for an address.
                self._container: Any = av.open(
                    f"file:{path.absolute()}", "w", format=file_format, options=options
                )
            except (av.FFmpegError, OSError) as error:
                raise self._failed(error) from None
            self._stream: Any = self._container.add_stream_from_template(
                template.streams.video[0], opaque=True
            )
        self._stream.time_base = header.time_base

    def write(
        self, packet: SourcePacket, *, pts: int | None = None, duration: int | None = None
    ) -> None:
        """Append a packet.

        Args:
            packet: In the order of decoding.
            pts: Its time in the file, in the section's time base; None: its own.
            duration: How long its picture is shown; None: until the next one.

        Raises:
            InputError: When FFmpeg cannot write it.
            CapacityError: When the disk is full.
        """
        import av

        written: Any = av.Packet(packet.data)
        pts = packet.pts if pts is None else pts
        dts = pts - max(packet.pts - packet.dts, 0)
        if self._last_dts is not None:
            dts = max(dts, self._last_dts + 1)
        self._last_dts = dts
        written.dts, written.pts = dts, max(pts, dts)
        written.time_base = self._time_base
        written.is_keyframe = packet.is_key
        if duration is not None:
            written.duration = duration
        written.stream = self._stream
        try:
            self._container.mux(written)
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Finish the file.

        Raises:
            InputError: When FFmpeg cannot write it.
            CapacityError: When the disk is full.
        """
        import av

        try:
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None

    def __enter__(self) -> PacketFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _failed(self, error: BaseException) -> InputError | CapacityError:
        reason = getattr(error, "strerror", None) or error
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return CapacityError(f"{self._path}: expected room for packets: {reason}")
        return InputError(f"{self._path}: expected packets that can be written: {reason}")


def _template(header: SectionHeader) -> Any:
    """A container with a stream as the header says, and no packets.

    PyAV makes the stream of a file from another one's, and not from a codec's parameters: so they
    are given to it as the head of a Matroska file (RFC 9559).

    Raises:
        InputError: When the codec has no name there.
    """
    import av

    name = _MATROSKA_NAMES.get(header.codec)
    if name is None:
        known = ", ".join(_MATROSKA_NAMES)
        raise InputError(f"expected packets of one of the codecs {known}, got {header.codec}")
    private = header.extradata
    track = (
        _number("D7", 1)
        + _number("73C5", 1)
        + _number("83", 1)
        + _element("86", name)
        + (_element("63A2", private) if private else b"")
        + _element("E0", _number("B0", header.width) + _number("BA", header.height))
    )
    head = _element("1A45DFA3", _element("4282", b"matroska") + _number("4287", 4))
    segment = _element("1549A966", _number("2AD7B1", 1_000_000))
    segment += _element("1654AE6B", _element("AE", track)) + _element("1F43B675", _number("E7", 0))
    return av.open(BytesIO(head + _element("18538067", segment)), format="matroska")


def _element(identifier: str, content: bytes) -> bytes:
    return bytes.fromhex(identifier) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _number(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


def ticks(seconds: float, time_base: Fraction) -> int:
    """Seconds in units of a time base, rounded."""
    return round(seconds / time_base)
