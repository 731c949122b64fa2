"""Fields and parts of container files: boxes, chunks, elements, packets."""

from __future__ import annotations

from tests.mutation import picture_layouts
from tests.mutation.layout import Field, Layout, Unit

_BOX_PARENTS = (
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf", b"moof", b"traf",
    b"mvex", b"ipro", b"iprp", b"ipco",
)  # fmt: skip
# Bytes between the header of a box and the boxes in it.
_BOX_PREFIX = {b"stsd": 8, b"meta": 4, b"avc1": 78, b"hvc1": 78, b"hev1": 78, b"mp4v": 78}
_MAX_WORDS = 40
# Elements of Matroska that hold elements: Segment, SeekHead, Seek, Info, Tracks, TrackEntry, Video,
# Cluster, BlockGroup, Cues, CuePoint, CueTrackPositions, the EBML header, Tags, Tag, SimpleTag.
_ELEMENT_PARENTS = frozenset(
    (
        0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0xA0,
        0x1C53BB6B, 0xBB, 0xB7, 0x1A45DFA3, 0x1254C367, 0x7373, 0x67C8,
    )
)  # fmt: skip
TS_PACKET_BYTES = 188


def boxes(content: bytes) -> Layout:
    """Boxes of MP4, MOV and AVIF."""
    layout = Layout()
    _add_boxes(content, 0, len(content), (), layout)
    return layout


def _add_boxes(content: bytes, at: int, end: int, sizes: tuple[Field, ...], layout: Layout) -> None:
    while at + 8 <= end:
        size = Field(at, 4, "big")
        box_end = at + size.read(content)
        if not at + 8 <= box_end <= end:
            return
        layout.units.append(Unit(at, box_end, sizes))
        layout.fields.append(size)
        name = content[at + 4 : at + 8]
        inner = at + 8 + _BOX_PREFIX.get(name, 0)
        if name in _BOX_PARENTS or name in _BOX_PREFIX:
            layout.add_words(at + 8, inner, 4, "big")
            layout.add_words(at + 8, inner, 2, "big")
            _add_boxes(content, inner, box_end, (*sizes, size), layout)
        elif name != b"mdat":
            layout.add_words(at + 8, min(box_end, at + 8 + 4 * _MAX_WORDS), 4, "big")
        at = box_end


def riff(content: bytes) -> Layout:
    """Chunks of AVI and WebP."""
    layout = Layout()
    whole = Field(4, 4, "little")
    layout.fields.append(whole)
    _add_chunks(content, 12, len(content), (whole,), layout)
    return layout


def _add_chunks(
    content: bytes, at: int, end: int, sizes: tuple[Field, ...], layout: Layout
) -> None:
    while at + 8 <= end:
        size = Field(at + 4, 4, "little")
        data_end = at + 8 + size.read(content)
        chunk_end = data_end + data_end % 2
        if chunk_end > end:
            return
        name = content[at : at + 4]
        layout.units.append(Unit(at, chunk_end, sizes))
        layout.fields.append(size)
        if name == b"LIST":
            _add_chunks(content, at + 12, data_end, (*sizes, size), layout)
        elif name == b"EXIF":
            layout.add(picture_layouts.tiff(content[at + 8 : data_end]), at + 8)
        elif content[at + 8 : at + 10] == b"\xff\xd8":
            layout.add(picture_layouts.jpeg(content[at + 8 : data_end]), at + 8)
        elif not name.endswith((b"dc", b"db")):
            layout.add_words(at + 8, min(data_end, at + 8 + 4 * _MAX_WORDS), 4, "little")
            layout.add_words(at + 8, min(data_end, at + 24), 2, "little")
            if name == b"strf":
                layout.sizes.append((Field(at + 16, 4, "little"), Field(at + 12, 4, "little")))
            elif name == b"VP8X":
                layout.sizes.append((Field(at + 15, 3, "little"), Field(at + 12, 3, "little")))
            elif name == b"VP8 ":
                layout.sizes.append((Field(at + 16, 2, "little"), Field(at + 14, 2, "little")))
        at = chunk_end


