"""Which packets of a video are frames, in what order they are shown, and when."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.packet_table import NO_STAMP, PacketTable
from ufvideo_sdk.video.video_container import has_no_times
from ufvideo_sdk.video.video_index import Identity, VideoIndex, check_order, make_index, seconds
from ufvideo_sdk.video.video_reading import Reading

# Packets of these codecs need not be frames: alternate references are never shown.
_HIDDEN_FRAME_CODECS = ("vp8",)
# An AVI has no presentation times, so that the order of these codecs' frames is in the frames only.
_REORDERING_CODECS = ("h264", "hevc", "vvc")
# Times are trusted if at most one frame in 16 comes too late.
_FRAMES_PER_LATE_ONE = 16

Times = NDArray[np.float64] | float | None


@dataclass(frozen=True)
class ListedPackets:
    """The packets of a stream, and what the container says of them.

    Attributes:
        table: The packets.
        format_name: FFmpeg's name of the container.
        codec: FFmpeg's name of the codec.
        time_base: Seconds of a tick of the packets' times.
        reorders: Whether frames may be shown in another order than they are stored.
        has_times: Whether the container has times.
        missing: What the container lacks, empty if nothing.
    """

    table: PacketTable
    format_name: str
    codec: str
    time_base: Fraction
    reorders: bool
    has_times: bool
    missing: str

    @classmethod
    def of(cls, video: OpenVideo, table: PacketTable, missing: str = "") -> ListedPackets:
        """The packets of an open video."""
        context = video.stream.codec_context
        return cls(
            table=table,
            format_name=video.container.format.name,
            codec=context.name,
            time_base=video.stream.time_base,
            reorders=bool(context.has_b_frames),
            has_times=not has_no_times(video.container),
            missing=missing,
        )

    @property
    def is_avi(self) -> bool:
        """Whether FFmpeg guesses the presentation times."""
        return self.format_name == "avi"

    @property
    def corrupt(self) -> frozenset[int]:
        """Ordinals of the packets that the container marks as damaged."""
        return frozenset(np.flatnonzero(self.table.is_corrupt).tolist())


def index_by_times(path: Path, packets: ListedPackets) -> VideoIndex | None:
    """The index by the packets' times, or None if only decoding can tell.

    Raises:
        InputError: When the times start again in the middle.
    """
    table = packets.table
    if not packets.has_times or packets.codec in _HIDDEN_FRAME_CODECS:
        return None
    if packets.is_avi and (packets.reorders or packets.codec in _REORDERING_CODECS):
        return None
    # FFmpeg guesses the presentation times of an AVI; its slots are the decoding times.
    shown = np.flatnonzero(~table.is_discard)
    stamps = (table.dts if packets.is_avi else table.pts)[shown]
    order = np.argsort(stamps, kind="stable")
    if (stamps == NO_STAMP).any() or (np.diff(stamps[order]) == 0).any():
        return None
    # A codec that reorders frames shows none at the time it is decoded: such times were made up.
    is_known = table.dts != NO_STAMP
    are_equal = bool((table.pts == table.dts)[is_known].all())
    if packets.reorders and int(is_known.sum()) > 2 and are_equal:
        return None
    check_order(path, stamps)
    index = make_index(
        table,
        shown[order],
        seconds(stamps[order], packets.time_base),
        Identity.DTS if packets.is_avi else Identity.PTS,
        seeks_by_dts=packets.is_avi,
    )
    return index if index.keys or table.is_key.any() else None


def index_by_decoding(
    video: OpenVideo, packets: ListedPackets, times: Times, *, sees_damage: bool
) -> tuple[VideoIndex, set[int]]:
    """The index by decoding the whole file once, and the ordinals of damaged packets.

    Args:
        video: The file, open.
        packets: Its packets, as they were read through.
        times: The caller's rate or times, float64 [n], for a file without times of its own.
        sees_damage: Find every damaged frame, at the speed of one thread.

    Raises:
        InputError: When no frame decodes, or frames have no times.
    """
    table, num_packets = packets.table, len(packets.table)
    decoded = _decoded(video, packets, sees_damage=sees_damage)
    absent = _absent(video, packets, decoded)
    if not sees_damage and (absent.size or _early_keys(table, decoded).size):
        # Where whole frames are missing others may be damaged, which one thread alone finds.
        closer = _decoded(video, packets, sees_damage=True)
        if absent.size or closer.refused.intersection(_early_keys(table, closer).tolist()):
            decoded = closer
            absent = _absent(video, packets, decoded)
    shown, misplaced = _with_absent(packets, decoded.shown, absent)
    damaged = {*packets.corrupt, *decoded.damaged, *absent.tolist(), *misplaced.tolist()}
    num_places = len(np.unique(np.stack((table.pos, table.size)), axis=1).T)
    has_places = num_places == num_packets and bool((table.pos >= 0).all())
    index = make_index(
        table,
        shown,
        _times_of(video.path, packets, shown, times),
        Identity.PLACE if has_places and packets.has_times else Identity.COUNT,
        seeks_by_dts=packets.is_avi,
    )
    return index, damaged


@dataclass(frozen=True)
class _Decoded:
    """What came of decoding a whole file.

    Attributes:
        shown: Ordinals of the packets that became frames, in display order, int64 [n].
        damaged: Ordinals of those whose frames hide an error.
        has_errors: Whether the decoder refused a packet.
        refused: Ordinals of packets that it refused, which only one thread tells.
        is_interlaced: Whether a frame is made of two fields.
    """

    shown: NDArray[np.int64]
    damaged: frozenset[int]
    has_errors: bool
    refused: frozenset[int]
    is_interlaced: bool


def _decoded(video: OpenVideo, packets: ListedPackets, *, sees_damage: bool) -> _Decoded:
    table, num_packets = packets.table, len(packets.table)
    counted = make_index(table, np.arange(num_packets), np.zeros(num_packets), Identity.COUNT)
    ordinals: dict[int, None] = {}
    damaged = []
    is_interlaced = False
    with Reading(video, counted, sees_damage=sees_damage) as reading:
        for ordinal, frame in reading.from_beginning():
            ordinals[ordinal] = None
            is_interlaced = is_interlaced or frame.interlaced_frame
            if frame.is_corrupt:
                damaged.append(ordinal)
        num_errors, last_error = reading.num_errors, reading.last_error
        refused = frozenset(reading.refused if sees_damage else ())
    if not ordinals:
        said = f": {last_error}" if last_error else ""
        raise InputError(f"{video.path}: expected one frame or more, found none that decodes{said}")
    shown = np.array(list(ordinals), np.int64)
    return _Decoded(shown, frozenset(damaged), num_errors > 0, refused, is_interlaced)


def _early_keys(table: PacketTable, decoded: _Decoded) -> NDArray[np.int64]:
    """Ordinals of keys before the first packet that became a frame, int64 [k]."""
    first = int(decoded.shown.min())
    return np.flatnonzero((table.is_key & ~table.is_discard)[:first])


def _absent(video: OpenVideo, packets: ListedPackets, decoded: _Decoded) -> NDArray[np.int64]:
    """Ordinals of packets that should have become frames and did not, int64 [m].

    Decoders drop some frames rightly: those before the first key, or shown before it, whose
    references lie before the file's beginning, and those that an edit list hides. Others that are
    missing are lost where the decoder refused a packet. HEVC decoders drop frames without saying
    so: for HEVC in a container with one frame per packet, every packet that has a time and yields
    no frame counts as lost.
    """
    table, shown = packets.table, decoded.shown
    is_told = packets.codec == "hevc" and video.is_framed and not decoded.is_interlaced
    if packets.codec in _HIDDEN_FRAME_CODECS or not (decoded.has_errors or is_told):
        return np.zeros(0, np.int64)
    is_absent = ~table.is_discard
    # A key that the decoder refuses is lost with what follows it: that is no stream which begins in
    # the middle of a group.
    first = int(shown.min())
    lost_keys = decoded.refused.intersection(_early_keys(table, decoded).tolist())
    first = min(lost_keys, default=first)
    is_absent[:first] = False
    is_absent[shown] = False
    if (table.pts[~table.is_discard] != NO_STAMP).all():
        is_absent &= table.pts >= min(table.pts[first], table.pts[shown].min())
    return np.flatnonzero(is_absent)


def _with_absent(
    packets: ListedPackets, shown: NDArray[np.int64], absent: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Packets that became frames and those that are lost, put where their times say.

    Beside a lost key a decoder may show a few frames too late. Times that were made up are wrong
    throughout: then the lost packets stay out.

    Returns:
        Ordinals in display order, int64 [n], and those of frames that came too late, int64 [k].
    """
    stamps = packets.table.pts
    both = np.concatenate((shown, absent))
    is_late = stamps[shown] < np.maximum.accumulate(stamps[shown])
    has_order = np.count_nonzero(is_late) <= len(shown) // _FRAMES_PER_LATE_ONE
    if packets.is_avi or not has_order or (stamps[both] == NO_STAMP).any() or not absent.size:
        return shown, shown[:0]
    return both[np.argsort(stamps[both], kind="stable")], shown[is_late]


