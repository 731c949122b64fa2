"""Paints what is known of a camera on its pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.questions.shapes import Area, Line
from ufvideo_sdk.render.draw import object_colour, tag_px
from ufvideo_sdk.render.frame_painter import MIN_CANVAS_PX
from ufvideo_sdk.render.text import (
    Colour,
    Word,
    draw_lines,
    font_for,
    label,
    line_height_px,
    paste,
    wrap,
)
from ufvideo_sdk.render.timeline import BACKGROUND, SPAN_COLOUR, Timeline
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.watch.sinks.overlay import Drawing, DrawnObject

_MAX_PICTURE_PX = 1280
_DARK: Colour = (12, 13, 16)
_ZONE: Colour = (120, 205, 255)
_LINE: Colour = (120, 255, 170)

Picture = NDArray[np.uint8]


class CameraPainter:
    """Paints pictures of one size: the picture, a time line if there is one, and a band of text.

    Large pictures are made smaller, to 1280 pixels, and tiny ones larger, so that the text beside
    them can be read.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        num_lines: int,
        span: tuple[float, float] | None = None,
        event_span: tuple[float, float] | None = None,
    ) -> None:
        """Lay out the picture.

        Args:
            height: Height of the camera's pictures in pixels.
            width: Their width.
            num_lines: Lines of text below the picture.
            span: From when to when the time line goes; None: there is none.
            event_span: The part of it that is highlighted.
        """
        longest = max(height, width)
        scale = 1.0 if longest >= MIN_CANVAS_PX else float(math.ceil(MIN_CANVAS_PX / longest))
        scale = min(scale, _MAX_PICTURE_PX / longest)
        self._height, self._width = round(height * scale), round(width * scale)
        self.width_px = _even(max(self._width, MIN_CANVAS_PX))
        self._font_px = int(np.clip(round(self.width_px / 48), 14, 32))
        self._num_lines = num_lines
        self._timeline = None
        below_px = 0
        if span is not None:
            spans = [] if event_span is None else [TimeSpan(*event_span)]
            self._timeline = Timeline(
                *span, spans, [], width_px=self.width_px, font_px=self._font_px, has_marker=True
            )
            below_px = self._timeline.height_px
        band_px = num_lines * line_height_px(self._font_px) + self._font_px
        self._band_top_px = self._height + below_px
        self.height_px = _even(self._band_top_px + band_px)
        self._canvas: Picture = np.full((self.height_px, self.width_px, 3), BACKGROUND, np.uint8)
        self._written: tuple[tuple[Word, ...], ...] | None = None

    def paint(self, pixels: Picture, time_s: float, drawing: Drawing) -> Picture:
        """Paint one picture.

        Args:
            pixels: RGB, uint8 [H, W, 3]; of another size than the first ones it is fitted in.
            time_s: Its time.
            drawing: What is drawn.

        Returns:
            RGB, uint8 [height_px, width_px, 3], valid until the next one; both sides are even.
        """
        left = (self.width_px - self._width) // 2
        part = self._canvas[: self._height, left : left + self._width]
        part[:] = self._fitted(pixels)
        for name, area, is_active in drawing.zones:
            _draw_zone(part, name, area, SPAN_COLOUR if is_active else _ZONE)
        for text, line, is_active in drawing.lines:
            _draw_line(part, text, line, SPAN_COLOUR if is_active else _LINE)
        _draw_boxes(part, drawing.objects)
        if self._timeline is not None:
            paste(self._canvas, self._timeline.at(time_s), left_px=0, top_px=self._height)
        if drawing.paragraphs != self._written:
            self._write(drawing.paragraphs)
            self._written = drawing.paragraphs
        return self._canvas

    def _fitted(self, pixels: Picture) -> Picture:
        """The picture at the size of the canvas, with bars beside it where its shape is another."""
        if pixels.shape[:2] == (self._height, self._width):
            return pixels
        scale = min(self._height / pixels.shape[0], self._width / pixels.shape[1])
        height = min(max(round(pixels.shape[0] * scale), 1), self._height)
        width = min(max(round(pixels.shape[1] * scale), 1), self._width)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = cv2.resize(pixels, (width, height), interpolation=way)
        if (height, width) == (self._height, self._width):
            return scaled.astype(np.uint8, copy=False)
        fitted: Picture = np.full((self._height, self._width, 3), BACKGROUND, np.uint8)
        top, left = (self._height - height) // 2, (self._width - width) // 2
        fitted[top : top + height, left : left + width] = scaled
        return fitted

    def _write(self, paragraphs: Sequence[Sequence[Word]]) -> None:
        band = self._canvas[self._band_top_px :]
        band[:] = BACKGROUND
        letters = "".join(word.text for paragraph in paragraphs for word in paragraph)
        font = font_for(letters, self._font_px)
        room_px = self.width_px - 2 * self._font_px
        wrapped = [wrap([paragraph], font, room_px) for paragraph in paragraphs if paragraph]
        lines = [line for each in _fitting(wrapped, self._num_lines) for line in each]
        draw_lines(
            band, lines, font, self._font_px, left_px=self._font_px, top_px=self._font_px // 2
        )


