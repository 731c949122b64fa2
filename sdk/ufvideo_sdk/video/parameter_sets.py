"""What the configuration of an H.264 or HEVC decoder says of its stream's packets."""

from __future__ import annotations

# Profiles whose parameter sets say the chroma format (ITU-T H.264, 7.3.2.1.1).
_WITH_CHROMA_FORMAT = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_MAX_ZEROS = 32


def h264_config(extradata: bytes) -> tuple[int, list[bytes]]:
    """Read an avcC record (ISO/IEC 14496-15, 5.3.3.1).

    Args:
        extradata: The record, or units with start codes.

    Returns:
        Size of the lengths in front of units, and the sequence parameter sets; 0 and none for
        units with start codes.

    Raises:
        IndexError: When it is cut off.
    """
    if extradata[0] != 1:
        return 0, []
    sets, at = [], 6
    for _ in range(extradata[5] & 0x1F):
        size = int.from_bytes(extradata[at : at + 2], "big")
        sets.append(extradata[at + 2 : at + 2 + size])
        at += 2 + size
    extradata[at]  # the number of picture parameter sets follows
    return (extradata[4] & 3) + 1, sets


def hevc_config(extradata: bytes) -> tuple[int, int]:
    """Read an hvcC record (ISO/IEC 14496-15, 8.3.3.1).

    Args:
        extradata: The record, or units with start codes.

    Returns:
        Size of the lengths in front of units, and the number of temporal layers, 0: unknown; 0 and
        0 for units with start codes.

    Raises:
        IndexError: When it is cut off.
    """
    if extradata[0] != 1:
        return 0, 0
    return (extradata[21] & 3) + 1, extradata[21] >> 3 & 7


def is_progressive(parameter_set: bytes) -> bool:
    """Whether every picture is a frame, never a field (frame_mbs_only_flag).

    Args:
        parameter_set: A sequence parameter set of H.264 with its header (ITU-T H.264, 7.3.2.1.1).

    Raises:
        IndexError, ValueError: When it is damaged.
    """
    bits = _Bits(parameter_set[1:].replace(b"\0\0\3", b"\0\0"))
    profile = bits.number(8)
    bits.number(16)
    bits.unsigned()
    if profile in _WITH_CHROMA_FORMAT:
        chroma_format = bits.unsigned()
        if chroma_format == 3:
            bits.number(1)
        bits.unsigned()
        bits.unsigned()
        bits.number(1)
        if bits.number(1):
            for number in range(12 if chroma_format == 3 else 8):
                if bits.number(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.unsigned()
    order_kind = bits.unsigned()
    if order_kind == 0:
        bits.unsigned()
    elif order_kind == 1:
        bits.number(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), 256)):
            bits.signed()
    bits.unsigned()
    bits.number(1)
    bits.unsigned()
    bits.unsigned()
    return bits.number(1) == 1


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


class _Bits:
    """Reads numbers of few bits, from the highest bit on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self, num_bits: int) -> int:
        """The next bits as a number."""
        value = 0
        for _ in range(num_bits):
            value = value << 1 | self._content[self._at >> 3] >> (7 - self._at % 8) & 1
            self._at += 1
        return value

    def unsigned(self) -> int:
        """The next Exp-Golomb number (ITU-T H.264, 9.1)."""
        zeros = 0
        while not self.number(1):
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise ValueError("a number of too many bits")
        return (1 << zeros) - 1 + self.number(zeros)

    def signed(self) -> int:
        """The next signed Exp-Golomb number."""
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)