def _times_of(
    path: Path, packets: ListedPackets, shown: NDArray[np.int64], times: Times
) -> NDArray[np.float64]:
    """Times of the frames in display order: the n-th frame has the n-th of their stamps.

    Where B-frames were written with their decoding times, or in an AVI, a packet's own stamp is
    that of another frame; together they are right.
    """
    if not packets.has_times:
        return _given(path, times, len(shown))
    of_dts = packets.table.dts[shown]
    stamps = of_dts if packets.is_avi else packets.table.pts[shown]
    if (stamps == NO_STAMP).any():
        stamps = of_dts
    num_without = int((stamps == NO_STAMP).sum())
    if num_without:
        raise InputError(
            f"{path}: expected presentation times, {num_without} of {len(shown)}"
            f" frames have none in this {packets.format_name} file; convert it, for example with"
            " ffmpeg -fflags +genpts"
        )
    check_order(path, stamps)
    return seconds(np.sort(stamps), packets.time_base)


def _given(path: Path, times: Times, num_frames: int) -> NDArray[np.float64]:
    if isinstance(times, float):
        return np.arange(num_frames, dtype=np.float64) / times
    given = np.asarray(times, np.float64)
    if given.shape != (num_frames,):
        raise InputError(
            f"{path}: expected {num_frames} timestamps_s, one for each frame, got"
            f" {list(given.shape)}"
        )
    if not np.isfinite(given).all() or (np.diff(given) <= 0).any():
        raise InputError(f"{path}: expected timestamps_s finite and strictly increasing")
    return given
