"""Compressed packets of a source, for whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True)
class SectionHeader:
    """What a decoder needs to know of a section's packets.

    Attributes:
        section: Number of the section, from 0.
        codec: FFmpeg's name of the codec, such as "h264".
        extradata: The codec's parameters, as a container holds them; empty without any.
        width: Of the pictures in pixels, as the header says.
        height: Of the pictures in pixels.
        time_base: Seconds of a unit of `pts`.
    """

    section: int
    codec: str
    extradata: bytes
    width: int
    height: int
    time_base: Fraction


@dataclass(frozen=True, eq=False)
class SourcePacket:
    """A packet as it came.

    Attributes:
        section: Number of its section.
        data: Its bytes.
        pts: Presentation time in the section's time base.
        dts: Decoding time in the section's time base.
        is_key: Whether decoding may begin with it.
        time_s: Stream time of its picture.
    """

    section: int
    data: bytes
    pts: int
    dts: int
    is_key: bool
    time_s: float


class PacketListener(Protocol):
    """Is told every packet, in order, in the reading thread; it must not wait."""

    def begin(self, header: SectionHeader) -> None:
        """A section begins."""

    def packet(self, packet: SourcePacket) -> None:
        """A packet came."""
