"""The time line under a picture: spans, frames with masks, seconds, the current position."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.render.text import MUTED, Colour, label, paste
from ufvideo_sdk.results.time_span import TimeSpan

BACKGROUND: Colour = (22, 24, 29)
TRACK: Colour = (62, 66, 76)
SPAN_COLOUR: Colour = (255, 176, 32)
_MASK_DOT: Colour = (236, 239, 244)
_MARKER: Colour = (255, 255, 255)


def seconds(time_s: float) -> str:
    """A time as people read it."""
    return f"{time_s:.2f} s"


class Timeline:
    """A strip that shows a clip's time from left to right.

    Args:
        start_s: Time at the left end.
        end_s: Time at the right end.
        spans: Spans to highlight.
        mask_times_s: Times of the frames that carry masks.
        width_px: Width of the strip.
        font_px: Size of its text; everything else follows from it.
        has_marker: Whether there is a row above the bar for the current time.
    """

    def __init__(
        self,
        start_s: float,
        end_s: float,
        spans: Sequence[TimeSpan],
        mask_times_s: Sequence[float],
        *,
        width_px: int,
        font_px: int,
        has_marker: bool,
    ) -> None:
        self._start_s, self._end_s = start_s, end_s
        self._font_px = font_px
        self._margin_px = font_px
        self._bar_px = max(6, round(font_px * 0.7))
        self._top_px = round(font_px * (1.9 if has_marker else 0.9))
        self._bar_width_px = width_px - 2 * self._margin_px
        height_px = self._top_px + self._bar_px + round(font_px * 2.1)
        self._strip: NDArray[np.uint8] = np.full((height_px, width_px, 3), BACKGROUND, np.uint8)
        self._draw_bar(spans, mask_times_s)
        self._draw_axis()

    @property
    def height_px(self) -> int:
        """Height of the strip."""
        return int(self._strip.shape[0])

    def mark(self, time_s: float) -> None:
        """Mark one more frame that carries a mask."""
        radius_px = max(1, self._bar_px // 6)
        centre = (self._x(time_s), self._top_px + self._bar_px // 2)
        cv2.circle(self._strip, centre, radius_px + 1, BACKGROUND, -1, cv2.LINE_AA)
        cv2.circle(self._strip, centre, radius_px, _MASK_DOT, -1, cv2.LINE_AA)

    def at(self, time_s: float | None) -> NDArray[np.uint8]:
        """The strip with the marker at a time, or without one.

        Returns:
            RGB, uint8 [h, w, 3], the caller's own.
        """
        strip: NDArray[np.uint8] = self._strip.copy()
        if time_s is None:
            return strip
        x = self._x(time_s)
        bottom = self._top_px + self._bar_px
        half_px = max(1, self._font_px // 10)
        overhang_px = max(2, self._font_px // 5)
        strip[self._top_px - overhang_px : bottom + overhang_px, x - half_px : x + half_px + 1] = (
            _MARKER
        )
        plate = label(seconds(time_s), self._font_px, _MARKER, BACKGROUND)
        paste(
            strip,
            plate,
            left_px=x - plate.shape[1] // 2,
            top_px=self._top_px - overhang_px - plate.shape[0],
        )
        return strip

    def _x(self, time_s: float) -> int:
        duration_s = self._end_s - self._start_s
        fraction = (time_s - self._start_s) / duration_s if duration_s > 0 else 0.0
        return self._margin_px + round(min(max(fraction, 0.0), 1.0) * (self._bar_width_px - 1))

    def _draw_bar(self, spans: Sequence[TimeSpan], mask_times_s: Sequence[float]) -> None:
        top, bottom = self._top_px, self._top_px + self._bar_px
        self._strip[top:bottom, self._margin_px : self._margin_px + self._bar_width_px] = TRACK
        # A moment, and a span shorter than a pixel, must still be seen.
        least_px = max(3, self._font_px // 4)
        for span in spans:
            left, right = self._x(span.start_s), self._x(span.end_s) + 1
            if right - left < least_px:
                left = max(self._margin_px, (left + right - least_px) // 2)
                right = left + least_px
            self._strip[top:bottom, left:right] = SPAN_COLOUR
        for time_s in mask_times_s:
            self.mark(time_s)

    def _draw_axis(self) -> None:
        """Label both ends, and round times between them where there is room."""
        top = self._top_px + self._bar_px + max(3, self._font_px // 4)
        size_px = max(10, round(self._font_px * 0.85))
        taken: list[tuple[int, int]] = []
        ticks = [self._start_s, self._end_s, *self._round_times(size_px)]
        for i, time_s in enumerate(ticks):
            is_end = i < 2
            text = seconds(time_s) if is_end else f"{time_s:g}"
            plate = label(text, size_px, MUTED, BACKGROUND)
            width_px = plate.shape[1]
            left = self._x(time_s) - width_px // 2
            inset_px = self._margin_px // 2
            left = min(max(left, inset_px), self._strip.shape[1] - inset_px - width_px)
            gap_px = size_px // 2
            right = left + width_px
            if any(left < end + gap_px and begin < right + gap_px for begin, end in taken):
                continue
            taken.append((left, right))
            paste(self._strip, plate, left_px=left, top_px=top)
            if not is_end:
                x = self._x(time_s)
                self._strip[top - 3 : top, x : x + 1] = MUTED

    def _round_times(self, size_px: int) -> list[float]:
        duration_s = self._end_s - self._start_s
        num_wanted = self._bar_width_px / (size_px * 8)
        if duration_s <= 0 or num_wanted < 1:
            return []
        rough_s = duration_s / num_wanted
        power = 10.0 ** math.floor(math.log10(rough_s))
        step_s = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough_s)
        first, last = math.ceil(self._start_s / step_s), math.floor(self._end_s / step_s)
        # Rounded: 3 * 0.1 would be labelled 0.30000000000000004.
        return [round(k * step_s, 9) for k in range(first, last + 1)]
