"""The frames of a video file: their presentation times, and how a packet tells which one it is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.packet_table import NO_STAMP, PacketTable

# Integers below this are float64 numbers, so that one division rounds once.
_EXACT_FLOATS = 1 << 53


class Identity(Enum):
    """What tells the packets of a stream apart, wherever reading began."""

    PTS = "presentation time stamp"
    DTS = "decoding time stamp"
    PLACE = "place and size in the file"
    # Nothing does: packets are counted from the beginning, and no jump is possible.
    COUNT = "number from the beginning"

    @property
    def is_stamp(self) -> bool:
        """Whether it is a time, by which frames are shown in order: then each packet is a frame."""
        return self in (Identity.PTS, Identity.DTS)

    def of(self, packet: Any, number: int) -> Hashable:
        """The identity of a packet, the `number`-th of its stream if read from the beginning.

        Args:
            packet: PyAV's packet.
            number: How many were read before it.
        """
        if self is Identity.PTS:
            return packet.pts  # type: ignore[no-any-return]
        if self is Identity.DTS:
            return packet.dts  # type: ignore[no-any-return]
        return (packet.pos, packet.size) if self is Identity.PLACE else number

    def column(self, packets: PacketTable, shown: NDArray[np.int64]) -> list[Hashable]:
        """The identities of packets of a table.

        Args:
            packets: The table.
            shown: Their ordinals, int64 [n].
        """
        if self is Identity.COUNT:
            return shown.tolist()  # type: ignore[no-any-return]
        if self is Identity.PLACE:
            places = packets.pos[shown].tolist(), packets.size[shown].tolist()
            return list(zip(*places, strict=True))
        stamps = packets.pts if self is Identity.PTS else packets.dts
        return stamps[shown].tolist()  # type: ignore[no-any-return]


class _Increasing(Mapping[Hashable, int]):
    """The position of each of increasing numbers, without a dictionary of all."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def __getitem__(self, number: Hashable) -> int:
        if isinstance(number, int):
            position = bisect_left(self._numbers, number)
            if position < len(self._numbers) and self._numbers[position] == number:
                return position
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


@dataclass(frozen=True)
class VideoIndex:
    """Frames in display order; a frame's position in it is its index.

    Attributes:
        timestamps_s: Presentation time of each frame in seconds, never decreasing, float64 [n].
        ordinals: Ordinal of the packet of each frame, int64 [n].
        identity: What tells packets apart.
        position_of: Position of the frame of each packet, by identity. Packets without a frame, or
            with one that is left out, are missing.
        keys: Positions of frames from which decoding can begin, ascending.
        seek_stamps: Where to seek for each of `keys`, in the stream's time base.
    """

    timestamps_s: NDArray[np.float64]
    ordinals: NDArray[np.int64]
    identity: Identity
    position_of: Mapping[Hashable, int]
    keys: tuple[int, ...]
    seek_stamps: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.timestamps_s)

    @property
    def holds_frames(self) -> bool:
        """Whether each packet is one frame."""
        return self.identity.is_stamp

    def key_number(self, position: int) -> int:
        """Number of the last of `keys` at or before a position; -1 if there is none."""
        return bisect_right(self.keys, position) - 1

    def without(self, lost: Collection[int]) -> VideoIndex:
        """The index of the other frames, which close up.

        Raises:
            ValueError: When no frame is left.
        """
        keep = np.ones(len(self), np.bool_)
        keep[list(lost)] = False
        if not keep.any():
            raise ValueError("no frame is left")
        new_position = np.cumsum(keep) - 1
        keys = [(k, s) for k, s in zip(self.keys, self.seek_stamps, strict=True) if keep[k]]
        return VideoIndex(
            timestamps_s=self.timestamps_s[keep],
            ordinals=self.ordinals[keep],
            identity=self.identity,
            position_of={
                key: int(new_position[old]) for key, old in self.position_of.items() if keep[old]
            },
            keys=tuple(int(new_position[key]) for key, _ in keys),
            seek_stamps=tuple(stamp for _, stamp in keys),
        )


def seconds(stamps: NDArray[np.int64], time_base: Fraction) -> NDArray[np.float64]:
    """Time stamps, int64 [n], in seconds, float64 [n], each correctly rounded."""
    numerator, denominator = time_base.numerator, time_base.denominator
    largest = max(int(stamps.max(initial=0)), -int(stamps.min(initial=0))) * numerator
    if largest < _EXACT_FLOATS and denominator < _EXACT_FLOATS:
        return (stamps * numerator).astype(np.float64) / denominator
    exact = [stamp * numerator / denominator for stamp in stamps.tolist()]
    return np.array(exact, np.float64)


def make_index(
    packets: PacketTable,
    shown: NDArray[np.int64],
    timestamps_s: NDArray[np.float64],
    identity: Identity,
    *,
    seeks_by_dts: bool = False,
) -> VideoIndex:
    """An index of frames that are known in display order.

    Args:
        packets: All packets in the order of the file.
        shown: Ordinals of the packets that are shown, in display order, int64 [n].
        timestamps_s: Their times, float64 [n].
        identity: What tells the packets apart.
        seeks_by_dts: Whether the container seeks by decoding times.
    """
    keys = np.flatnonzero(packets.is_key[shown])
    of_keys = shown[keys]
    stamps = packets.dts[of_keys]
    if not seeks_by_dts:
        stamps = np.where(packets.pts[of_keys] == NO_STAMP, stamps, packets.pts[of_keys])
    identities: list[Any] = identity.column(packets, shown)
    is_usable = (stamps != NO_STAMP) & (identity is not Identity.COUNT)
    return VideoIndex(
        timestamps_s=timestamps_s,
        ordinals=shown,
        identity=identity,
        position_of=(
            _Increasing(identities)
            if identity.is_stamp
            else {each: position for position, each in enumerate(identities)}
        ),
        keys=tuple(keys[is_usable].tolist()),
        seek_stamps=tuple(stamps[is_usable].tolist()),
    )


def check_order(path: object, stamps: NDArray[np.int64], max_reorder: int = 64) -> None:
    """Refuse time stamps that start again: two recordings in one file would be interleaved.

    Args:
        path: For the message.
        stamps: One for each packet or frame, in the order of the file, int64 [n].
        max_reorder: Frames that a codec may reorder at most, with room.

    Raises:
        InputError: Naming the first frame that is out of place.
    """
    order = np.argsort(stamps, kind="stable")
    moved = np.abs(order - np.arange(len(order)))
    if moved.size and int(moved.max()) > max_reorder:
        number = int(np.flatnonzero(moved > max_reorder)[0])
        raise InputError(
            f"{path}: expected presentation times that grow, they start again (near frame"
            f" {number}): the file holds two recordings; write them into two files"
        )
