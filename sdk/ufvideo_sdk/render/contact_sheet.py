"""A contact sheet: the frames an answer rests on, in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.render.draw import (
    caption_band,
    draw_objects,
    mask_times_s,
    objects_on,
    tag_px,
)
from ufvideo_sdk.render.text import TEXT, label, paste
from ufvideo_sdk.render.timeline import BACKGROUND, SPAN_COLOUR, Timeline, seconds
from ufvideo_sdk.results.masks import segmented_idxs
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.video.clip import Clip

MAX_TILES = 24
"""Of more segmented frames, this many are shown, evenly spread."""
MAX_PLOTTED = 256
"""Most frames of a sheet that a caller chooses."""
_TILES_WITHOUT_MASKS = 12
_SHEET_WIDTH_PX = 1600
_MIN_SHEET_WIDTH_PX = 640
_MAX_TILE_HEIGHT_PX = 900
_GAP_PX = 8
_FONT_PX = 26


def draw_contact_sheet(
    answer: Result, frame_idxs: Sequence[int] | NDArray[np.int64] | None = None
) -> NDArray[np.uint8]:
    """Draw frames with times and masks, the time line, and the text below.

    A frame inside a span of the answer has a border in the span's colour.

    Args:
        answer: What to draw.
        frame_idxs: Source indices of the frames, MAX_PLOTTED at most; None: those that were
            segmented, or evenly spread ones where none was.

    Returns:
        RGB, uint8 [h, w, 3].

    Raises:
        InputError: When a frame cannot be read, is none of the clip, or there are too many.
    """
    clip = answer.clip
    if frame_idxs is None:
        frame_idxs = _shown_idxs(answer)
    elif len(idxs := clip.check_idxs(frame_idxs, "frame_idxs")) > MAX_PLOTTED:
        raise InputError(f"frame_idxs: expected at most {MAX_PLOTTED} frames, got {len(idxs)}")
    height_px, width_px, num_columns = _tile_size(*shown_size(clip), len(frame_idxs))
    num_rows = math.ceil(len(frame_idxs) / num_columns)
    grid_width_px = num_columns * (width_px + _GAP_PX) + _GAP_PX
    sheet_width_px = max(grid_width_px, _MIN_SHEET_WIDTH_PX)
    grid_height_px = num_rows * (height_px + _GAP_PX) + _GAP_PX
    grid = np.full((grid_height_px, sheet_width_px, 3), BACKGROUND, np.uint8)
    left_px = (sheet_width_px - grid_width_px) // 2 + _GAP_PX
    shown = 0
    # One frame in memory at a time, whatever their number and size.
    with closing(clip.chunks(frame_idxs, 1, skip_damaged=True)) as chunks:
        for chunk_idxs, frames in chunks:
            for frame_idx, frame in zip(chunk_idxs, frames, strict=True):
                row, column = divmod(shown, num_columns)
                tile = draw_tile(answer, int(frame_idx), frame, height_px, width_px)
                paste(
                    grid,
                    tile,
                    left_px=left_px + column * (width_px + _GAP_PX),
                    top_px=_GAP_PX + row * (height_px + _GAP_PX),
                )
                shown += 1
    return np.concatenate([grid, *_bands(answer, sheet_width_px)])


def _shown_idxs(answer: Result) -> NDArray[np.int64]:
    clip = answer.clip
    with_masks = segmented_idxs(answer.masks)
    if with_masks.size == 0:
        return np.unique(clip.sampled_idxs(min(_TILES_WITHOUT_MASKS, len(clip.frame_idxs))))
    if with_masks.size <= MAX_TILES:
        return with_masks
    spread = np.linspace(0, with_masks.size - 1, MAX_TILES).round().astype(np.int64)
    some: NDArray[np.int64] = with_masks[spread]
    return some


def shown_size(clip: Clip) -> tuple[float, float]:
    """Height and width of a frame whose pixels are square, in pixels."""
    return float(clip.height), clip.width * float(clip.pixel_aspect)


def _tile_size(height: float, width: float, num_tiles: int) -> tuple[int, int, int]:
    """Height and width of a tile in pixels, and how many stand side by side."""
    most = 4 if width >= height else 6
    num_columns = min(num_tiles, most)
    if num_tiles > most:
        # Rows of even length: six tiles are three and three, not four and two.
        num_columns = math.ceil(num_tiles / math.ceil(num_tiles / most))
    width_px = (_SHEET_WIDTH_PX - _GAP_PX) // num_columns - _GAP_PX
    scale = min(width_px / width, _MAX_TILE_HEIGHT_PX / height)
    return max(1, round(height * scale)), max(1, round(width * scale)), num_columns


def draw_tile(
    answer: Result, frame_idx: int, frame: NDArray[np.uint8], height_px: int, width_px: int
) -> NDArray[np.uint8]:
    """Draw a frame with its masks and its time.

    Args:
        answer: What to draw.
        frame_idx: Source index of the frame.
        frame: RGB, uint8 [H, W, 3].
        height_px: Height of the picture.
        width_px: Its width.

    Returns:
        RGB, uint8 [height_px, width_px, 3].
    """
    clip = answer.clip
    way = cv2.INTER_AREA if width_px < frame.shape[1] else cv2.INTER_CUBIC
    tile = np.array(cv2.resize(frame, (width_px, height_px), interpolation=way), np.uint8)
    draw_objects(tile, objects_on(answer, frame_idx), tags=len(answer.masks) > 1)
    if clip.is_image:
        return tile
    time_s = float(clip.timestamps_s[clip.positions([frame_idx])[0]])
    in_span = any(span.start_s <= time_s <= span.end_s for span in answer.spans)
    if in_span:
        cv2.rectangle(tile, (2, 2), (width_px - 3, height_px - 3), SPAN_COLOUR, 4)
    plate = label(seconds(time_s), tag_px(height_px, width_px) + 2, TEXT, BACKGROUND)
    paste(tile, plate, left_px=4 * in_span, top_px=height_px - plate.shape[0] - 4 * in_span)
    return tile


def _bands(answer: Result, width_px: int) -> list[NDArray[np.uint8]]:
    font_px = int(np.clip(round(width_px / 60), 16, _FONT_PX))
    caption = caption_band(answer, width_px=width_px, font_px=font_px)
    if answer.clip.is_image:
        return [caption]
    timeline = Timeline(
        float(answer.clip.timestamps_s[0]),
        float(answer.clip.timestamps_s[-1]),
        answer.spans,
        mask_times_s(answer),
        width_px=width_px,
        font_px=font_px,
        has_marker=False,
    )
    return [timeline.at(None), caption]