def _fitting(wrapped: list[list[list[Word]]], num_lines: int) -> list[list[list[Word]]]:
    """As many lines as there is room for; the longest paragraphs are cut first, with dots."""
    fitted = [list(lines) for lines in wrapped]
    while sum(map(len, fitted)) > num_lines and fitted:
        longest = max(fitted, key=len)
        if len(longest) == 1:
            fitted.pop()
            continue
        longest.pop()
        last = longest[-1]
        if last and last[-1].text != "...":
            last[-1] = Word("...", last[-1].colour)
    return fitted


def _draw_zone(picture: Picture, name: str, area: Area, colour: Colour) -> None:
    corners = np.array([_pixel(picture, point) for point in area.points], np.int32)
    thick_px = _thickness_px(picture)
    cv2.polylines(picture, [corners], True, _DARK, thick_px + 2, cv2.LINE_AA)
    cv2.polylines(picture, [corners], True, colour, thick_px, cv2.LINE_AA)
    left, top = corners.min(axis=0)
    _plate(picture, name, colour, int(left), int(top))


def _draw_line(picture: Picture, text: str, line: Line, colour: Colour) -> None:
    start, end = _pixel(picture, line.start), _pixel(picture, line.end)
    thick_px = _thickness_px(picture) + 1
    cv2.line(picture, start, end, _DARK, thick_px + 2, cv2.LINE_AA)
    cv2.line(picture, start, end, colour, thick_px, cv2.LINE_AA)
    middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    if line.inside is not None:
        # An arrow points to the side that counts as inside.
        way = {"above": (0, -1), "below": (0, 1), "left": (-1, 0), "right": (1, 0)}[line.inside]
        length_px = 2 * tag_px(*picture.shape[:2])
        tip = (middle[0] + way[0] * length_px, middle[1] + way[1] * length_px)
        cv2.arrowedLine(picture, middle, tip, _DARK, thick_px + 2, cv2.LINE_AA, tipLength=0.3)
        cv2.arrowedLine(picture, middle, tip, colour, thick_px, cv2.LINE_AA, tipLength=0.3)
    _plate(picture, text, colour, *start)


def _draw_boxes(picture: Picture, objects: Sequence[DrawnObject]) -> None:
    thick_px = _thickness_px(picture)
    for each in objects:
        left, top = _pixel(picture, each.box[:2])
        right, bottom = _pixel(picture, each.box[2:])
        colour = object_colour(each.number)
        cv2.rectangle(picture, (left, top), (right, bottom), _DARK, thick_px + 2, cv2.LINE_AA)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, thick_px, cv2.LINE_AA)
        _plate(picture, each.tag, colour, left, top)


def _plate(picture: Picture, text: str, colour: Colour, left: int, top: int) -> None:
    plate = label(text, tag_px(*picture.shape[:2]), _DARK, colour)
    paste(picture, plate, left_px=left, top_px=top - plate.shape[0])


def _pixel(picture: Picture, point: Sequence[float]) -> tuple[int, int]:
    height, width = picture.shape[:2]
    return round(point[0] * (width - 1)), round(point[1] * (height - 1))


def _thickness_px(picture: Picture) -> int:
    shortest_px: int = min(picture.shape[:2])
    return max(2, round(shortest_px / 240))


def _even(side_px: int) -> int:
    return side_px + side_px % 2
