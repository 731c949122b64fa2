"""Find every frame of a video file, and what of the file is lost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.video_container import (
    SourceOptions,
    ffmpeg_error,
    has_no_times,
    opened,
    reason,
    video_stream,
)
from ufvideo_sdk.video.video_damage import described_losses, missing_part
from ufvideo_sdk.video.video_index import (
    Identity,
    PacketRecord,
    VideoIndex,
    check_order,
    make_index,
    seconds,
)
from ufvideo_sdk.video.video_losses import damaged_tail, lost_frames
from ufvideo_sdk.video.video_reading import Reading

# Frames decoded while opening, to see that the packets' times are the frames' times.
PROBE_FRAMES = 16
# Packets of these codecs need not be frames: alternate references are never shown.
_HIDDEN_FRAME_CODECS = ("vp8",)
# An AVI has no presentation times, so that the order of these codecs' frames is in the frames only.
_REORDERING_CODECS = ("h264", "hevc", "vvc")

Times = NDArray[np.float64] | float | None


@dataclass(frozen=True)
class Survey:
    """What a file holds.

    Attributes:
        index: Its whole frames.
        damage: What is lost, one sentence each.
    """

    index: VideoIndex
    damage: tuple[str, ...]


@dataclass(frozen=True)
class _Packets:
    """The packets of a stream, and what the container says of them."""

    records: list[PacketRecord]
    format_name: str
    codec: str
    time_base: Fraction
    reorders: bool
    has_times: bool
    missing: str
    corrupt: frozenset[int] = field(default_factory=frozenset)

    @property
    def is_avi(self) -> bool:
        return self.format_name == "avi"


def survey_video(
    path: Path, options: SourceOptions, times: Times = None, *, decode_all: bool = False
) -> Survey:
    """List the frames of a file from its packets, or by decoding it where packets do not tell.

    Headers are not believed: an AVI announces 2400 frames for 60, a stream none at all.

    Args:
        path: The file.
        options: Stream, strictness and limits.
        times: The caller's rate or times, float64 [n], for a file without times of its own.
        decode_all: Decode the whole file, to find all of its damage.

    Raises:
        InputError: When the file cannot be read, has no video, no times, or no whole frame; or,
            with `options.strict`, when anything is lost.
    """
    packets = _read_packets(path, options)
    if packets.has_times and times is not None:
        raise InputError(
            f"{path}: expected no fps and timestamps_s for a file, which has times of its own"
        )
    if not packets.has_times and times is None:
        raise InputError(
            f"{path}: expected a video with times, a bare {packets.format_name} stream has none:"
            " give its rate, fps="
        )
    index = None if decode_all else _from_packets(path, packets)
    damaged: Collection[int]
    if index is not None and _probe_agrees(path, options, index, packets.corrupt):
        damaged = packets.corrupt
    else:
        index, damaged = _from_frames(path, options, packets, times, sees_damage=decode_all)
    if not decode_all:
        damaged = {*damaged, *damaged_tail(path, options, index)}
    damage = [packets.missing] if packets.missing else []
    if damaged:
        lost = lost_frames(path, options, index, damaged)
        damage += described_losses(lost, index.timestamps_s)
        if not lost:
            damage.append(f"{len(damaged)} damaged packets show no frame")
        try:
            index = index.without(lost)
        except ValueError:
            raise InputError(
                f"{path}: expected a whole frame, all {len(index)} frames are damaged"
            ) from None
    if options.strict and damage:
        raise InputError(f"{path}: expected a whole file: {'; '.join(damage)}")
    return Survey(index, tuple(damage))


def _read_packets(path: Path, options: SourceOptions) -> _Packets:
    records: list[PacketRecord] = []
    stopped = ""
    with opened(path, options.max_frame_pixels) as container:
        stream = video_stream(container, path, options)
        try:
            for packet in container.demux(stream):
                check_cancelled()
                if packet.size:
                    records.append(
                        PacketRecord(
                            packet.pts,
                            packet.dts,
                            packet.pos,
                            packet.size,
                            packet.is_keyframe,
                            packet.is_discard,
                            packet.is_corrupt,
                        )
                    )
        except ffmpeg_error() as error:
            stopped = f"reading failed after {len(records)} frames: {reason(error)}"
        missing = missing_part(path, container.format.name, stream.frames, len(records))
        if not any(not record.is_discard for record in records):
            raise InputError(f"{path}: expected one frame or more, found none")
        return _Packets(
            records=records,
            format_name=container.format.name,
            codec=stream.codec_context.name,
            time_base=stream.time_base,
            reorders=bool(stream.codec_context.has_b_frames),
            has_times=not has_no_times(container),
            missing=missing or stopped,
            corrupt=_corrupt(records, container.format.name, bool(missing)),
        )


def _corrupt(records: list[PacketRecord], format_name: str, is_cut_off: bool) -> frozenset[int]:
    corrupt = {n for n, record in enumerate(records) if record.is_corrupt}
    if format_name == "gif" and is_cut_off:
        # FFmpeg neither marks a GIF's last packet nor notices that its pixels end early.
        corrupt.add(len(records) - 1)
    return frozenset(corrupt)


def _from_packets(path: Path, packets: _Packets) -> VideoIndex | None:
    """The index by the packets' times, or None where only decoding can tell."""
    records = packets.records
    if not packets.has_times or packets.codec in _HIDDEN_FRAME_CODECS:
        return None
    if packets.is_avi and (packets.reorders or packets.codec in _REORDERING_CODECS):
        return None
    # FFmpeg guesses the presentation times of an AVI; its slots are the decoding times.
    stamp_of = [record.dts if packets.is_avi else record.pts for record in records]
    shown = [n for n, record in enumerate(records) if not record.is_discard]
    stamps = [stamp for n in shown if (stamp := stamp_of[n]) is not None]
    if len(stamps) != len(shown) or len(set(stamps)) != len(stamps):
        return None
    # A codec that reorders frames shows none at the time it is decoded: such times were made up.
    known = [record for record in records if record.dts is not None]
    if packets.reorders and len(known) > 2 and all(r.pts == r.dts for r in known):
        return None
    check_order(path, stamps)
    shown.sort(key=lambda n: stamp_of[n] or 0)
    index = make_index(
        records,
        shown,
        seconds(sorted(stamps), packets.time_base),
        Identity.DTS if packets.is_avi else Identity.PTS,
        seeks_by_dts=packets.is_avi,
    )
    return index if index.keys or any(record.is_key for record in records) else None


