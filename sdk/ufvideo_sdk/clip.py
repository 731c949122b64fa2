"""The span of a source that a session looks at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.arguments import as_array
from ufvideo_sdk.cancellation import UntilCancelled
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.sampling import sample_positions

# The sampled frames are read twice, for the language model and for the masks; keep what was read
# first as long as it is this small.
CACHE_BYTES = 256 << 20

# Many frames are read in pieces of this size.
CHUNK_BYTES = 64 << 20

FrameIdxs = NDArray[np.int64] | Sequence[int]


class FrameSource(Protocol):
    """Where frames come from: a video file, an image, a folder, an array.

    Attributes:
        name: File name, or what stands for it, for messages and results.
        height: Height of every frame in pixels.
        width: Width of every frame in pixels.
        is_image: Whether it is one picture without a time axis.
        timestamps_s: Presentation time of every frame in seconds, strictly increasing, float64 [n].
    """

    name: str
    height: int
    width: int
    is_image: bool
    timestamps_s: NDArray[np.float64]

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield RGB frames one by one, uint8 [H, W, 3].

        Args:
            frame_idxs: Indices of the source, strictly increasing.

        Raises:
            InputError: When a frame cannot be read.
        """


class Clip:
    """Frames of a source between two times, both ends included.

    Indices are always those of the source, also where the clip starts later.

    Attributes:
        frame_idxs: Source index of each frame of the clip, int64 [n], read-only.
        timestamps_s: Presentation time of each in seconds, float64 [n], read-only.
    """

    def __init__(
        self, source: FrameSource, *, start_s: float | None = None, end_s: float | None = None
    ) -> None:
        """Take the frames whose presentation time lies in [start_s, end_s].

        The released code turns the bounds into frame numbers with the average rate, `max(int(start
        * fps) - 1, 0)` to `min(int(end * fps) - 1, n - 1)`: a frame or two before the seconds say,
        and elsewhere in a file of variable rate. This decides by the frames' own times.

        Raises:
            InputError: When the bounds are not finite or in disorder, hold no frame, or are given
                for an image.
        """
        self._source = source
        inside = _inside(source, start_s, end_s)
        self.frame_idxs: NDArray[np.int64] = np.flatnonzero(inside).astype(np.int64)
        self.timestamps_s: NDArray[np.float64] = source.timestamps_s[inside]
        self.frame_idxs.flags.writeable = False
        self.timestamps_s.flags.writeable = False
        self._cache: dict[int, NDArray[np.uint8]] = {}

    def __repr__(self) -> str:
        return (
            f"Clip({self.name}: {len(self.frame_idxs)} frames, {self.height} x {self.width} px,"
            f" {self.timestamps_s[0]:.3f} to {self.timestamps_s[-1]:.3f} s)"
        )

    @property
    def name(self) -> str:
        """File name of the source, or what stands for it."""
        return self._source.name

    @property
    def height(self) -> int:
        """Height of every frame in pixels."""
        return self._source.height

    @property
    def width(self) -> int:
        """Width of every frame in pixels."""
        return self._source.width

    @property
    def is_image(self) -> bool:
        """Whether the source is one picture without a time axis."""
        return self._source.is_image

    @property
    def source_timestamps_s(self) -> NDArray[np.float64]:
        """Presentation time of every frame of the whole source in seconds, float64 [n]."""
        return self._source.timestamps_s

    def sampled_idxs(self, num_frames: int) -> NDArray[np.int64]:
        """Source indices of the frames the model looks at, int64 [num_frames]; they may repeat."""
        return self.frame_idxs[sample_positions(len(self.frame_idxs), num_frames)]

    def time_of(self, fraction: float) -> float:
        """Time in seconds at a fraction of the clip: 0 is its first frame, 1 its last.

        Frames are sampled by number, so that a time token, k / 99 of the span (model parts 3 and
        7), is a position among the clip's frames. The position is looked up in the frames' own
        times, linear between two neighbours; for a constant rate this is linear in seconds.
        """
        positions = np.arange(len(self.timestamps_s))
        return float(np.interp(fraction * positions[-1], positions, self.timestamps_s))

    def fraction_of(self, time_s: float) -> float:
        """The fraction of the clip at a time in seconds; the inverse of `time_of`.

        Raises:
            InputError: When the time is not a number of seconds, or the clip does not hold it.
        """
        if isinstance(time_s, bool) or not isinstance(time_s, (int, float)):
            raise InputError(f"times: expected seconds or a TimeSpan, got {time_s!r}")
        first, last = float(self.timestamps_s[0]), float(self.timestamps_s[-1])
        if not first <= time_s <= last:
            raise InputError(
                f"times: expected seconds within the clip, {first:.3f} to {last:.3f}, got {time_s}"
            )
        positions = np.arange(len(self.timestamps_s))
        return float(np.interp(time_s, self.timestamps_s, positions)) / max(int(positions[-1]), 1)

    def check_idxs(self, frame_idxs: FrameIdxs, where: str) -> NDArray[np.int64]:
        """The indices as int64 [F], when all of them are frames of this clip.

        Raises:
            InputError: When they are no integers, empty, or outside the clip.
        """
        idxs = as_array(frame_idxs, where, "a list of one or more integers")
        if idxs.ndim != 1 or idxs.size == 0 or not np.issubdtype(idxs.dtype, np.integer):
            raise InputError(
                f"{where}: expected a list of one or more integers, got {idxs.dtype}"
                f" {list(idxs.shape)}"
            )
        outside = idxs[~np.isin(idxs, self.frame_idxs)]
        if outside.size:
            raise InputError(
                f"{where}: expected frames of the clip, {self.frame_idxs[0]} to"
                f" {self.frame_idxs[-1]}, got {outside[0]}"
            )
        return idxs.astype(np.int64)

    def read(
        self, frame_idxs: FrameIdxs, *, cancel: CancellationToken | None = None
    ) -> NDArray[np.uint8]:
        """Read frames by source index, in any order, repeats allowed.

        Args:
            frame_idxs: Source indices.
            cancel: What ends it early.

        Returns:
            RGB, uint8 [F, H, W, 3], in the order asked for.

        Raises:
            InputError: When an index is outside the clip, or the source cannot be read.
            CancelledError: When it was cancelled.
        """
        idxs = self.check_idxs(frame_idxs, f"frames of {self.name}")
        frames = np.empty((len(idxs), self.height, self.width, 3), np.uint8)
        missing = sorted({int(idx) for idx in idxs} - self._cache.keys())
        for idx in {int(idx) for idx in idxs} & self._cache.keys():
            frames[idxs == idx] = self._cache[idx]
        read = UntilCancelled(self._source.frames(missing), cancel)
        for idx, frame in zip(missing, read, strict=True):
            frames[idxs == idx] = frame
            self._keep(idx, frame)
        return frames

    def _keep(self, idx: int, frame: NDArray[np.uint8]) -> None:
        if (len(self._cache) + 1) * frame.nbytes <= CACHE_BYTES:
            self._cache[idx] = frame

    def chunks(
        self,
        frame_idxs: FrameIdxs,
        max_frames: int | None = None,
        *,
        keep: bool = False,
        cancel: CancellationToken | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Read frames piece by piece, so that a long clip never lies in memory as a whole.

        Args:
            frame_idxs: Source indices; read in one pass where they increase.
            max_frames: Most frames of a piece, 1 or more; None: as many as fit CHUNK_BYTES.
            keep: Keep the frames for a later read, as `read` does.
            cancel: What ends it early.

        Yields:
            Source indices int64 [F] and their frames uint8 [F, H, W, 3].

        Raises:
            InputError: When an index is outside the clip, or the source cannot be read.
            CancelledError: When it was cancelled.
        """
        idxs = self.check_idxs(frame_idxs, f"frames of {self.name}")
        if max_frames is None:
            max_frames = max(CHUNK_BYTES // (self.height * self.width * 3), 1)
        if max_frames < 1:
            raise InputError(f"max_frames: expected 1 or more, got {max_frames}")
        pieces = [idxs[i : i + max_frames] for i in range(0, len(idxs), max_frames)]
        one_pass = bool((np.diff(idxs) > 0).all()) and not set(idxs.tolist()) <= self._cache.keys()
        stream = UntilCancelled(self._source.frames(idxs.tolist()), cancel) if one_pass else None
        for piece in pieces:
            if stream is None:
                yield piece, self.read(piece, cancel=cancel)
                continue
            frames = np.empty((len(piece), self.height, self.width, 3), np.uint8)
            for row, idx in enumerate(piece):
                frames[row] = frame = next(stream)
                if keep:
                    self._keep(int(idx), frame)
            yield piece, frames
            del frames  # not held beside the next piece


def _inside(source: FrameSource, start_s: float | None, end_s: float | None) -> NDArray[np.bool_]:
    times = source.timestamps_s
    if start_s is None and end_s is None:
        return np.ones(len(times), np.bool_)
    if source.is_image:
        raise InputError(f"{source.name}: expected no start_s and end_s for an image, got them")
    start = float(times[0]) if start_s is None else start_s
    end = float(times[-1]) if end_s is None else end_s
    for key, value in (("start_s", start), ("end_s", end)):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise InputError(f"{key}: expected finite seconds or None, got {value!r}")
    if start_s is not None and end_s is not None and start > end:
        raise InputError(f"expected start_s <= end_s, got {start} and {end}")
    inside: NDArray[np.bool_] = (times >= start) & (times <= end)
    if not inside.any():
        raise InputError(
            f"{source.name}: expected a frame between {start} s and {end} s, its frames lie"
            f" between {times[0]:.3f} s and {times[-1]:.3f} s"
            + (" and none is that near" if start <= times[-1] and end >= times[0] else "")
        )
    return inside
