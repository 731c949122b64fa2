"""A Matroska file of one video track whose every packet is in the file as soon as it is written.

FFmpeg's muxer keeps the latest packets until a cluster is full, which a killed process loses, and
it takes no codec parameters without an open source. The elements are those of RFC 9559.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ufvideo_sdk.watch.recording.length_prefixed import avc_configuration, length_prefixed
from ufvideo_sdk.watch.sources.packets import SectionHeader, SourcePacket

# FFmpeg's name of a codec -> Matroska's (RFC 9559, codec mappings of Matroska).
_CODEC_IDS = {
    "h264": "V_MPEG4/ISO/AVC",
    "hevc": "V_MPEGH/ISO/HEVC",
    "av1": "V_AV1",
    "vp8": "V_VP8",
    "vp9": "V_VP9",
    "mjpeg": "V_MJPEG",
    "mpeg4": "V_MPEG4/ISO/ASP",
    "mpeg2video": "V_MPEG2",
    "mpeg1video": "V_MPEG1",
    "ffv1": "V_FFV1",
}
_MICROSECOND = 1_000_000
_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def can_write(header: SectionHeader) -> bool:
    """Whether Matroska has a name for a section's codec."""
    return header.codec in _CODEC_IDS


class MatroskaWriter:
    """Writes packets of one section; each is whole in the file when `write` returns."""

    def __init__(self, path: Path, header: SectionHeader) -> None:
        """Create the file.

        Args:
            path: A file that does not exist.
            header: Of the section.

        Raises:
            OSError: When it cannot be written.
        """
        self._header = header
        private, self._has_start_codes = header.extradata, False
        # HEVC with start codes is kept so, which FFmpeg and what is made of it read.
        if header.codec == "h264" and not private.startswith(b"\x01"):
            configuration = avc_configuration(private)
            self._has_start_codes = configuration is not None
            private = configuration or private
        self._file: BinaryIO = path.open("xb", buffering=0)
        self.num_bytes = 0
        self._append(_head(header, private))

    def write(self, packet: SourcePacket, offset_us: int) -> None:
        """Add a packet in a cluster of its own; a file that cannot take it whole is cut back.

        Args:
            packet: Of the section.
            offset_us: What is taken from its time, in microseconds of the section.

        Raises:
            OSError: When it cannot be written.
        """
        time_us = max(microseconds(packet.pts, self._header) - offset_us, 0)
        data = length_prefixed(packet.data) if self._has_start_codes else packet.data
        block = b"\x81\0\0" + (b"\x80" if packet.is_key else b"\0") + data
        content = _unsigned(b"\xe7", time_us) + _element(b"\xa3", block)
        self._append(_element(b"\x1f\x43\xb6\x75", content))

    def close(self) -> None:
        """Close the file; closing again is fine."""
        self._file.close()

    def _append(self, content: bytes) -> None:
        try:
            done = 0
            while done < len(content):
                done += self._file.write(content[done:]) or 0
        except OSError:
            self._file.truncate(self.num_bytes)
            raise
        self.num_bytes += len(content)


def microseconds(pts: int, header: SectionHeader) -> int:
    """Return a time of a section in whole microseconds."""
    return round(pts * header.time_base * _MICROSECOND)


def _head(header: SectionHeader, private: bytes) -> bytes:
    """Everything before the first cluster."""
    video = _unsigned(b"\xb0", header.width) + _unsigned(b"\xba", header.height)
    track = [
        _unsigned(b"\xd7", 1),  # TrackNumber
        _unsigned(b"\x73\xc5", 1),  # TrackUID
        _unsigned(b"\x83", 1),  # TrackType: video
        _unsigned(b"\x9c", 0),  # FlagLacing
        _element(b"\x86", _CODEC_IDS[header.codec].encode()),
        _element(b"\xe0", video),
    ]
    if private:
        track.append(_element(b"\x63\xa2", private))
    application = _element(b"\x4d\x80", b"ufvideo") + _element(b"\x57\x41", b"ufvideo")
    info = _unsigned(b"\x2a\xd7\xb1", 1000) + application  # TimestampScale, nanoseconds
    tracks = _element(b"\xae", b"".join(track))
    ebml = (
        _element(b"\x42\x82", b"matroska") + _unsigned(b"\x42\x87", 4) + _unsigned(b"\x42\x85", 2)
    )
    return b"".join(
        [
            _element(b"\x1a\x45\xdf\xa3", ebml),
            b"\x18\x53\x80\x67" + _UNKNOWN_SIZE,  # Segment, up to the end of the file
            _element(b"\x15\x49\xa9\x66", info),
            _element(b"\x16\x54\xae\x6b", tracks),
        ]
    )


def _element(name: bytes, content: bytes) -> bytes:
    return name + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _unsigned(name: bytes, value: int) -> bytes:
    content = value.to_bytes(max((value.bit_length() + 7) // 8, 1), "big")
    return name + (len(content) | 0x80).to_bytes(1, "big") + content
