"""Find every frame of a video file, and what of the file is lost."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.frame_picture import Turn, pixel_aspect_of, turn_of
from ufvideo_sdk.video.listed_frames import (
    ListedPackets,
    Times,
    index_by_decoding,
    index_by_times,
)
from ufvideo_sdk.video.matroska_tiling import broken_places, described_holes
from ufvideo_sdk.video.mp4_tables import TablesUnusableError
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.packet_table import (
    PacketRecord,
    PacketTable,
    num_shown,
    table_of_file,
)
from ufvideo_sdk.video.video_container import ffmpeg_error, reason
from ufvideo_sdk.video.video_damage import described_losses, missing_part
from ufvideo_sdk.video.video_index import VideoIndex
from ufvideo_sdk.video.video_losses import damaged_tail, lost_frames
from ufvideo_sdk.video.video_reading import Reading

# Frames decoded while opening, to see that the packets' times are the frames' times.
PROBE_FRAMES = 16

_LOGGER = logging.getLogger("ufvideo_sdk")


@dataclass(frozen=True)
class FirstPicture:
    """The first frame as it is stored, and how it is shown.

    Attributes:
        height: Rows of pixels.
        width: Pixels of a row.
        turn: What makes it upright.
        pixel_aspect: Width of an upright pixel divided by its height.
    """

    height: int
    width: int
    turn: Turn
    pixel_aspect: Fraction

    @classmethod
    def of(cls, video: OpenVideo, frame: Any) -> FirstPicture:
        """Look at a decoded frame.

        Raises:
            InputError: When it is turned by an angle that is no multiple of 90 degrees.
        """
        turn = turn_of(frame, video.path)
        aspect = pixel_aspect_of(video.stream, frame, turn)
        return cls(frame.height, frame.width, turn, aspect)


@dataclass(frozen=True)
class Survey:
    """What a file holds.

    Attributes:
        index: Its whole frames.
        damage: What is lost, one sentence each.
        read_through: Why the file was read through; empty if its own tables tell what it holds.
        first: Its first whole frame.
        resizes_at_keys: Whether frames change their size at keys only.
    """

    index: VideoIndex
    damage: tuple[str, ...]
    read_through: str
    first: FirstPicture
    resizes_at_keys: bool


@dataclass(frozen=True)
class _Probe:
    """The first frames of a file; whether they are its first packets by time."""

    agrees: bool
    first: FirstPicture | None


def survey_video(video: OpenVideo, file: BinaryIO, times: Times, *, decode_all: bool) -> Survey:
    """List the frames of a file from its packets, or by decoding it if packets do not tell.

    An MP4 or MOV file says in its own tables what packets it has. Other files are read through, and
    so are those whose tables are damaged, differ from the first packets, or do not tell the keys.
    Headers are not believed: an AVI announces 2400 frames for 60, a stream none at all.

    Args:
        video: The file, open.
        file: Its bytes.
        times: The caller's rate or times, float64 [n], for a file without times of its own.
        decode_all: Decode the whole file, to find all of its damage.

    Raises:
        InputError: When the file cannot be read, has no video, no times, or no whole frame; or,
            with `options.strict`, when anything is lost.
    """
    why = "the whole file is decoded to find all damage"
    if not decode_all:
        try:
            return _by_tables(video, file, times)
        except TablesUnusableError as error:
            why = str(error)
    _LOGGER.info("%s is read through: %s", video.path, why)
    return _by_packets(video, file, times, why, decode_all=decode_all)


def _by_tables(video: OpenVideo, file: BinaryIO, times: Times) -> Survey:
    """The survey of a file whose tables list its packets.

    All of these lie in the file, and the last group's are whole. What is left is damage inside of
    them, which decoding shows.

    Raises:
        TablesUnusableError: When the tables do not tell.
    """
    packets = ListedPackets.of(video, table_of_file(file, video))
    _check_times(video, packets, times)
    index = index_by_times(video.path, packets)
    if index is None:
        raise TablesUnusableError("its times do not tell the order of its frames")
    if video.units is None and damaged_tail(video, index):
        raise TablesUnusableError("its last group is damaged")
    probe = _probed(video, index, packets.corrupt)
    if not packets.table.begins_with(video.first_packets):
        raise TablesUnusableError("its first packets are not those of its tables")
    if not probe.agrees or probe.first is None:
        raise TablesUnusableError("its first frames are not its first packets")
    return Survey(index, (), "", probe.first, video.units is not None)


def _by_packets(
    video: OpenVideo, file: BinaryIO, times: Times, why: str, *, decode_all: bool
) -> Survey:
    packets = _read_packets(video, file)
    _check_times(video, packets, times)
    index = None if decode_all else index_by_times(video.path, packets)
    first = None
    damaged: Collection[int] = packets.corrupt
    if index is not None:
        # Before the probe: that opens the file anew, and whoever reads it goes on from there.
        damaged = {*damaged, *damaged_tail(video, index)}
        probe = _probed(video, index, packets.corrupt)
        first = probe.first
        if not probe.agrees:
            index = None
    if index is None:
        first = None
        index, damaged = index_by_decoding(video, packets, times, sees_damage=decode_all)
        if not decode_all:
            damaged = {*damaged, *damaged_tail(video, index)}
    damage = [packets.missing] if packets.missing else []
    if damaged:
        lost = lost_frames(video, index, damaged)
        damage += described_losses(lost, index.timestamps_s)
        if not lost:
            damage.append(f"{len(damaged)} damaged packets show no frame")
        try:
            index = index.without(lost)
        except ValueError:
            raise InputError(
                f"{video.path}: expected a whole frame, all {len(index)} frames are damaged"
            ) from None
        first = None
    if video.options.strict and damage:
        raise InputError(f"{video.path}: expected a whole file: {'; '.join(damage)}")
    if first is None:
        with Reading(video, index, sees_damage=bool(damage)) as reading:
            first = FirstPicture.of(video, reading.frame(0))
    return Survey(index, tuple(damage), why, first, video.units is not None)


def _check_times(video: OpenVideo, packets: ListedPackets, times: Times) -> None:
    if packets.has_times and times is not None:
        raise InputError(
            f"{video.path}: expected no fps and timestamps_s for a file, which has times of its own"
        )
    if not packets.has_times and times is None:
        raise InputError(
            f"{video.path}: expected a video with times, a bare {packets.format_name} stream has"
            " none: give its rate, fps="
        )


def _read_packets(video: OpenVideo, file: BinaryIO) -> ListedPackets:
    records: list[PacketRecord] = []
    stopped = ""
    video.rewind()
    try:
        records += (PacketRecord.of(packet) for packet in video.packets() if packet.size)
    except ffmpeg_error() as error:
        stopped = f"reading failed after {len(records)} frames: {reason(error)}"
    format_name = video.container.format.name
    announced = video.stream.frames
    if len(records) < announced and num_shown(file, video) == len(records):
        announced = len(records)
    missing = missing_part(file, format_name, announced, len(records))
    table = PacketTable.of_records(records)
    if not (~table.is_discard).any():
        raise InputError(f"{video.path}: expected one frame or more, found none")
    if format_name == "gif" and missing:
        # FFmpeg neither marks a GIF's last packet nor notices that its pixels end early.
        table.is_corrupt[-1] = True
    lacks = [missing or stopped] if missing or stopped else []
    if format_name.startswith("matroska"):
        lacks += described_holes(table, broken_places(file), video.stream.time_base)
    return ListedPackets.of(video, table, "; ".join(lacks))


def _probed(video: OpenVideo, index: VideoIndex, corrupt: Collection[int]) -> _Probe:
    """Whether the first frames decoded are the first packets by time.

    They are not if a stream begins in the middle of a group of pictures.
    """
    found: list[int] = []
    first = None
    video.rewind()
    with Reading(video, index) as reading:
        for position, frame in reading.from_beginning():
            if frame.is_corrupt or int(index.ordinals[position]) in corrupt:
                break
            if position == 0:
                first = FirstPicture.of(video, frame)
            found.append(position)
            if len(found) == PROBE_FRAMES:
                break
    is_broken_off = bool(corrupt) and 0 < len(found) < PROBE_FRAMES
    num_expected = len(found) if is_broken_off else min(PROBE_FRAMES, len(index))
    return _Probe(found == list(range(num_expected)), first)
