"""The span of a source that a session looks at."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken, PixelCache
from ufvideo_sdk.cancellation import reading_for
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import as_indices, as_number, described
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.validation.short_text import counted
from ufvideo_sdk.video.clip_bounds import inside_bounds
from ufvideo_sdk.video.clip_losses import ClipLosses
from ufvideo_sdk.video.frame_source import (
    FrameSource,
    RecordedSource,
    check_is_opened,
    range_size,
    size_change,
)
from ufvideo_sdk.video.sampling import sampled
from ufvideo_sdk.video.source_clock import SourceClock, TimedFrames
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.wall_clock import WallClock

# A frame larger than this (two 4K frames) is not kept: a cache would hold two or three of them,
# and to decode one takes several times its size already.
MAX_KEPT_FRAME_BYTES = (256 << 20) // 5

# Most bytes of frames in one chunk.
CHUNK_BYTES = 64 << 20

# Most bytes of frames decoded ahead while the caller works on a chunk; always at least one frame.
AHEAD_BYTES = 32 << 20

FrameIdxs = NDArray[np.int64] | Sequence[int]


class Clip:
    """Frames of a source between two times, both ends included.

    Indices are always those of the source, also where the clip starts later.

    Attributes:
        frame_idxs: Source index of each frame of the clip, int64 [n], read-only.
        timestamps_s: Presentation time of each in seconds, float64 [n], read-only.
        clock: How long the source took to open, and its frames to read.
        wall_clock: Times of day of the frames of a stream; None for other sources.
    """

    def __init__(
        self, source: RecordedSource, *, start_s: float | None = None, end_s: float | None = None
    ) -> None:
        """Take the frames whose presentation time lies in [start_s, end_s].

        The released code turns the bounds into frame numbers with the average rate, `max(int(start
        * fps) - 1, 0)` to `min(int(end * fps) - 1, n - 1)`: a frame or two before the seconds say,
        and elsewhere in a file of variable rate. This decides by the frames' own times.

        Raises:
            InputError: When the bounds are not finite or in disorder, hold no frame, or are given
                for an image.
        """
        check_is_opened(source)
        self._select(source, np.flatnonzero(inside_bounds(source, start_s, end_s)))

    @classmethod
    def of_frames(cls, source: FrameSource, frame_idxs: NDArray[np.int64]) -> Clip:
        """The clip of some frames, by their indices; the source need not know of any others.

        Args:
            source: Where the frames come from.
            frame_idxs: Indices of the source, strictly increasing, int64 [n].

        Raises:
            InputError: When their size changes, or one cannot be read.
        """
        clip = cls.__new__(cls)
        clip._select(source, frame_idxs)
        return clip

    def _select(self, source: FrameSource, frame_idxs: NDArray[np.int64]) -> None:
        self._source = source
        self.clock = SourceClock()
        self.frame_idxs: NDArray[np.int64] = frame_idxs.astype(np.int64)
        self.timestamps_s: NDArray[np.float64] = source.timestamps_s[self.frame_idxs]
        # A source that looks closer gets other times; those of this clip's indices stay.
        self._source_times = source.timestamps_s
        for array in (self.frame_idxs, self.timestamps_s):
            array.flags.writeable = False
        self._losses = ClipLosses(source, self.frame_idxs)
        self._pixels: Callable[[], PixelCache | None] = _no_pixels
        self.wall_clock: WallClock | None = getattr(source, "wall_clock", None)
        self._height, self._width = range_size(source, self.frame_idxs)

    def __repr__(self) -> str:
        size = f"{self.width} x {self.height} px"
        if self.is_image:
            return f"Clip({self.name}: {size})"
        return (
            f"Clip({self.name}: {counted(len(self.frame_idxs), 'frame')}, {size},"
            f" {self.timestamps_s[0]:.3f} to {self.timestamps_s[-1]:.3f} s)"
        )

    def __copy__(self) -> Clip:
        """The clip itself: it does not change, and copies of a result share its open source."""
        return self

    def __deepcopy__(self, memo: object) -> Clip:
        """The clip itself, as for `copy.copy`."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse a pickle, and with it one of a result.

        Raises:
            InputError: Always, naming what to store.
        """
        raise InputError(
            f"{self.name}: expected something that can be pickled, got a clip, whose source is"
            " open: of a result pickle to_dict() or store to_json(), and open the source again"
            " where its frames are needed"
        )

    @property
    def name(self) -> str:
        """File name of the source, or what stands for it: valid text."""
        return display_name(self._source.name)

    @property
    def files(self) -> tuple[Path, ...]:
        """Absolute paths of the files that are read; empty for arrays and file objects."""
        return self._source.files

    @property
    def height(self) -> int:
        """Height of every frame in pixels."""
        return self._height

    @property
    def width(self) -> int:
        """Width of every frame in pixels."""
        return self._width

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel divided by its height; 1 where the source does not say."""
        return Fraction(getattr(self._source, "pixel_aspect", 1))

    @property
    def damage(self) -> tuple[str, ...]:
        """What is lost of a damaged video, one sentence each; empty if nothing is."""
        return self._losses.lines

    @property
    def is_image(self) -> bool:
        """Whether the source is one picture without a time axis."""
        return self._source.is_image

    @property
    def source_timestamps_s(self) -> NDArray[np.float64]:
        """Presentation time of every frame of the whole source, s, float64 [n], read-only.

        Raises:
            InputError: When the source does not know all its frames, as a stream does not.
        """
        if not isinstance(self._source_times, np.ndarray):
            raise InputError(
                f"{self.name}: expected a source that knows all its frames, got one that goes on"
            )
        times: NDArray[np.float64] = self._source_times.view()
        times.flags.writeable = False
        return times

    def keep_pixels(self, pixels: PixelCache) -> None:
        """Keep frames that are read in a cache for as long as somebody else holds the cache."""
        self._pixels = weakref.ref(pixels)

    def part(self, frame_idxs: NDArray[np.int64]) -> Clip:
        """The clip of some of its frames, by source index, strictly increasing, int64 [n]."""
        return Clip.of_frames(self._source, frame_idxs)

    def sampled_idxs(self, num_frames: int, sampling: str = "uniform") -> NDArray[np.int64]:
        """Source indices of the frames the model looks at, of `num_frames` at most.

        With "uniform" int64 [num_frames], which repeat if the clip has fewer; with "every" each
        once, int64 [n], or an InputError if these are fewer than 2 or more than num_frames.
        """
        return sampled(self.frame_idxs, num_frames, sampling, self.name)

    def time_of(self, fraction: float) -> float:
        """Time in seconds at a fraction of the clip: 0 is its first frame, 1 its last.

        Frames are sampled by number, so that a time token, k / 99 of the span (docs/model.md, parts
        3 and 7), is a position among the clip's frames. The position is looked up in the frames'
        own times, linear between two neighbours; for a constant rate this is linear in seconds.
        """
        positions = np.arange(len(self.timestamps_s))
        return float(np.interp(fraction * positions[-1], positions, self.timestamps_s))

    def fraction_of(self, time_s: float) -> float:
        """The fraction of the clip at a time in seconds; the inverse of `time_of`.

        Raises:
            InputError: When the time is not a number of seconds, or the clip does not hold it.
        """
        seconds = as_number(time_s)
        if seconds is None:
            raise InputError(f"times: expected seconds or a TimeSpan, got {described(time_s)}")
        first, last = float(self.timestamps_s[0]), float(self.timestamps_s[-1])
        if not first <= seconds <= last:
            raise InputError(
                f"times: expected seconds within the clip, {first:.3f} to {last:.3f}, got {time_s}"
            )
        positions = np.arange(len(self.timestamps_s))
        return float(np.interp(seconds, self.timestamps_s, positions)) / max(int(positions[-1]), 1)

    def check_idxs(self, frame_idxs: FrameIdxs, where: str) -> NDArray[np.int64]:
        """The indices as int64 [F], when all of them are frames of this clip.

        Raises:
            InputError: When they are no integers, empty, or outside the clip.
        """
        idxs = as_indices(frame_idxs, where)
        outside = idxs[~np.isin(idxs, self.frame_idxs)]
        if outside.size:
            raise InputError(
                f"{where}: expected frames of the clip, {self.frame_idxs[0]} to"
                f" {self.frame_idxs[-1]}, got {outside[0]}"
            )
        return idxs

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
            DamagedFramesError: When a frame is damaged, or was found to be by `chunks`.
            InputError: When an index is outside the clip, or the source cannot be read.
            CancelledError: When it was cancelled.
        """
        idxs = self.check_idxs(frame_idxs, f"frames of {self.name}")
        self._losses.check_whole(idxs)
        frames = np.empty((len(idxs), self.height, self.width, 3), np.uint8)
        pixels = self._pixels()
        missing = []
        for idx in sorted({int(idx) for idx in idxs}):
            rows = np.flatnonzero(idxs == idx)
            if pixels is not None and pixels.read(idx, frames[rows[0]]):
                frames[rows[1:]] = frames[rows[0]]
            else:
                missing.append(idx)
        for idx, frame in self._frames(missing, skip_damaged=False, cancel=cancel):
            frames[idxs == idx] = frame
            self._keep(idx, frame)
        return frames

    def _keep(self, idx: int, frame: NDArray[np.uint8]) -> None:
        pixels = self._pixels()
        if pixels is not None and frame.nbytes <= MAX_KEPT_FRAME_BYTES:
            pixels.keep(idx, np.ascontiguousarray(frame))

    def _keeps(self, idxs: NDArray[np.int64]) -> bool:
        pixels = self._pixels()
        return pixels is not None and all(pixels.holds(idx) for idx in idxs.tolist())

    def chunks(
        self,
        frame_idxs: FrameIdxs,
        max_frames: int | None = None,
        *,
        keep: bool = False,
        skip_damaged: bool = False,
        cancel: CancellationToken | None = None,
    ) -> Generator[tuple[NDArray[np.int64], NDArray[np.uint8]], None, None]:
        """Read frames chunk by chunk, so that a long clip never lies in memory as a whole.

        While the caller works on a chunk, a thread reads on in files, up to AHEAD_BYTES. Close the
        generator if it is left early.

        Args:
            frame_idxs: Source indices; read in one pass where they increase.
            max_frames: Most frames of a chunk, 1 or more, of those that fit CHUNK_BYTES; None: all.
            keep: Keep the frames for a later read, as `read` does.
            skip_damaged: Leave out frames that turn out damaged, and say so in `damage` and by a
                DamagedVideoWarning, in place of an error that loses the work done until then. The
                pass that finds them may have yielded some before; later ones do not.
            cancel: What ends it early.

        Yields:
            Source indices int64 [F] and their frames uint8 [F, H, W, 3].

        Raises:
            InputError: When an index is outside the clip, or the source cannot be read.
            CancelledError: When it was cancelled.
        """
        idxs = self.check_idxs(frame_idxs, f"frames of {self.name}")
        if max_frames is not None and max_frames < 1:
            raise InputError(f"max_frames: expected 1 or more, got {max_frames}")
        if skip_damaged:
            idxs = idxs[~self._losses.are_lost(idxs)]
        self._losses.check_whole(idxs)
        fitting = max(CHUNK_BYTES // (self.height * self.width * 3), 1)
        max_frames = fitting if max_frames is None else min(max_frames, fitting)
        one_pass = bool((np.diff(idxs) > 0).all()) and not self._keeps(idxs)
        if not one_pass:
            for chunk in (idxs[i : i + max_frames] for i in range(0, len(idxs), max_frames)):
                yield chunk, self.read(chunk, cancel=cancel)
            return
        beside = len(idxs) > max_frames
        stream = self._frames(
            idxs.tolist(), skip_damaged=skip_damaged, cancel=cancel, beside=beside
        )
        left = len(idxs)
        with closing(stream):
            while left > 0:
                frames = np.empty((min(left, max_frames), self.height, self.width, 3), np.uint8)
                read: list[int] = []
                for idx, frame in itertools.islice(stream, len(frames)):
                    frames[len(read)] = frame
                    read.append(idx)
                    if keep:
                        self._keep(idx, frame)
                if read:
                    yield np.array(read, np.int64), frames[: len(read)]
                left = left - len(read) if len(read) == len(frames) else 0
                del frames  # not held beside the next chunk

    def _frames(
        self,
        idxs: list[int],
        *,
        skip_damaged: bool,
        cancel: CancellationToken | None,
        beside: bool = False,
    ) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
        """Indices and frames of the clip's size, read in another thread if `beside`.

        Raises:
            InputError: When one cannot be read, or has another size.
            CancelledError: When it was cancelled.
        """
        last = int(self.frame_idxs[0])
        while idxs:
            num_read = 0
            try:
                with closing(self._reader(idxs, cancel, beside=beside)) as frames:
                    for idx in idxs:
                        frame = next(frames)
                        if frame.shape[:2] != (self.height, self.width):
                            with reading_for(cancel):
                                raise size_change(self._source, last, idx)
                        last, num_read = idx, num_read + 1
                        if num_read == len(idxs):
                            # A file that was changed meanwhile is refused at the end.
                            next(frames, None)
                        yield idx, frame
                        del frame  # not held while the next one is read
                return
            except DamagedFramesError:
                if not skip_damaged:
                    raise
                with reading_for(cancel):
                    lost = self._losses.find(idxs[num_read])
                idxs = [idx for idx in idxs[num_read:] if idx not in lost]

    def _reader(
        self, idxs: list[int], cancel: CancellationToken | None, *, beside: bool
    ) -> TimedFrames[NDArray[np.uint8]]:
        is_ahead = beside and not getattr(self._source, "is_decoded", not self._source.files)
        max_frames = max(AHEAD_BYTES // (self.height * self.width * 3), 1) if is_ahead else None
        return self.clock.reader(self._source.frames(idxs), cancel, max_frames)

    def positions(self, frame_idxs: FrameIdxs) -> NDArray[np.int64]:
        """Positions in the clip by source index, int64 [F]; of others, where they would stand."""
        return np.searchsorted(self.frame_idxs, frame_idxs).astype(np.int64, copy=False)


def _no_pixels() -> None:
    """What a clip without a cache has in place of a reference to one."""
