"""What a video file has lost: whether it is cut off, and how that is said."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.matroska_tiling import segment_end

# More damaged spans than these are counted, not listed.
_MAX_LISTED = 5


class DamagedFramesError(InputError):
    """A frame was asked for that does not decode whole."""


def missing_part(file: BinaryIO, format_name: str, announced: int, found: int) -> str:
    """What a container lacks of the length that it announces exactly; empty if nothing.

    Args:
        file: The file's bytes.
        format_name: FFmpeg's name of the format.
        announced: Packets of the stream by the container's index; 0: it does not say.
        found: Packets that were read.
    """
    if "mp4" in format_name.split(",") and found < announced:
        return f"expected {announced} frames by its index, found {found}: the file is cut off"
    missing_bytes = _missing_bytes(file, format_name)
    if missing_bytes:
        return (
            f"expected {missing_bytes} more bytes by its header, the file is cut off after"
            f" {found} frames"
        )
    return ""


def described_losses(lost: Iterable[int], timestamps_s: NDArray[np.float64]) -> list[str]:
    """One sentence for each run of lost frames.

    Args:
        lost: Positions of the lost frames.
        timestamps_s: Presentation time of every frame, lost ones included, float64 [n].
    """
    runs = list(_runs(sorted(lost)))
    lines = []
    for run in runs[:_MAX_LISTED]:
        first_s, last_s = timestamps_s[run[0]], timestamps_s[run[-1]]
        if len(run) == 1:
            lines.append(f"the frame at {first_s:.3f} s is damaged and left out")
        else:
            lines.append(
                f"{len(run)} frames from {first_s:.3f} s to {last_s:.3f} s are damaged or refer to"
                " damaged ones and are left out"
            )
    if len(runs) > _MAX_LISTED:
        more = sum(len(run) for run in runs[_MAX_LISTED:])
        lines.append(f"{more} more damaged frames in {len(runs) - _MAX_LISTED} places are left out")
    return lines


def _runs(positions: Sequence[int]) -> Iterable[list[int]]:
    for _, group in itertools.groupby(enumerate(positions), lambda pair: pair[1] - pair[0]):
        yield [position for _, position in group]


def _missing_bytes(file: BinaryIO, format_name: str) -> int:
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(4096)
    file.seek(max(size_bytes - 16, 0))
    tail = file.read(16)
    if format_name == "gif":
        return 0 if b"\x3b" in tail.rstrip(b"\0")[-1:] else 1
    if format_name == "avi" and head[:4] == b"RIFF":
        return max(int.from_bytes(head[4:8], "little") + 8 - size_bytes, 0)
    if format_name.startswith("matroska"):
        return max(segment_end(head) - size_bytes, 0)
    return 0
