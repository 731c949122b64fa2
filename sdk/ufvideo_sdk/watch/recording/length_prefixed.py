"""H.264 with start codes, as networks send it, with lengths in their place, as Matroska has it."""

from __future__ import annotations

_START_CODE = b"\0\0\1"
_SEQUENCE, _PICTURE = 7, 8


def avc_configuration(extradata: bytes) -> bytes | None:
    """Return an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).

    Args:
        extradata: Parameter sets with start codes before them.

    Returns:
        The record; None if there is no sequence parameter set.
    """
    units = _units(extradata)
    sequences = [unit for unit in units if unit[0] & 31 == _SEQUENCE and len(unit) >= 4]
    pictures = [unit for unit in units if unit[0] & 31 == _PICTURE]
    if not sequences or len(sequences) > 31 or len(pictures) > 255:
        return None
    head = b"\x01" + sequences[0][1:4] + b"\xff" + bytes([0xE0 | len(sequences)])
    return head + _listed(sequences) + bytes([len(pictures)]) + _listed(pictures)


def length_prefixed(data: bytes) -> bytes:
    """Return a packet with four bytes of length before each unit in place of its start code."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in _units(data))


def _units(data: bytes) -> list[bytes]:
    """The units between start codes; no unit ends with a zero byte (ISO/IEC 14496-10, 7.4.1)."""
    return [unit for each in data.split(_START_CODE)[1:] if (unit := each.rstrip(b"\0"))]


def _listed(units: list[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
