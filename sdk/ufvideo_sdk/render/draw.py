"""Masks on frames, and the frame of an annotated video."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.render.text import (
    MUTED,
    TEXT,
    Colour,
    Font,
    Word,
    draw_lines,
    font_for,
    label,
    line_height_px,
    paste,
    words_of,
    wrap,
)
from ufvideo_sdk.render.timeline import BACKGROUND, SPAN_COLOUR
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.not_found import NOT_FOUND
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.validation.short_text import counted, shortened

Mask = NDArray[np.bool_]

_DARK: Colour = (12, 13, 16)
_OPACITY = 0.45
_MIN_FONT_PX = 12


def object_colour(idx: int) -> Colour:
    """A bright colour for each object; neighbours are far apart on the colour circle."""
    hue = (0.55 + idx * 0.6180339887) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.78, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_objects(
    picture: NDArray[np.uint8], objects: Sequence[tuple[int, NDArray[np.bool_]]], *, tags: bool
) -> None:
    """Draw masks translucent with an outline, in place.

    Args:
        picture: RGB, uint8 [H, W, 3].
        objects: Index of each object and its mask, bool, of any size with the same proportions.
        tags: Whether each object gets its number (counting from 1).
    """
    height, width = picture.shape[:2]
    thickness_px = max(1, round(min(height, width) / 240))
    corners = []
    for idx, mask in objects:
        area = _scaled(mask, height, width)
        if not area.any():
            continue
        colour = np.array(object_colour(idx), np.float32)
        left, top, box_width, box_height = cv2.boundingRect(area)
        box = slice(top, top + box_height), slice(left, left + box_width)
        inside, part = area[box].astype(np.bool_), picture[box]
        blended = part[inside] * (1 - _OPACITY) + colour * _OPACITY
        part[inside] = np.rint(blended).astype(np.uint8)
        outlines, _ = cv2.findContours(area, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        # An object may have the colour of its outline: the dark line sets it off on any frame.
        cv2.drawContours(picture, outlines, -1, _DARK, thickness_px + 2, cv2.LINE_AA)
        cv2.drawContours(picture, outlines, -1, object_colour(idx), thickness_px, cv2.LINE_AA)
        left, top, _, _ = cv2.boundingRect(max(outlines, key=cv2.contourArea))
        corners.append((idx, left, top))
    for idx, left, top in corners if tags else ():
        plate = label(str(idx + 1), tag_px(height, width), _DARK, object_colour(idx))
        paste(picture, plate, left_px=left, top_px=top - plate.shape[0] // 2)


def tag_px(height: int, width: int) -> int:
    """Size of the text on a picture."""
    return int(np.clip(round(min(height, width) / 22), 12, 36))


def objects_on(answer: Result, frame_idx: int) -> list[tuple[int, NDArray[np.bool_]]]:
    """Index and mask, bool [H, W], of each object that was segmented on a frame."""
    found = []
    for idx, track in enumerate(answer.masks):
        rows = np.flatnonzero(track.frame_idxs == frame_idx)
        if rows.size:
            found.append((idx, track[int(rows[0])].pixels()))
    return found


def mask_times_s(answer: Result) -> list[float]:
    """Times of all frames on which a mask has a pixel, ascending."""
    clip = answer.clip
    seen = [track.frame_idxs[track.num_pixels > 0] for track in answer.masks]
    with_mask = np.isin(clip.frame_idxs, np.concatenate([np.empty(0, np.int64), *seen]))
    return [float(time_s) for time_s in clip.timestamps_s[with_mask]]


def caption_band(
    answer: Result,
    *,
    width_px: int,
    font_px: int,
    max_height_px: int | None = None,
    legend: list[Word] | None = None,
) -> NDArray[np.uint8]:
    """Question, answer, times and objects as text.

    Args:
        answer: What to write.
        width_px: Width of the band.
        font_px: Size of the text.
        max_height_px: Where given, a longer text gets smaller letters, and if that is not enough
            it is cut, with dots in place of the rest; times and objects stay.
        legend: What to say of each object; None: on how many frames it was found, and its score.

    Returns:
        RGB, uint8 [h, width_px, 3].
    """
    if legend is None:
        legend = [Word(f"{line}  ", TEXT, colour) for line, colour in object_legend(answer)]
    lines, font = _caption_lines(answer, legend, width_px, font_px)
    while max_height_px is not None and _band_height_px(len(lines), font_px) > max_height_px:
        if font_px <= _MIN_FONT_PX:
            lines = _cut(lines, (max_height_px - font_px) // line_height_px(font_px))
            break
        font_px = max(_MIN_FONT_PX, font_px - 2)
        lines, font = _caption_lines(answer, legend, width_px, font_px)
    band = np.full((_band_height_px(len(lines), font_px), width_px, 3), BACKGROUND, np.uint8)
    draw_lines(band, lines, font, font_px, left_px=font_px, top_px=font_px // 2)
    return band


def _scaled(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.uint8]:
    """The mask at another size, uint8 0 or 255; an enlarged one keeps its pixels square."""
    area: NDArray[np.uint8] = mask.astype(np.uint8) * np.uint8(255)
    if mask.shape == (height, width):
        return area
    enlarges = height >= mask.shape[0]
    way = cv2.INTER_NEAREST if enlarges else cv2.INTER_AREA
    scaled = cv2.resize(area, (width, height), interpolation=way)
    # A quarter of a pixel counts: thin objects do not vanish from a small picture.
    return np.where(scaled >= 64, 255, 0).astype(np.uint8)


def _caption_lines(
    answer: Result, legend: list[Word], width_px: int, font_px: int
) -> tuple[list[list[Word]], Font]:
    paragraphs = words_of(answer.question, MUTED) + words_of(answer.caption, TEXT)
    times = [Word(f"{line}  ", colour, colour) for line, colour in span_legend(answer)]
    paragraphs += [words for words in (times, legend) if words]
    letters = "".join(word.text for paragraph in paragraphs for word in paragraph)
    font = font_for(letters, font_px)
    return wrap(paragraphs, font, width_px - 2 * font_px), font


def _cut(lines: list[list[Word]], num_lines: int) -> list[list[Word]]:
    """As many lines of text and of legends as fit, with dots where something is left out.

    Legends (times and objects) go first, as far as a third of the lines is left for the text.
    """
    text = [line for line in lines if not any(word.swatch for word in line)]
    legends = lines[len(text) :]
    dots = [[Word("...", MUTED)]]
    num_text = min(max(num_lines - len(legends) - 1, num_lines // 3, 1), len(text))
    num_legends = max(0, num_lines - num_text - 2)
    shown = text[:num_text] + (dots if num_text < len(text) else [])
    return shown + legends[:num_legends] + (dots if num_legends < len(legends) else [])


def span_legend(answer: Result) -> list[tuple[str, Colour]]:
    """A line for each span of an answer, and the line's colour."""
    # A text may name one time again and again: it is written once.
    return [(line, SPAN_COLOUR) for line in dict.fromkeys(map(str, answer.spans))]


