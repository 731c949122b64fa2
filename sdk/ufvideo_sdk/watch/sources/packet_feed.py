"""The packets of one connection: from a key frame on, with times, in sections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import count, pairwise
from typing import Any

from ufvideo_sdk.watch.sources.packets import PacketListener, SectionHeader, SourcePacket
from ufvideo_sdk.watch.sources.section_times import PacketTime, SectionTimes

# Codecs whose packets may bring another configuration, which FFmpeg can take out of them.
_WITH_PARAMETERS = ("h264", "hevc", "av1")
# Packets with times that tell how far apart pictures are: some where they come as they are shown.
_TIMED_IN_ORDER = 2
_TIMED_REORDERED = 4
_START_CODE = b"\0\0\1"
# How far apart pictures are taken to be before anything tells.
_USUAL_STEP_S = Fraction(1, 25)
_NO_HEADER = SectionHeader(-1, "", b"", 0, 0, Fraction(1, 1000))


@dataclass(frozen=True, eq=False)
class TimedPacket:
    """A packet with what its picture will need.

    Attributes:
        packet: PyAV's packet, with a presentation time.
        time: Its times.
        section: Number of its section.
    """

    packet: Any
    time: PacketTime
    section: int


class PacketFeed:
    """Prepares the packets of one connection for a decoder, and tells a listener of them."""

    def __init__(
        self,
        stream: Any,
        times: SectionTimes,
        sections: Iterator[int] | None = None,
        listener: PacketListener | None = None,
        time_base: Fraction | None = None,
    ) -> None:
        """Begin before the first packet.

        Args:
            stream: PyAV's stream.
            times: From presentation times to stream time.
            sections: Numbers of the sections that it begins.
            listener: Is told of them, and of every packet.
            time_base: Seconds of a unit of the packets' times; None: as the stream says.
        """
        self._stream = stream
        self._times = times
        self._sections = count() if sections is None else sections
        self._listener = listener
        self._header = _NO_HEADER
        self._known_units: frozenset[bytes] = frozenset()
        self._held: list[Any] = []
        self._last_pts: int | None = None
        self._offset = 0
        self._time_base = Fraction(stream.time_base) if time_base is None else time_base
        self._step = max(int(_USUAL_STEP_S / self._time_base), 1)
        self._extractor: Any = None
        context = stream.codec_context
        # Not that of its decoder, such as libdav1d.
        self._codec = context.codec.canonical_name
        # An avcC or hvcC record: packets then have lengths in place of start codes.
        is_record = bytes(context.extradata or b"")[:1] == b"\1"
        if self._codec in _WITH_PARAMETERS and not is_record:
            from av import BitStreamFilterContext

            self._extractor = BitStreamFilterContext("extract_extradata", stream)

    @property
    def header(self) -> SectionHeader:
        """The current section; its number is -1 before the first key frame."""
        return self._header

    def prepared(self, packet: Any) -> Iterator[TimedPacket]:
        """Yield packets that are ready to be decoded; the first ones wait for one with a time.

        Args:
            packet: PyAV's packet, as it was read.
        """
        if self._last_pts is None:
            if self._held or packet.is_keyframe:
                self._held.append(packet)
            yield from self._first_ones()
            return
        if packet.pts is None:
            packet.pts = packet.dts if packet.dts is not None else self._last_pts + self._step
        yield self._timed(packet)

    def _first_ones(self) -> Iterator[TimedPacket]:
        """Yield the packets of a connection's beginning, once their times are known.

        The first pictures of a camera may have no times: they are counted back from the next ones.
        """
        timed = [packet for packet in self._held if packet.pts is not None]
        is_in_order = not self._stream.codec_context.has_b_frames
        needed = _TIMED_IN_ORDER if is_in_order else _TIMED_REORDERED
        if not self._held or (self._held[0].pts is None and len(timed) < needed):
            return
        shown = sorted(packet.pts for packet in timed)
        steps = [after - before for before, after in pairwise(shown) if after > before]
        self._step = min(steps, default=self._step)
        held, self._held = self._held, []
        before = held.index(timed[0])
        for number, packet in enumerate(held[:before]):
            packet.pts = shown[0] - self._step * (before - number)
        for packet in _with_decoding_times(held, self._step, is_in_order):
            yield self._timed(packet)

    def begin_section(self, width: int, height: int, extradata: bytes) -> None:
        """Begin a section of a size.

        Args:
            width: Of its pictures in pixels.
            height: Of its pictures in pixels.
            extradata: The codec's parameters.
        """
        self._header = SectionHeader(
            next(self._sections),
            self._codec,
            extradata,
            width,
            height,
            self._time_base,
        )
        self._known_units = _units(extradata)
        if self._listener is not None:
            self._listener.begin(self._header)

    def _timed(self, packet: Any) -> TimedPacket:
        self._follow_parameters(packet)
        self._last_pts = packet.pts
        time = self._times.of(packet.pts, self._time_base, _reference_s(packet))
        # Times of a section go on, though the camera's do not: each is found again by its time.
        self._offset -= round(time.jump_s / self._time_base)
        packet.pts += self._offset
        if packet.dts is not None:
            packet.dts += self._offset
        if self._listener is not None:
            self._listener.packet(
                SourcePacket(
                    self._header.section,
                    bytes(packet),
                    packet.pts,
                    packet.pts if packet.dts is None else packet.dts,
                    bool(packet.is_keyframe),
                    time.time_s,
                )
            )
        return TimedPacket(packet, time, self._header.section)

    def _follow_parameters(self, packet: Any) -> None:
        """Begin a section with the first packet, and where the codec's parameters change."""
        context = self._stream.codec_context
        extradata = bytes(context.extradata or b"")
        if self._header.section < 0:
            found = self._parameters_in(packet) if self._extractor is not None else b""
            size: tuple[int, int] | None = (context.width, context.height)
            if found and not _units(found) <= _units(extradata):
                # The description of the stream is not what is sent.
                size, extradata = _decoded_size(self._codec, found, packet) or size, found
            self.begin_section(*(size or (0, 0)), extradata or found)
            return
        if self._codec == "mjpeg":
            size = _jpeg_size(bytes(packet))
            if size is not None and size != (self._header.width, self._header.height):
                self.begin_section(*size, extradata)
            return
        if self._extractor is None or not packet.is_keyframe:
            return
        found = self._parameters_in(packet)
        if found and not _units(found) <= self._known_units:
            size = _decoded_size(self._codec, found, packet)
            self.begin_section(*(size or (self._header.width, self._header.height)), found)

    def _parameters_in(self, packet: Any) -> bytes:
        """The parameters that a packet begins with; empty if it has none."""
        from av import Packet

        found = b""
        # A filter takes the content of what it is given.
        for filtered in self._extractor.filter(Packet(bytes(packet))):
            if filtered.has_sidedata("new_extradata"):
                found = bytes(filtered.get_sidedata("new_extradata"))
        return found


