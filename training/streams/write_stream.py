"""A street drawn into an H.264 file, and what is true of it, from its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from training.streams.stream_truth import StreamTruth, TruthMove, TruthTrack
from training.streams.street import FPS, Street, make_street
from training.streams.visit import Leg, Visit
from training.world import Rendered, render
from training.world.truth import unit_area

# Frames that are drawn at once.
_CHUNK = 10 * FPS
_QUALITY = 20
_SEEN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """Some frames of a street.

    Attributes:
        frames: RGB, uint8 [F, H, W, 3].
        frame_idxs: Their numbers in the stream, int64 [F].
        shares: The part of each visit that is seen, by its number, float64 [F].
    """

    frames: NDArray[np.uint8]
    frame_idxs: NDArray[np.int64]
    shares: dict[int, NDArray[np.float64]]


def drawn_parts(street: Street, step: int = 1) -> Iterator[DrawnPart]:
    """Draw a street, ten seconds at a time, with the training renderer.

    Args:
        street: What to draw.
        step: Every so many frames.
    """
    scene = street.scene
    for start in range(0, scene.num_frames, _CHUNK):
        stop = min(start + _CHUNK, scene.num_frames)
        first_s, last_s = scene.times_s[start], scene.times_s[stop - 1]
        there = [
            number
            for number, visit in enumerate(street.visits)
            if visit.start_s <= last_s and visit.end_s >= first_s
        ]
        # Things that are elsewhere cost time, and a mask for each frame.
        things = (scene.things[0], *(scene.things[number + 1] for number in there))
        idxs = range(start + -start % step, stop, step)
        if len(idxs):
            drawn = render(replace(scene, things=things), idxs)
            shares = {number: _seen(drawn, i + 1) for i, number in enumerate(there)}
            yield DrawnPart(drawn.frames, drawn.frame_idxs, shares)


def write_stream(seed: int, duration_s: float, path: Path) -> StreamTruth:
    """Write the stream of a seed: an H.264 file of 25 frames a second with a key frame each second.

    Args:
        seed: Of the street.
        duration_s: Seconds.
        path: File to write; the suffix names the container (.mp4 or .mkv). What is true of it is
            written beside it, with the suffix .json.

    Returns:
        What is true of it.
    """
    street = make_street(seed, duration_s)
    shares = np.zeros((len(street.visits), street.scene.num_frames), np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width = street.scene.height, street.scene.width
        stream.pix_fmt = "yuv420p"
        # No B-frames: a camera has none, and packets leave in the order in which they are shown.
        stream.options = {"crf": str(_QUALITY), "preset": "veryfast", "bf": "0", "g": str(FPS)}
        stream.codec_context.time_base = Fraction(1, FPS)
        # One thread: the same seed gives the same bytes.
        stream.codec_context.thread_count = 1
        for part in drawn_parts(street):
            for number, seen in part.shares.items():
                shares[number, part.frame_idxs] = seen
            for pixels, idx in zip(part.frames, part.frame_idxs, strict=True):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = int(idx), Fraction(1, FPS)
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    truth = truth_of(street, shares)
    truth.write(path.with_suffix(".json"))
    return truth


def truth_of(street: Street, shares: NDArray[np.float32]) -> StreamTruth:
    """Return what is true of a street.

    Args:
        street: The street.
        shares: The part of each visit that is seen on each frame, float32 [visits, frames].
    """
    is_there = shares >= _SEEN_SHARE
    tracks = [
        _track(street, visit, first, last)
        for visit, there in zip(street.visits, is_there, strict=True)
        for first, last in _runs(there)
    ]
    moves = [_move(visit, leg) for visit in street.visits for leg in visit.legs()]
    scene = street.scene
    # The post is always there.
    numbers = 1 + np.count_nonzero(is_there, axis=0)
    changes = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()]
    return StreamTruth(
        seed=scene.seed,
        duration_s=scene.times_s[-1],
        numbers=tuple((scene.times_s[idx], int(numbers[idx])) for idx in changes),
        tracks=tuple(sorted(tracks, key=lambda track: track.start_s)),
        moves=tuple(sorted(moves, key=lambda move: move.start_s)),
    )


def _seen(drawn: Rendered, thing: int) -> NDArray[np.float64]:
    """The part of a thing that is seen on each frame."""
    whole = unit_area(drawn.scene.things[thing].kind)
    radius_px = drawn.scene.things[thing].radii[0][1] * drawn.scene.scale_px
    seen = np.count_nonzero(drawn.masks[thing], axis=(1, 2))
    return np.asarray(seen / (whole * radius_px**2), np.float64)


def _runs(there: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last frame of each time that something is there."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    for first, behind in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first, behind - 1


def _track(street: Street, visit: Visit, first: int, last: int) -> TruthTrack:
    start_s, end_s = street.scene.times_s[first], street.scene.times_s[last]
    y = street.scene.things[1 + street.visits.index(visit)].path[0][2]
    times_s = [start_s, *(t for t, _ in visit.points if start_s < t < end_s), end_s]
    known_s, known_x = zip(*visit.points, strict=True)
    points = tuple((t, float(np.interp(t, known_s, known_x)), y) for t in times_s)
    return TruthTrack(visit.name, start_s, end_s, points)


def _move(visit: Visit, leg: Leg) -> TruthMove:
    is_plain = leg.is_inside and visit.lane == 0
    return TruthMove(visit.name, leg.direction, leg.start_s, leg.end_s, is_plain)
