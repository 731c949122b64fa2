"""The frames of a video file: their presentation times, and how a packet tells which one it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError


class Identity(Enum):
    """What tells the packets of a stream apart, wherever reading began."""

    PTS = "presentation time stamp"
    DTS = "decoding time stamp"
    PLACE = "place and size in the file"
    # Nothing does: packets are counted from the beginning, and no jump is possible.
    COUNT = "number from the beginning"

    def of(self, packet: Any, number: int) -> Hashable:
        """The identity of a packet, the `number`-th of its stream if read from the beginning."""
        if self is Identity.PTS:
            return packet.pts  # type: ignore[no-any-return]
        if self is Identity.DTS:
            return packet.dts  # type: ignore[no-any-return]
        return (packet.pos, packet.size) if self is Identity.PLACE else number


class PacketRecord(NamedTuple):
    """One packet of the stream in the order of the file; its number is its ordinal."""

    pts: int | None
    dts: int | None
    pos: int | None
    size: int
    is_key: bool
    is_discard: bool
    is_corrupt: bool


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


def seconds(stamps: Sequence[int], time_base: Fraction) -> NDArray[np.float64]:
    """Time stamps in seconds, float64 [n], each correctly rounded."""
    numerator, denominator = time_base.numerator, time_base.denominator
    return np.array([stamp * numerator / denominator for stamp in stamps], np.float64)


def make_index(
    records: Sequence[PacketRecord],
    shown: Sequence[int],
    timestamps_s: NDArray[np.float64],
    identity: Identity,
    *,
    seeks_by_dts: bool = False,
) -> VideoIndex:
    """An index of frames that are known in display order.

    Args:
        records: All packets in the order of the file.
        shown: Ordinals of the packets that are shown, in display order.
        timestamps_s: Their times, float64 [n].
        identity: What tells the packets apart.
        seeks_by_dts: Whether the container seeks by decoding times.
    """
    identities = [identity.of(record, ordinal) for ordinal, record in enumerate(records)]
    keys: list[tuple[int, int]] = []
    for position, ordinal in enumerate(shown):
        record = records[ordinal]
        first = record.dts if seeks_by_dts or record.pts is None else record.pts
        if record.is_key and first is not None:
            keys.append((position, first))
    if identity is Identity.COUNT:
        keys = []
    return VideoIndex(
        timestamps_s=timestamps_s,
        ordinals=np.array(shown, np.int64),
        identity=identity,
        position_of={identities[ordinal]: position for position, ordinal in enumerate(shown)},
        keys=tuple(position for position, _ in keys),
        seek_stamps=tuple(stamp for _, stamp in keys),
    )


def check_order(path: object, stamps: Sequence[int], max_reorder: int = 64) -> None:
    """Refuse time stamps that start again: two recordings in one file would be interleaved.

    Args:
        path: For the message.
        stamps: One for each packet or frame, in the order of the file.
        max_reorder: Frames that a codec may reorder at most, with room.

    Raises:
        InputError: Naming the first frame that is out of place.
    """
    order = np.argsort(np.array(stamps, np.int64), kind="stable")
    moved = np.abs(order - np.arange(len(order)))
    if moved.size and int(moved.max()) > max_reorder:
        number = int(np.flatnonzero(moved > max_reorder)[0])
        raise InputError(
            f"{path}: expected presentation times that grow, they start again (near frame"
            f" {number}): the file holds two recordings; write them into two files"
        )
