"""The packets of a video stream: read through, or known from the tables of an MP4 or MOV file."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.video.key_frames import key_test
from ufvideo_sdk.video.mp4_tables import SampleTable, TablesUnusableError, read_sample_table
from ufvideo_sdk.video.opened_file import bytes_at

if TYPE_CHECKING:
    from ufvideo_sdk.video.nal_units import NalUnits
    from ufvideo_sdk.video.open_video import OpenVideo

# A time stamp that a packet does not have, as FFmpeg writes it.
NO_STAMP = -(1 << 63)
# Bytes of a packet that the key test reads.
_HEAD_BYTES = 4096
# A last group with more packets than this is not checked.
_MAX_TAIL_PACKETS = 300
_MAX_STAMP = 1 << 61
_KEY_FLAG, _DISCARD_FLAG = 1, 2
_ENTRY_FIELDS = operator.attrgetter("pos", "timestamp", "size", "flags")


class PacketRecord(NamedTuple):
    """What is known of one packet; its number in the order of the file is its ordinal."""

    pts: int
    dts: int
    pos: int
    size: int
    is_key: bool
    is_discard: bool
    is_corrupt: bool

    @classmethod
    def of(cls, packet: Any) -> PacketRecord:
        """What PyAV says of a packet."""
        return cls(
            NO_STAMP if packet.pts is None else packet.pts,
            NO_STAMP if packet.dts is None else packet.dts,
            -1 if packet.pos is None else packet.pos,
            packet.size,
            packet.is_keyframe,
            packet.is_discard,
            packet.is_corrupt,
        )


@dataclass(frozen=True)
class PacketTable:
    """Packets in the order of the file, one column for each of their properties.

    Attributes:
        pts: Presentation times in the stream's time base, NO_STAMP without one, int64 [n].
        dts: Decoding times, NO_STAMP without one, int64 [n].
        pos: Places in the file, -1: unknown, int64 [n].
        size: Bytes, int64 [n].
        is_key: Whether decoding can begin there, bool [n].
        is_discard: Whether an edit list hides the frame, bool [n].
        is_corrupt: Whether the container marks it as damaged, bool [n].
    """

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    pos: NDArray[np.int64]
    size: NDArray[np.int64]
    is_key: NDArray[np.bool_]
    is_discard: NDArray[np.bool_]
    is_corrupt: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pts)

    @classmethod
    def of_records(cls, records: Sequence[PacketRecord]) -> PacketTable:
        """The table of packets that were read."""
        numbers = np.array(records, np.int64).reshape(len(records), len(PacketRecord._fields)).T
        return cls(*numbers[:4], *numbers[4:].astype(np.bool_))

    def begins_with(self, records: Sequence[PacketRecord]) -> bool:
        """Whether these are its first packets."""
        head = PacketTable.of_records(records)
        return len(head) <= len(self) and all(
            np.array_equal(getattr(head, name), getattr(self, name)[: len(head)])
            for name in PacketRecord._fields
        )


def table_of_file(file: BinaryIO, video: OpenVideo) -> PacketTable:
    """The packets of an MP4 or MOV file by its own tables, without reading them.

    FFmpeg's index has edit lists applied, but no presentation times: those come from the file.
    What a parser would find in the packets is looked for in the keys and in the last group.

    Args:
        file: The file.
        video: The same, as FFmpeg opened it.

    Raises:
        TablesUnusableError: When the tables cannot be relied on, saying why.
    """
    if "mp4" not in video.container.format.name.split(","):
        raise TablesUnusableError("its container format has no sample tables")
    entries = getattr(video.stream, "index_entries", None)
    if entries is None:
        raise TablesUnusableError("this version of PyAV does not show FFmpeg's index")
    try:
        samples = read_sample_table(file, video.stream.id)
        if samples.num_edits > 1:
            raise TablesUnusableError("its edit list shows several parts")
        # An hour of video has 100 000 entries.
        fields = itertools.chain.from_iterable(map(_ENTRY_FIELDS, entries))
        numbers = np.fromiter(fields, np.int64, 4 * len(entries))
        pos, dts, size, flags = np.ascontiguousarray(numbers.reshape(len(entries), 4).T)
        is_key, is_discard = (flags & _KEY_FLAG) != 0, (flags & _DISCARD_FLAG) != 0
        pts = dts + _offsets(samples, pos, size)
        if not len(pts) or int(np.abs(dts).max()) > _MAX_STAMP:
            raise TablesUnusableError("its times are out of range")
        table = PacketTable(pts, dts, pos, size, is_key, is_discard, np.zeros(len(pts), np.bool_))
        _check_packets(file, table, video)
    except OSError as error:
        raise TablesUnusableError(f"reading them failed: {error.strerror}") from None
    return table


def num_shown(file: BinaryIO, video: OpenVideo) -> int | None:
    """Number of packets FFmpeg reads from an MP4 in which no sample is missing.

    Edit lists leave some out.

    Args:
        file: The file.
        video: The same, as FFmpeg opened it.

    Returns:
        Their number; None if the tables do not tell, or samples are missing.
    """
    try:
        read_sample_table(file, video.stream.id)
        return len(video.stream.index_entries)
    except (TablesUnusableError, OSError, AttributeError):
        return None


def _offsets(
    samples: SampleTable, pos: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The composition offset of the sample at each place, int64 [n]."""
    order = np.argsort(samples.positions, kind="stable")
    places = samples.positions[order]
    if (np.diff(places) == 0).any():
        raise TablesUnusableError("two samples share a place")
    if (np.diff(pos) <= 0).any():
        raise TablesUnusableError("its samples are not in the order of the file")
    at = np.minimum(np.searchsorted(places, pos), len(places) - 1)
    found = order[at]
    if not np.array_equal(places[at], pos) or not np.array_equal(samples.sizes[found], size):
        raise TablesUnusableError("FFmpeg's index lists other samples than its tables")
    offsets: NDArray[np.int64] = samples.offsets[found]
    return offsets


def _check_packets(file: BinaryIO, table: PacketTable, video: OpenVideo) -> None:
    """Refuse keys from which decoding cannot begin, and a last group that is no video.

    Raises:
        TablesUnusableError: When there are any, or the codec's packets are not understood.
    """
    context, units = video.stream.codec_context, video.units
    is_key = key_test(context.name, units)
    keys = np.flatnonzero(table.is_key)
    if is_key is None:
        if not context.codec.intra_only or len(keys) < len(table):
            raise TablesUnusableError(
                "key frames of its codec cannot be recognised by a packet's first bytes"
            )
        return
    for key in keys.tolist():
        head = bytes_at(file, int(table.pos[key]), min(int(table.size[key]), _HEAD_BYTES))
        if not is_key(head):
            raise TablesUnusableError(
                "samples that its table marks as key frames are not key frames"
            )
    first = int(keys[-1]) if len(keys) else len(table)
    if units is None or len(table) - first > _MAX_TAIL_PACKETS:
        return
    for number in range(first, len(table)):
        if not _holds_units(file, int(table.pos[number]), int(table.size[number]), units):
            raise TablesUnusableError("its last packets are damaged")


def _holds_units(file: BinaryIO, pos: int, size: int, units: NalUnits) -> bool:
    """Whether the lengths in a packet add up to its size."""
    at, end = pos, pos + size
    while at + units.length_bytes < end:
        length = int.from_bytes(bytes_at(file, at, units.length_bytes), "big")
        if length == 0:
            return False
        at += units.length_bytes + length
    return at == end