def elements(content: bytes) -> Layout:
    """Elements of Matroska and WebM."""
    layout = Layout()
    _add_elements(content, 0, len(content), (), layout)
    return layout


def _add_elements(
    content: bytes, at: int, end: int, sizes: tuple[Field, ...], layout: Layout
) -> None:
    while at < end:
        id_bytes = 9 - content[at].bit_length()
        size_at = at + id_bytes
        if id_bytes > 4 or size_at >= end or content[size_at] == 0:
            return
        size_bytes = 9 - content[size_at].bit_length()
        size = Field(size_at, size_bytes, "big")
        value = size.read(content) & ((1 << 7 * size_bytes) - 1)
        begin = size_at + size_bytes
        # All ones: unknown, up to the end of what it lies in.
        element_end = end if value == (1 << 7 * size_bytes) - 1 else begin + value
        if element_end > end:
            return
        name = int.from_bytes(content[at:size_at], "big")
        layout.units.append(Unit(at, element_end, sizes))
        layout.fields.append(size)
        if name in _ELEMENT_PARENTS:
            _add_elements(content, begin, element_end, (*sizes, size), layout)
        elif 0 < value <= 8:
            layout.fields.append(Field(begin, value, "big"))
        else:
            layout.add_words(begin, min(element_end, begin + 16), 1, "big")
        at = element_end


def packets(content: bytes) -> Layout:
    """Packets of a transport stream, their headers and the first bytes behind."""
    layout = Layout()
    for at in range(0, len(content) - TS_PACKET_BYTES + 1, TS_PACKET_BYTES):
        layout.units.append(Unit(at, at + TS_PACKET_BYTES))
        layout.add_words(at, at + 4, 1, "big")
        if content[at + 1] & 0x40:
            layout.add_words(at + 4, at + 48, 1, "big")
    return layout


def start_codes(content: bytes) -> Layout:
    """What stands behind each start code of MPEG-1, MPEG-2 and MPEG-4 video and program streams."""
    layout = Layout()
    at = content.find(b"\0\0\1")
    while at >= 0:
        after = content.find(b"\0\0\1", at + 3)
        end = len(content) if after < 0 else after
        layout.units.append(Unit(at, end))
        layout.add_words(at + 3, min(end, at + 16), 1, "big")
        at = after
    return layout


def gif(content: bytes) -> Layout:
    """The screen's and the pictures' sizes and places, and the delays between pictures."""
    layout = Layout()
    layout.sizes.append((Field(8, 2, "little"), Field(6, 2, "little")))
    layout.fields += [Field(6, 2, "little"), Field(8, 2, "little"), Field(10, 1, "little")] * 3
    for mark, size in ((b"\0,", 9), (b"\x21\xf9\x04", 4)):
        at = content.find(mark)
        while at >= 0:
            begin = at + len(mark)
            layout.units.append(Unit(begin, begin + size))
            if size == 9:
                layout.sizes.append((Field(begin + 6, 2, "little"), Field(begin + 4, 2, "little")))
            layout.add_words(begin, begin + size - 1, 2, "little")
            at = content.find(mark, begin)
    return layout


def tags(content: bytes) -> Layout:
    """Tags of FLV: type, size, time, and the first bytes of their data."""
    layout = Layout()
    at = 13
    while at + 11 <= len(content):
        size = Field(at + 1, 3, "big")
        end = at + 11 + size.read(content) + 4
        layout.units.append(Unit(at, min(end, len(content))))
        layout.fields += [
            Field(at, 1, "big"),
            size,
            Field(at + 4, 3, "big"),
            Field(at + 7, 1, "big"),
        ]
        layout.add_words(at + 11, min(end, at + 22), 1, "big")
        at = end
    return layout
