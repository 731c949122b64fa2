"""Which frames of a damaged video are lost: the damaged ones, and those that refer to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.video_index import VideoIndex
from ufvideo_sdk.video.video_reading import Reading

# The last frames are decoded while opening if they are no more than these: a tail is what a
# recording loses most often.
_MAX_TAIL_FRAMES = 300


def damaged_tail(video: OpenVideo, index: VideoIndex) -> set[int]:
    """Ordinals of the packets behind the last key that do not become whole frames."""
    if not len(index.keys) or len(index) - index.keys[-1] > _MAX_TAIL_FRAMES:
        return set()
    with Reading(video, index, sees_damage=True) as reading:
        is_inside = index.keys[-1] > 0
        frames = reading.jump(len(index.keys) - 1) if is_inside else reading.from_beginning()
        seen = {position: frame.is_corrupt for position, frame in frames}
        num_errors = reading.num_errors
    first = index.keys[-1]
    if seen:
        first = max(first, min(seen))
    elif not num_errors:
        return set()
    bad = [at for at in range(first, len(index)) if seen.get(at, True)]
    return {int(index.ordinals[at]) for at in bad}


def lost_frames(video: OpenVideo, index: VideoIndex, damaged: Iterable[int]) -> set[int]:
    """Positions of damaged frames and of those that may refer to them.

    After a damaged packet frames are whole again when decoding from a later key yields them.
    """
    lost: set[int] = set()
    keys = sorted((int(index.ordinals[key]), number) for number, key in enumerate(index.keys))
    behind = -1
    bad = sorted(damaged)
    not_keys = set(bad)
    position_of = {ordinal: at for at, ordinal in enumerate(index.ordinals.tolist())}
    with Reading(video, index, sees_damage=True) as reading:
        for ordinal in bad:
            if ordinal < behind or position_of.get(ordinal) in lost:
                continue
            following = [(o, n) for o, n in keys if o > ordinal and o not in not_keys]
            restart = _restart(reading, following, not_keys, index)
            behind, first_whole = restart if restart else (1 << 62, 1 << 62)
            is_lost = (index.ordinals >= ordinal) & (
                (index.ordinals < behind)
                | ((np.arange(len(index)) < first_whole) & (index.ordinals >= behind))
            )
            lost |= {int(position) for position in np.flatnonzero(is_lost)}
    return lost


def _restart(
    reading: Reading,
    keys: Iterable[tuple[int, int]],
    damaged: Collection[int],
    index: VideoIndex,
) -> tuple[int, int] | None:
    """The first key from which whole frames come: its ordinal, and the first such position."""
    for ordinal, number in keys:
        for position, frame in reading.jump(number):
            if not frame.is_corrupt:
                if int(index.ordinals[position]) not in damaged:
                    return ordinal, position
                break
    return None
