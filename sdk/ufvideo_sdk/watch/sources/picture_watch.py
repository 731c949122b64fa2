"""Pictures that show nothing: black ones, and one and the same again and again."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.watch.sources.capture import CaptureNotice

# Pictures are looked at so often, however many come.
_STEP_S = 0.25
# Of the luma of video, black is 16; a covered lens is not much brighter.
_DARK_LUMA = 32
_DARK_SHARE = 95
# One sample of so many rows and columns is enough for brightness.
_SPARSE = 8
# Pixel formats whose first plane is the luma, a byte for each pixel.
_LUMA_FIRST = frozenset(
    ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray")
)


class PictureWatch:
    """Follows the pictures of a source in stream time."""

    def __init__(self, dark_s: float | None, frozen_s: float | None) -> None:
        """Begin before the first picture.

        Args:
            dark_s: Black for so long is told of; None: never.
            frozen_s: Equal for so long is told of; None: never.
        """
        self._dark_s, self._frozen_s = dark_s, frozen_s
        self._next_s = 0.0
        self._dark_since: float | None = None
        self._is_dark = False
        self._digest: int | None = None
        self._same_since = 0.0
        self._is_frozen = False

    @property
    def is_frozen(self) -> bool:
        """Whether the picture has been the same for too long."""
        return self._is_frozen

    @property
    def same_since_s(self) -> float:
        """Stream time since which the picture is the same."""
        return self._same_since

    def look(self, time_s: float, frame: Any, min_same_s: float = 0.0) -> list[CaptureNotice]:
        """Look at a picture, and return what is to be told of it.

        Args:
            time_s: Its stream time.
            frame: PyAV's frame, or grey pixels, uint8 [H, W].
            min_same_s: Equal for less is not frozen: few pictures come.
        """
        if time_s < self._next_s or (self._dark_s is None and self._frozen_s is None):
            return []
        self._next_s = time_s + _STEP_S
        luma = frame if isinstance(frame, np.ndarray) else _luma(frame)
        return [*self._brightness(time_s, luma), *self._change(time_s, luma, min_same_s)]

    def _brightness(self, time_s: float, luma: NDArray[np.uint8]) -> list[CaptureNotice]:
        if self._dark_s is None:
            return []
        if np.percentile(luma[::_SPARSE, ::_SPARSE], _DARK_SHARE) >= _DARK_LUMA:
            self._dark_since = None
            if not self._is_dark:
                return []
            self._is_dark = False
            return [CaptureNotice("light", time_s, "the picture is no longer black")]
        if self._dark_since is None:
            self._dark_since = time_s
        if self._is_dark or time_s - self._dark_since < self._dark_s:
            return []
        self._is_dark = True
        text = f"the picture has been black since {self._dark_since:.2f} s"
        return [CaptureNotice("dark", time_s, text)]

    def _change(
        self, time_s: float, luma: NDArray[np.uint8], min_same_s: float
    ) -> list[CaptureNotice]:
        if self._frozen_s is None:
            return []
        digest = zlib.crc32(luma.tobytes())
        if digest != self._digest:
            self._digest, self._same_since = digest, time_s
            if not self._is_frozen:
                return []
            self._is_frozen = False
            return [CaptureNotice("moving", time_s, "the picture changes again")]
        if self._is_frozen or time_s - self._same_since < max(self._frozen_s, min_same_s):
            return []
        self._is_frozen = True
        text = f"the picture has been the same since {self._same_since:.2f} s"
        return [CaptureNotice("frozen", time_s, text)]


def _luma(frame: Any) -> NDArray[np.uint8]:
    """How bright a frame is, uint8 [H, W]; deeper pixels rounded."""
    if frame.format.name not in _LUMA_FIRST:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