def _probe_agrees(
    path: Path, options: SourceOptions, index: VideoIndex, corrupt: Collection[int]
) -> bool:
    """Whether the first frames decoded are the first packets by time.

    They are not where a stream begins in the middle of a group of pictures.
    """
    found: list[int] = []
    with Reading(path, options, index) as reading:
        for position, frame in reading.frames:
            if frame.is_corrupt or int(index.ordinals[position]) in corrupt:
                break
            found.append(position)
            if len(found) == PROBE_FRAMES:
                break
    is_broken_off = bool(corrupt) and 0 < len(found) < PROBE_FRAMES
    num_expected = len(found) if is_broken_off else min(PROBE_FRAMES, len(index))
    return found == list(range(num_expected))


def _from_frames(
    path: Path, options: SourceOptions, packets: _Packets, times: Times, *, sees_damage: bool
) -> tuple[VideoIndex, set[int]]:
    """The index by decoding the whole file once, and the ordinals of damaged packets."""
    records = packets.records
    counted = make_index(records, range(len(records)), np.zeros(len(records)), Identity.COUNT)
    damaged = set(packets.corrupt)
    shown: list[int] = []
    with Reading(path, options, counted, sees_damage=sees_damage) as reading:
        for ordinal, frame in reading.frames:
            shown.append(ordinal)
            if frame.is_corrupt:
                damaged.add(ordinal)
        num_errors, last_error = reading.num_errors, reading.last_error
    if not shown:
        said = f": {last_error}" if last_error else ""
        raise InputError(f"{path}: expected one frame or more, found none that decodes{said}")
    if len(set(shown)) != len(shown):
        shown = list(dict.fromkeys(shown))
    if num_errors and packets.codec not in _HIDDEN_FRAME_CODECS:
        missing = set(range(min(shown), len(records))) - set(shown)
        damaged |= {n for n in missing if not records[n].is_discard}
    places = {(record.pos, record.size) for record in records}
    has_places = len(places) == len(records) and all(r.pos is not None for r in records)
    return (
        make_index(
            records,
            shown,
            _times_of(path, packets, shown, times),
            Identity.PLACE if has_places and packets.has_times else Identity.COUNT,
            seeks_by_dts=packets.is_avi,
        ),
        damaged,
    )


def _times_of(path: Path, packets: _Packets, shown: list[int], times: Times) -> NDArray[np.float64]:
    """Times of the frames in display order: the n-th frame has the n-th of their stamps.

    Where B-frames were written with their decoding times, or in an AVI, a packet's own stamp is
    that of another frame; together they are right.
    """
    if not packets.has_times:
        return _given(path, times, len(shown))
    of_pts = [packets.records[n].pts for n in shown]
    of_dts = [packets.records[n].dts for n in shown]
    stamps = [s for s in (of_dts if packets.is_avi else of_pts) if s is not None]
    if len(stamps) != len(shown):
        stamps = [s for s in of_dts if s is not None]
    if len(stamps) != len(shown):
        raise InputError(
            f"{path}: expected presentation times, {len(shown) - len(stamps)} of {len(shown)}"
            f" frames have none in this {packets.format_name} file; convert it, for example with"
            " ffmpeg -fflags +genpts"
        )
    check_order(path, stamps)
    return seconds(sorted(stamps), packets.time_base)


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