def _with_decoding_times(packets: list[Any], step: int, is_in_order: bool) -> list[Any]:
    """Fill in decoding times that are missing, counted back from the first one that is known."""
    known = next((i for i, packet in enumerate(packets) if packet.dts is not None), None)
    for number, packet in enumerate(packets[:known]):
        if known is not None and not is_in_order:
            packet.dts = packets[known].dts - step * (known - number)
        elif packet.dts is None:
            packet.dts = packet.pts
    return packets


def _units(extradata: bytes) -> frozenset[bytes]:
    """The units between start codes, whose lengths may differ."""
    return frozenset(unit.rstrip(b"\0") for unit in extradata.split(_START_CODE)) - {b""}


def _decoded_size(codec: str, extradata: bytes, packet: Any) -> tuple[int, int] | None:
    """Width and height of the picture in a key frame; None if it cannot be decoded."""
    import av

    context: Any = av.CodecContext.create(codec, "r")
    context.extradata = extradata
    context.thread_count = 1
    try:
        frames = [*context.decode(packet), *context.decode(None)]
    except av.FFmpegError:
        return None
    return (frames[0].width, frames[0].height) if frames else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG says; None if it says none."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=("JPEG",)) as image:
            width, height = image.size
            return int(width), int(height)
    except (OSError, ValueError, SyntaxError):
        return None


def _reference_s(packet: Any) -> float | None:
    """The producer reference time of a packet, seconds since 1970 in UTC."""
    if not packet.has_sidedata("prft"):
        return None
    # AVProducerReferenceTime: a 64-bit number of microseconds, then flags.
    microseconds = int.from_bytes(bytes(packet.get_sidedata("prft"))[:8], "little", signed=True)
    return microseconds / 1e6 if microseconds > 0 else None
