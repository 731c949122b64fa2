"""Fields and parts of picture files."""

from __future__ import annotations

import struct
import zlib

from tests.mutation.layout import Field, Layout, Order, Unit

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_EXIF_MAGIC = b"Exif\0\0"


def tiff(content: bytes) -> Layout:
    """Tags of all directories, those of EXIF and of sub-directories included."""
    layout = Layout()
    order: Order = "little" if content[:2] == b"II" else "big"
    layout.fields += [Field(0, 2, order), Field(2, 2, order), Field(4, 4, order)]
    pending, seen = [Field(4, 4, order).read(content)], set()
    while pending:
        begin = pending.pop()
        if begin in seen or not 0 < begin < len(content) - 2:
            continue
        seen.add(begin)
        layout.fields.append(Field(begin, 2, order))
        sides = {}
        count = min(Field(begin, 2, order).read(content), (len(content) - begin - 2) // 12)
        for at in range(begin + 2, begin + 2 + 12 * count, 12):
            layout.units.append(Unit(at, at + 12))
            layout.fields += [Field(at, 2, order), Field(at + 2, 2, order)]
            layout.fields += [Field(at + 4, 4, order), Field(at + 8, 4, order)]
            layout.fields.append(Field(at + 8, 2, order))
            tag = Field(at, 2, order).read(content)
            sides[tag] = Field(at + 8, 4, order)
            if tag in (0x8769, 0x8825, 0xA005, 0x014A):
                pending.append(Field(at + 8, 4, order).read(content))
        if {0x100, 0x101} <= sides.keys():
            layout.sizes.append((sides[0x101], sides[0x100]))
        after = Field(begin + 2 + 12 * count, 4, order)
        layout.fields.append(after)
        pending.append(after.read(content))
    return layout


def jpeg(content: bytes) -> Layout:
    """Segments up to the pixels, the frame header's sizes, and EXIF's tags."""
    layout = Layout()
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        length = Field(at + 2, 2, "big")
        end = at + 2 + length.read(content)
        layout.fields += [Field(at + 1, 1, "big"), length]
        layout.units.append(Unit(at, end))
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            layout.fields += [Field(at + 4, 1, "big"), Field(at + 5, 2, "big")]
            layout.fields += [Field(at + 7, 2, "big"), Field(at + 9, 1, "big")]
            layout.sizes.append((Field(at + 5, 2, "big"), Field(at + 7, 2, "big")))
        if marker == 0xE1 and content[at + 4 : at + 10] == _EXIF_MAGIC:
            layout.add(tiff(content[at + 10 : end]), at + 10)
        if marker == 0xDA:
            break
        at = end
    return layout


def png(content: bytes) -> Layout:
    """Chunks, the header's fields, and EXIF's tags."""
    layout = Layout()
    for at, end in _png_chunks(content):
        layout.units.append(Unit(at, end))
        layout.fields += [Field(at, 4, "big"), Field(at + 4, 4, "big")]
        if content[at + 4 : at + 8] == b"IHDR":
            layout.fields += [Field(at + 8, 4, "big"), Field(at + 12, 4, "big")] * 3
            layout.sizes.append((Field(at + 12, 4, "big"), Field(at + 8, 4, "big")))
            layout.fields += [Field(at + 16 + k, 1, "big") for k in range(5)] * 2
        if content[at + 4 : at + 8] == b"eXIf":
            layout.add(tiff(content[at + 8 : end - 4]), at + 8)
    return layout


def with_png_checksums(content: bytes) -> bytes:
    """The file with the CRC of every chunk made right."""
    repaired = bytearray(content)
    for at, end in _png_chunks(content):
        repaired[end - 4 : end] = struct.pack(">I", zlib.crc32(content[at + 4 : end - 4]))
    return bytes(repaired)


def _png_chunks(content: bytes) -> list[tuple[int, int]]:
    chunks = []
    at = len(_PNG_MAGIC)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if end > len(content):
            break
        chunks.append((at, end))
        at = end
    return chunks


def bmp(content: bytes) -> Layout:
    """The headers as integers of 4 and 2 bytes."""
    layout = Layout()
    layout.add_words(2, 54, 4, "little")
    layout.sizes.append((Field(22, 4, "little"), Field(18, 4, "little")))
    layout.fields += [Field(26, 2, "little"), Field(28, 2, "little")] * 3
    return layout
