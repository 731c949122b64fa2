"""Which packets of an H.264 or HEVC stream are keys, and which no other frame refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ufvideo_sdk.video.parameter_sets import h264_config, hevc_config, is_progressive

_START_CODE = b"\0\0\1"
# Kinds of units: H.264 (ITU-T H.264, table 7-1) and HEVC (ITU-T H.265, table 7-1).
_H264_SLICE, _H264_IDR, _H264_SEI, _H264_SPS = 1, 5, 6, 7
_H264_SLICES = range(1, 6)
_H264_BESIDE_SLICES = frozenset((_H264_SEI, 9, 12))
_RECOVERY_POINT = 6
_HEVC_UNREFERENCED = frozenset((0, 2, 4, 6, 8))
_HEVC_BESIDE_SLICES = frozenset((35, 38, 39, 40))
_HEVC_KEYS = range(16, 24)
_HEVC_SLICES = range(32)


class StreamChangedError(Exception):
    """A packet holds another configuration than the stream began with."""


@dataclass(frozen=True)
class NalUnits:
    """How to read the packets of one stream.

    Attributes:
        is_hevc: HEVC; H.264 otherwise.
        length_bytes: Size of the length in front of each unit; 0: start codes separate them.
        may_skip: Whether a packet is a whole frame for certain, and tells whether another frame
            refers to it.
        parameter_sets: The sequence parameter sets of H.264 that `may_skip` was derived from.
    """

    is_hevc: bool
    length_bytes: int
    may_skip: bool
    parameter_sets: frozenset[bytes] = field(default_factory=frozenset)

    @classmethod
    def of_stream(cls, codec: str, extradata: bytes | None) -> NalUnits | None:
        """Read a decoder's configuration; None if it is of another codec, or damaged.

        Args:
            codec: FFmpeg's name of the codec.
            extradata: An avcC or hvcC record, or units with start codes.
        """
        if not extradata:
            return None
        try:
            if codec == "hevc":
                length_bytes, num_layers = hevc_config(extradata)
                return cls(True, length_bytes, may_skip=num_layers == 1)
            if codec == "h264":
                length_bytes, units = h264_config(extradata)
                plain = cls(False, length_bytes, may_skip=False)
                if length_bytes == 0:
                    units = [bytes(unit) for unit in plain.split(extradata)]
                sets = frozenset(u.rstrip(b"\0") for u in units if u and u[0] & 0x1F == _H264_SPS)
                may_skip = bool(sets) and all(is_progressive(each) for each in sets)
                return cls(False, length_bytes, may_skip, sets)
        except (IndexError, ValueError):
            pass
        return None

    def split(self, packet: bytes | memoryview) -> Iterator[memoryview]:
        """Yield the units of a packet, or of the beginning of one.

        Raises:
            ValueError: When a unit is empty.
        """
        view = memoryview(packet)
        at = 0
        while self.length_bytes and at + self.length_bytes < len(view):
            size = int.from_bytes(view[at : at + self.length_bytes], "big")
            if size == 0:
                raise ValueError("a unit of no bytes")
            at += self.length_bytes
            yield view[at : at + size]
            at += size
        if not self.length_bytes:
            starts = [at + len(_START_CODE) for at in _start_codes(bytes(view))]
            for start, following in zip(starts, [*starts[1:], len(view) + 3], strict=True):
                if following - 3 > start:
                    yield view[start : following - 3]

    def is_key(self, head: bytes) -> bool:
        """Whether decoding can begin with a frame, decided as FFmpeg's parsers do.

        Args:
            head: The first bytes of its packet.
        """
        recovers = False
        try:
            for unit in self.split(head):
                if self.is_hevc:
                    kind = unit[0] >> 1 & 0x3F
                    if kind in _HEVC_SLICES:
                        return kind in _HEVC_KEYS
                    continue
                kind = unit[0] & 0x1F
                if kind == _H264_SEI:
                    recovers = recovers or _RECOVERY_POINT in _messages(unit)
                elif kind in _H264_SLICES:
                    return kind == _H264_IDR or recovers
        except (IndexError, ValueError):
            pass
        return False

    def is_unreferenced(self, packet: bytes | memoryview) -> bool:
        """Whether a packet is a frame that no other one refers to, and holds nothing else.

        Args:
            packet: All of its bytes.

        Raises:
            StreamChangedError: When `may_skip` may no longer be true.
        """
        if not self.may_skip:
            return False
        has_slices, has_others = False, False
        try:
            for unit in self.split(packet):
                kind = unit[0] >> 1 & 0x3F if self.is_hevc else unit[0] & 0x1F
                if self.is_hevc:
                    # Of the base layer and the only temporal one.
                    is_slice = kind in _HEVC_UNREFERENCED and not unit[0] & 1 and unit[1] == 1
                    has_others |= not is_slice and kind not in _HEVC_BESIDE_SLICES
                else:
                    self._check(unit)
                    is_slice = kind == _H264_SLICE and not unit[0] & 0x60
                    has_others |= not is_slice and kind not in _H264_BESIDE_SLICES
                has_slices |= is_slice
                if has_others and kind in (_HEVC_SLICES if self.is_hevc else _H264_SLICES):
                    return False
        except (IndexError, ValueError):
            return False
        return has_slices and not has_others

    def _check(self, unit: memoryview) -> None:
        if unit[0] & 0x1F == _H264_SPS and bytes(unit).rstrip(b"\0") not in self.parameter_sets:
            raise StreamChangedError


def _start_codes(content: bytes) -> Iterator[int]:
    at = content.find(_START_CODE)
    while at >= 0:
        yield at
        at = content.find(_START_CODE, at + len(_START_CODE))


def _messages(unit: memoryview) -> Iterator[int]:
    """Kinds of the messages in a unit of supplemental information (ITU-T H.264, 7.3.2.3.1)."""
    content = bytes(unit[1:]).replace(b"\0\0\3", b"\0\0")
    at = 0
    # The last byte ends the unit.
    while at + 2 < len(content):
        kind = size = 0
        while content[at] == 0xFF:
            kind, at = kind + 0xFF, at + 1
        kind, at = kind + content[at], at + 1
        while content[at] == 0xFF:
            size, at = size + 0xFF, at + 1
        size, at = size + content[at], at + 1
        yield kind
        at += size
