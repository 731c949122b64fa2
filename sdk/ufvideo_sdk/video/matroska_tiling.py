"""Elements of a Matroska file: where they end, and where they do not join.

FFmpeg passes over such a place in silence.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.video.opened_file import bytes_at
from ufvideo_sdk.video.packet_table import NO_STAMP, PacketTable

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
# An identifier of up to four bytes and a size of up to eight.
_HEADER_BYTES = 12
# More broken places than these are counted, not listed.
_MAX_LISTED = 5


def broken_places(file: BinaryIO) -> list[int]:
    """Bytes at which no element begins though one ends there, as a hole in the file makes them.

    The elements of the segment and those of its clusters follow each other without a gap. Every
    element that a standard may add has an identifier and a size too, so that a whole file has no
    such place. What lies inside of frames is not looked at.

    Args:
        file: The file; it may have any format.

    Returns:
        Places, ascending; reading goes on at the next cluster. Empty for other formats.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    at, places = 0, []
    cluster_end: int | None = None
    while at < size_bytes:
        check_cancelled()
        if cluster_end is not None and at >= cluster_end:
            if at > cluster_end:
                places.append(cluster_end)
                at = cluster_end
            cluster_end = None
        found = _element(bytes_at(file, at, _HEADER_BYTES))
        if at == 0 and (found is None or found[0] != _EBML):
            return []
        if found is None:
            places.append(at)
            at, cluster_end = _next_cluster(file, at + 1, size_bytes), None
            continue
        identifier, length, header = found
        if identifier in (_SEGMENT, _CLUSTER):
            at += header
            is_closed = identifier == _CLUSTER and length is not None
            cluster_end = at + (length or 0) if is_closed else None
        elif length is None:
            # Only a segment or a cluster may be written before its size is known.
            places.append(at)
            at, cluster_end = _next_cluster(file, at + 1, size_bytes), None
        else:
            at += header + length
    return places


def described_holes(table: PacketTable, places: Sequence[int], time_base: Fraction) -> list[str]:
    """One sentence for each broken place: between which frames some may be missing.

    The first packet behind one is marked as damaged unless it is a key: it may refer to what is
    missing.

    Args:
        table: The packets that FFmpeg delivers.
        places: Bytes at which the file is broken.
        time_base: Seconds of a tick of the packets' times.
    """

    def in_s(stamp: np.int64) -> str:
        return f"{float(int(stamp) * time_base):.3f} s"

    _mark_first_behind(table, places)
    stamps = np.where(table.pts == NO_STAMP, table.dts, table.pts)
    lines = []
    for place in places[:_MAX_LISTED]:
        before, behind = stamps[table.pos < place], stamps[table.pos >= place]
        span = ""
        if len(before) and len(behind):
            span = f" between {in_s(before.max())} and {in_s(behind.min())}"
        elif len(before) or len(behind):
            is_end = len(before) > 0
            span = f" after {in_s(before.max())}" if is_end else f" before {in_s(behind.min())}"
        lines.append(f"the file is broken at byte {place}, frames{span} may be missing")
    if len(places) > _MAX_LISTED:
        lines.append(f"it is broken in {len(places) - _MAX_LISTED} more places")
    return lines


def segment_end(head: bytes) -> int:
    """Where the segment ends by its own header; 0 if it does not say (live streams) or is none.

    Args:
        head: First bytes of the file, of any format.
    """
    first = _element(head)
    if first is None or first[0] != _EBML:
        return 0
    start = first[2] + (first[1] or 0)
    segment = _element(head[start:])
    if segment is None or segment[0] != _SEGMENT or not segment[1]:
        return 0
    return start + segment[2] + segment[1]


def _mark_first_behind(table: PacketTable, places: Sequence[int]) -> None:
    # All places at once: a hostile file may have as many as packets.
    first = np.searchsorted(np.maximum.accumulate(table.pos), places)
    first = first[first < len(table.pos)]
    table.is_corrupt[first[~table.is_key[first]]] = True


def _element(head: bytes) -> tuple[int, int | None, int] | None:
    """Identifier, size (None: unknown) and bytes of an element's header; None if it is none."""
    if not head or head[0] < 0x10:
        return None
    id_bytes = 9 - head[0].bit_length()
    if len(head) <= id_bytes or head[id_bytes] == 0:
        return None
    size_bytes = 9 - head[id_bytes].bit_length()
    header = id_bytes + size_bytes
    raw = int.from_bytes(head[id_bytes:header], "big")
    limit = 1 << (7 * size_bytes)
    value = raw & (limit - 1)
    return int.from_bytes(head[:id_bytes], "big"), None if value == limit - 1 else value, header


def _next_cluster(file: BinaryIO, at: int, size_bytes: int) -> int:
    """Where the next cluster begins; the file's end if none does."""
    mark = _CLUSTER.to_bytes(4, "big")
    tail = b""
    while at < size_bytes:
        check_cancelled()
        read = bytes_at(file, at, 1 << 20)
        if not read:
            break
        block = tail + read
        found = block.find(mark)
        if found >= 0:
            return at - len(tail) + found
        at += len(read)
        tail = block[-3:]
    return size_bytes
