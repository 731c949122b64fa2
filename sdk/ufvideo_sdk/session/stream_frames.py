"""Frames of a stream as sources of clips."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.wall_clock import WallClock

_NAME = "stream"


class _Times:
    """Times of frames that follow one another, by index."""

    def __init__(self, first_idx: int, times_s: NDArray[np.float64]) -> None:
        self._first_idx = first_idx
        self._times_s = times_s

    def __getitem__(self, frame_idxs: NDArray[np.int64], /) -> NDArray[np.float64]:
        times_s: NDArray[np.float64] = self._times_s[frame_idxs - self._first_idx]
        return times_s


class WindowFrames:
    """Frames of a window, by their index in the stream.

    It holds no pixels, so that results, which hold their clip, do not keep those of a stream that
    goes on: frames can be read for as long as the stream or the window has them.
    """

    is_image = False
    is_decoded = True

    def __init__(
        self, window: _native.StreamWindow, live: _native.VideoStream, quality: str
    ) -> None:
        """Take the times of a window that has frames.

        Args:
            window: Its frames.
            live: The stream.
            quality: Whose clock the times of day are of.
        """
        self.name = _NAME
        self.files: tuple[Path, ...] = ()
        self.height, self.width = window.frame_size
        self.timestamps_s = _Times(window.frame_idxs[0], window.timestamps_s)
        self.wall_clock = WallClock(window.walls_s, quality)
        self._window = weakref.ref(window)
        self._live = weakref.ref(live)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, RGB, uint8 [H, W, 3], read-only.

        Raises:
            InputError: When one has left the window.
        """
        for idx in frame_idxs:
            pixels = self._pixels(int(idx))
            if pixels is None:
                raise InputError(
                    f"stream: expected a frame of the window, the pixels of frame {idx} are not"
                    " kept any more: Stream.freeze() keeps those of the window as it is"
                )
            yield pixels

    def _pixels(self, idx: int) -> NDArray[np.uint8] | None:
        window = self._window()
        pixels = None if window is None else window.pixels(idx)
        live = self._live()
        if pixels is not None or live is None:
            return pixels
        after = live.frames_after(idx - 1)
        return after[0].pixels if after and after[0].frame_idx == idx else None


class FrozenFrames:
    """Frames of a window with their pixels, counted from 0."""

    is_image = False
    is_decoded = True

    def __init__(self, window: _native.StreamWindow, quality: str) -> None:
        """Take the frames of a window that has some.

        Args:
            window: Its frames, whose pixels stay for as long as this does.
            quality: Whose clock the times of day are of.
        """
        self.name = _NAME
        self.files: tuple[Path, ...] = ()
        self.height, self.width = window.frame_size
        self.timestamps_s: NDArray[np.float64] = window.timestamps_s
        self.wall_clock = WallClock(window.walls_s, quality)
        self._window = window
        self._first_idx = window.frame_idxs[0]

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of these indices, RGB, uint8 [H, W, 3], read-only."""
        for idx in frame_idxs:
            pixels = self._window.pixels(self._first_idx + int(idx))
            assert pixels is not None
            yield pixels
