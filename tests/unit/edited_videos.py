"""MP4 files with other edit lists than the muxer writes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

EMPTY = -1
Edit = tuple[int, int]
"""Duration in the movie's time scale (ms), and where it begins in the media's own, or EMPTY."""


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents of the boxes of a file or of a box."""
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : at + size]
        at += size


def box(kind: bytes, content: bytes) -> bytes:
    """A box with its header."""
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def with_edits(path: Path, copy: Path, edits: Sequence[Edit]) -> Path:
    """Write a copy whose first track has these edits; the movie header must come last."""
    content = path.read_bytes()
    movie = dict(boxes(content))[b"moov"]
    at = content.rindex(box(b"moov", movie))
    assert at + len(movie) + 8 == len(content)
    tracks = 0
    parts = []
    for kind, inside in boxes(movie):
        if kind == b"trak":
            tracks += 1
            inside = _edited(inside, edits) if tracks == 1 else inside
        parts.append(box(kind, inside))
    copy.write_bytes(content[:at] + box(b"moov", b"".join(parts)))
    return copy


def _edited(track: bytes, edits: Sequence[Edit]) -> bytes:
    rows = b"".join(struct.pack(">iiI", *edit, 1 << 16) for edit in edits)
    entry = box(b"edts", box(b"elst", struct.pack(">II", 0, len(edits)) + rows))
    header, *rest = [(kind, inside) for kind, inside in boxes(track) if kind != b"edts"]
    return box(*header) + (entry if edits else b"") + b"".join(box(*each) for each in rest)
