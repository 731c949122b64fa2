"""The sample tables of an MP4 or MOV file (ISO/IEC 14496-12): what it holds, without reading it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

# Beyond these bounds a file is read through instead. Two million samples are 19 hours at 30 frames
# a second, and take about 16 bytes each.
_MAX_TABLE_BYTES = 32 << 20
_MAX_SAMPLES = 1 << 21
_MAX_BOXES = 1000
# As FFmpeg does: larger offsets are damage.
_MAX_COMPOSITION_OFFSET = 1 << 28
_FRAGMENTS = (b"moof", b"mfra", b"sidx", b"styp")
_CONTAINERS = (b"mdia", b"minf", b"stbl", b"dinf", b"edts")


class TablesUnusableError(Exception):
    """The tables are missing, damaged, too large, or do not tell; the message says which."""


@dataclass(frozen=True)
class SampleTable:
    """The samples of a track in decoding order.

    Attributes:
        positions: Where each begins in the file, int64 [n].
        sizes: Its bytes, int64 [n].
        offsets: Its presentation time minus its decoding time, at least 0 as FFmpeg counts the
            latter, in the track's time scale, int64 [n].
        num_edits: Parts of it that its edit list shows, empty ones left out; 0 without a list.
    """

    positions: NDArray[np.int64]
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    num_edits: int


def read_sample_table(file: BinaryIO, track_id: int) -> SampleTable:
    """Read the table of one track, if all samples of all tracks lie in the file.

    Args:
        file: The file.
        track_id: Number of the track.

    Raises:
        TablesUnusableError: When the tables cannot be relied on.
        OSError: When the file cannot be read.
    """
    file_bytes = file.seek(0, os.SEEK_END)
    movie = _movie(file, file_bytes)
    try:
        tracks = [_boxes_of_track(box) for kind, box in _children(movie) if kind == b"trak"]
        if any(kind in (b"mvex", b"cmov") for kind, _ in _children(movie)):
            raise TablesUnusableError("its movie header is compressed or names fragments")
        chosen = [track for track in tracks if _track_id(track) == track_id]
        if len(chosen) != 1:
            raise TablesUnusableError(f"it has {len(chosen)} tracks of number {track_id}")
        for track in tracks:
            if track is not chosen[0]:
                _check_end(track, file_bytes)
        return _table(chosen[0], file_bytes)
    except (IndexError, KeyError, ValueError) as error:
        raise TablesUnusableError(f"its tables are damaged: {error}") from None


def _movie(file: BinaryIO, file_bytes: int) -> bytes:
    at, movie = 0, None
    for _ in range(_MAX_BOXES):
        if at == file_bytes:
            break
        file.seek(at)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(header[8:16], "big"), at + 16
        elif size == 0:
            size = file_bytes - at
        if at + size > file_bytes or at + size < start:
            raise TablesUnusableError("it is cut off, or its boxes are damaged")
        if kind in _FRAGMENTS:
            raise TablesUnusableError("it is fragmented")
        if kind == b"moov":
            if movie is not None or size > _MAX_TABLE_BYTES:
                raise TablesUnusableError("it has two movie headers, or a huge one")
            file.seek(start)
            movie = file.read(at + size - start)
        at += size
    else:
        raise TablesUnusableError(f"it has more than {_MAX_BOXES} boxes")
    if movie is None:
        raise TablesUnusableError("it has no movie header")
    return movie


def _children(content: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kinds and contents of the boxes inside a box.

    Raises:
        ValueError: When one does not fit.
    """
    view, at = memoryview(content), 0
    # QuickTime ends a list of boxes with four zeros.
    while at + 8 <= len(view):
        size, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        if size < 8 or at + size > len(view):
            raise ValueError(f"a box {kind!r} of {size} bytes")
        yield kind, view[at + 8 : at + size]
        at += size


def _boxes_of_track(track: memoryview) -> dict[bytes, memoryview]:
    found: dict[bytes, memoryview] = {}
    unread = [track]
    while unread:
        for kind, content in _children(unread.pop()):
            if kind in _CONTAINERS:
                unread.append(content)
            elif kind in found and kind in (
                b"stsz",
                b"stz2",
                b"stsc",
                b"stco",
                b"co64",
                b"ctts",
                b"elst",
            ):
                raise ValueError(f"two boxes {kind!r} in a track")
            found[kind] = content
    return found


def _track_id(track: Mapping[bytes, memoryview]) -> int:
    header = track[b"tkhd"]
    return int.from_bytes(header[20:24] if header[0] == 1 else header[12:16], "big")


def _numbers(box: memoryview, dtype: str, columns: int, start: int = 8) -> NDArray[np.int64]:
    """Rows of a table whose number is in the four bytes before it, int64 [n, columns]."""
    num_rows = int.from_bytes(box[start - 4 : start], "big")
    num_bytes = num_rows * columns * np.dtype(dtype).itemsize
    if start + num_bytes > len(box):
        raise ValueError(f"a table of {num_rows} rows in {len(box)} bytes")
    rows = np.frombuffer(box[start : start + num_bytes], dtype)
    return rows.astype(np.int64).reshape(num_rows, columns)