def object_legend(answer: Result) -> list[tuple[str, Colour]]:
    """A line for each object of an answer, and the object's colour."""
    return [
        (object_line(name, track), object_colour(idx))
        for idx, (name, track) in enumerate(zip(answer.object_names, answer.masks, strict=True))
    ]


def object_line(name: str, track: MaskTrack) -> str:
    """What a legend says of an object: on how many frames it was found, and its mean score there.

    Args:
        name: One of `Result.object_names`; a long one is cut.
        track: The object's masks.
    """
    frames = counted(len(track), "frame")
    is_shown = track.num_pixels > 0
    if not is_shown.any():
        # A score beside it would read as if something had been found.
        found = f"{NOT_FOUND} on {frames}"
    else:
        part = "" if is_shown.all() else f"{np.count_nonzero(is_shown)} of "
        found = f"{part}{frames}, score {track.scores[is_shown].mean():.2f}"
    return f"{_one_line(name)}: {found}"


def live_legend(name: str, idx: int, is_seen: bool) -> Word:
    """What a video that is drawn while masks are made says of an object."""
    found = "" if is_seen else f": {NOT_FOUND}"
    return Word(f"{_one_line(name)}{found}  ", TEXT, object_colour(idx))


def _one_line(name: str) -> str:
    """A name as one line of printable characters, which is cut where it is long."""
    words = " ".join(word.text for words in words_of(name, TEXT) for word in words)
    return shortened(words)


def _band_height_px(num_lines: int, font_px: int) -> int:
    return num_lines * line_height_px(font_px) + font_px
