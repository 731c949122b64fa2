"""Whether decoding can begin with a packet, by its first bytes."""

from __future__ import annotations

from collections.abc import Callable

from ufvideo_sdk.video.nal_units import NalUnits

KeyTest = Callable[[bytes], bool]

_MPEG4_PICTURE = b"\0\0\1\xb6"
# Kinds of AV1's units (AV1 specification, 6.2.2): frame header, frame.
_AV1_FRAMES = (3, 6)


def key_test(codec: str, units: NalUnits | None) -> KeyTest | None:
    """The test for the packets of a codec in an MP4 file; None if there is none.

    Args:
        codec: FFmpeg's name of the decoder.
        units: The units of H.264 and HEVC packets.
    """
    if units is not None:
        return units.is_key if units.length_bytes else None
    if codec == "vp9":
        return _is_vp9_key
    if codec == "mpeg4":
        return _is_mpeg4_key
    return _is_av1_key if "av1" in codec or "dav1d" in codec else None


def _is_vp9_key(head: bytes) -> bool:
    """VP9 bitstream specification, 6.2."""
    first = head[0] if head else 0
    # A reserved bit follows profile 3.
    flags = first >> 1 & 3 if first >> 4 & 3 == 3 else first >> 2 & 3
    return first >> 6 == 2 and flags == 0


def _is_mpeg4_key(head: bytes) -> bool:
    """ISO/IEC 14496-2, 6.2.5."""
    at = head.find(_MPEG4_PICTURE)
    return 0 <= at < len(head) - 4 and head[at + 4] >> 6 == 0


def _is_av1_key(head: bytes) -> bool:
    """AV1 specification, 5.3 and 5.9: a key frame that is shown."""
    at = 0
    try:
        while True:
            header = head[at]
            at += 2 if header & 4 else 1
            if not header & 2:
                # Without a size it is the last one.
                return header >> 3 & 15 in _AV1_FRAMES and head[at] >> 4 == 1
            size = shift = 0
            while head[at] & 0x80:
                size |= (head[at] & 0x7F) << shift
                at, shift = at + 1, shift + 7
            size |= head[at] << shift
            at += 1
            if header >> 3 & 15 in _AV1_FRAMES:
                return head[at] >> 4 == 1
            at += size
    except IndexError:
        return False