def _sample_sizes(track: Mapping[bytes, memoryview]) -> tuple[int, NDArray[np.int64] | int]:
    """The number of samples, and the bytes of each or of all alike."""
    box = track[b"stsz"]
    size, count = int.from_bytes(box[4:8], "big"), int.from_bytes(box[8:12], "big")
    if size:
        return count, size
    if count > _MAX_SAMPLES:
        raise ValueError(f"{count} samples")
    return count, _numbers(box, ">u4", 1, 12)[:, 0]


def _chunks(track: Mapping[bytes, memoryview]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each chunk begins, and how many samples it holds, int64 [n] each."""
    is_large = b"co64" in track
    if is_large == (b"stco" in track):
        raise ValueError("expected one table of chunks")
    starts = _numbers(track[b"co64" if is_large else b"stco"], ">i8" if is_large else ">u4", 1)[
        :, 0
    ]
    runs = _numbers(track[b"stsc"], ">u4", 3)
    firsts = runs[:, 0]
    if len(starts) == 0 and len(runs) == 0:
        return starts, starts
    if len(runs) == 0 or firsts[0] != 1 or (np.diff(firsts) <= 0).any() or firsts[-1] > len(starts):
        raise ValueError("runs of chunks out of order")
    if (runs[:, 2] != 1).any():
        raise TablesUnusableError("its samples have several descriptions")
    return starts, np.repeat(runs[:, 1], np.diff([*firsts, len(starts) + 1]))


def _check_end(track: Mapping[bytes, memoryview], file_bytes: int) -> None:
    """Refuse a track whose samples go beyond the file: reading it ends where the first one does."""
    if b"stsz" not in track and b"stz2" not in track and b"stco" not in track:
        return
    count, size = _sample_sizes(track)
    if isinstance(size, int):
        starts, counts = _chunks(track)
        ends = starts + counts * size
    else:
        starts, sizes = _samples(track, count, size)
        ends = starts + sizes
    if len(ends) and (int(ends.max()) > file_bytes or int(starts.min()) < 0):
        raise TablesUnusableError("samples lie beyond its end")


def _samples(
    track: Mapping[bytes, memoryview], count: int, sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each sample begins, and its bytes, int64 [n] each."""
    starts, counts = _chunks(track)
    if int(counts.sum()) != count or len(sizes) != count:
        raise ValueError(f"{int(counts.sum())} samples in chunks, {len(sizes)} sizes")
    ends = np.cumsum(sizes)
    before = ends - sizes
    firsts = np.cumsum(counts) - counts
    # An empty chunk may come last, behind all samples.
    inside = np.append(before, 0)[firsts]
    return np.repeat(starts - inside, counts) + before, sizes


def _table(track: Mapping[bytes, memoryview], file_bytes: int) -> SampleTable:
    _check_own_data(track)
    count, size = _sample_sizes(track)
    durations = _numbers(track[b"stts"], ">u4", 2)
    if int(durations[:, 0].sum()) != count:
        raise ValueError("decoding times of more or fewer samples")
    if isinstance(size, int):
        if count > _MAX_SAMPLES:
            raise ValueError(f"{count} samples")
        size = np.full(count, size, np.int64)
    positions, sizes = _samples(track, count, size)
    if count == 0 or int(sizes.min()) < 1:
        raise TablesUnusableError("it has empty samples")
    if int(positions.min()) < 0 or int((positions + sizes).max()) > file_bytes:
        raise TablesUnusableError("samples lie beyond its end")
    return SampleTable(positions, sizes, _composition_offsets(track, count), _num_edits(track))


def _check_own_data(track: Mapping[bytes, memoryview]) -> None:
    """Refuse a track that lies in another file."""
    for _, entry in _children(track[b"dref"][8:]):
        if not entry[3] & 1:
            raise TablesUnusableError("its samples lie in another file")


def _composition_offsets(track: Mapping[bytes, memoryview], count: int) -> NDArray[np.int64]:
    """What is added to the decoding time of each sample, int64 [n].

    FFmpeg shifts all decoding times so that no offset is negative, and does not look at the last
    two runs for that.
    """
    if b"ctts" not in track:
        return np.zeros(count, np.int64)
    runs = _numbers(track[b"ctts"], ">i4", 2)
    if (runs[:, 0] <= 0).any() or int(runs[:, 0].sum()) != count:
        raise ValueError("composition times of more or fewer samples")
    if (np.abs(runs[:, 1]) > _MAX_COMPOSITION_OFFSET).any():
        raise ValueError("composition times out of range")
    shift = max(0, -int(runs[:-2, 1].min(initial=0)))
    return np.repeat(runs[:, 1] + shift, runs[:, 0])


def _num_edits(track: Mapping[bytes, memoryview]) -> int:
    box = track.get(b"elst")
    if box is None:
        return 0
    kind = ">i8" if box[0] == 1 else ">i4"
    rows = np.dtype([("length", kind), ("start", kind), ("rate", ">u4")])
    num_rows = int.from_bytes(box[4:8], "big")
    if 8 + num_rows * rows.itemsize > len(box):
        raise ValueError(f"{num_rows} edits in {len(box)} bytes")
    edits = np.frombuffer(box[8 : 8 + num_rows * rows.itemsize], rows)
    return int((edits["start"] >= 0).sum())
