"""The frames of an annotated video."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.render.draw import (
    Mask,
    caption_band,
    draw_objects,
    live_legend,
    mask_times_s,
    objects_on,
)
from ufvideo_sdk.render.text import paste
from ufvideo_sdk.render.timeline import BACKGROUND, Timeline
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.result import Result

MIN_CANVAS_PX = 480
"""Smaller pictures are enlarged by a whole factor, so that the text beside them can be read."""


class FramePainter:
    """Paints the frames of an annotated video: picture, time line, caption band.

    Masks appear on the frames that were segmented and on no others: where an object is in between
    is not known.
    """

    def __init__(self, answer: Result, num_objects: int | None = None) -> None:
        """Lay out the picture.

        Args:
            answer: What to draw.
            num_objects: Objects whose masks are still to come, frame by frame (`paint_found`). The
                time line then marks the frames that were painted, and an object is "not found"
                until it is. None: masks are the answer's.
        """
        self._answer = answer
        self._num_objects = len(answer.masks) if num_objects is None else num_objects
        # Objects that have been seen; None where the answer says it for the whole clip.
        self._seen: set[int] | None = None if num_objects is None else set()
        clip = answer.clip
        self._scale = max(1, math.ceil(MIN_CANVAS_PX / max(clip.width, clip.height)))
        self._picture_height_px = clip.height * self._scale
        self._picture_width_px = clip.width * self._scale
        self.width_px = _even(max(self._picture_width_px, MIN_CANVAS_PX))
        self._font_px = int(np.clip(round(self.width_px / 42), 15, 40))
        self._timeline = Timeline(
            float(clip.timestamps_s[0]),
            float(clip.timestamps_s[-1]),
            answer.spans,
            mask_times_s(answer),
            width_px=self.width_px,
            font_px=self._font_px,
            has_marker=True,
        )
        # Every object is 'not found' at first, the longest caption, so later captions fit its
        # height.
        self._caption = self._caption_band()
        self.height_px = _even(
            self._picture_height_px + self._timeline.height_px + self._caption.shape[0]
        )
        # What does not change is drawn once.
        self._canvas: NDArray[np.uint8] = np.full(
            (self.height_px, self.width_px, 3), BACKGROUND, np.uint8
        )
        self._place_caption()

    def paint(self, position: int, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """One frame of the video, with the answer's masks.

        Args:
            position: Where the frame stands in the clip.
            frame: RGB, uint8 [H, W, 3].

        Returns:
            RGB, uint8 [height_px, width_px, 3], valid until the next frame; both sides are even.
        """
        clip = self._answer.clip
        objects = objects_on(self._answer, int(clip.frame_idxs[position]))
        return self._paint(float(clip.timestamps_s[position]), frame, objects)

    def paint_found(self, found: FrameMasks, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The next frame of a video whose masks are made meanwhile.

        Args:
            found: The frame's masks.
            frame: RGB, uint8 [H, W, 3].

        Returns:
            As `paint`.
        """
        shown = [idx for idx, mask in enumerate(found.objects) if not mask.is_empty]
        if shown:
            self._timeline.mark(found.time_s)
        if self._seen is not None and not self._seen.issuperset(shown):
            self._seen.update(shown)
            self._caption = self._caption_band()
            self._place_caption()
        objects = [(idx, found.objects[idx].pixels()) for idx in shown]
        return self._paint(found.time_s, frame, objects)

    def _paint(
        self, time_s: float, frame: NDArray[np.uint8], objects: Sequence[tuple[int, Mask]]
    ) -> NDArray[np.uint8]:
        canvas = self._canvas
        left_px = (self.width_px - self._picture_width_px) // 2
        picture = canvas[: self._picture_height_px, left_px : left_px + self._picture_width_px]
        if self._scale > 1:
            size = (self._picture_width_px, self._picture_height_px)
            picture[:] = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
        else:
            picture[:] = frame
        draw_objects(picture, objects, tags=self._num_objects > 1)
        paste(canvas, self._timeline.at(time_s), left_px=0, top_px=self._picture_height_px)
        return canvas

    def _caption_band(self) -> NDArray[np.uint8]:
        legend = None
        if self._seen is not None:
            legend = [
                live_legend(self._answer.object_name(idx), idx, idx in self._seen)
                for idx in range(self._num_objects)
            ]
        return caption_band(
            self._answer,
            width_px=self.width_px,
            font_px=self._font_px,
            max_height_px=max(self._picture_height_px, MIN_CANVAS_PX // 2),
            legend=legend,
        )

    def _place_caption(self) -> None:
        band = self._canvas[self._picture_height_px + self._timeline.height_px :]
        band[:] = BACKGROUND
        height_px = min(len(band), len(self._caption))
        band[:height_px] = self._caption[:height_px]


def _even(side_px: int) -> int:
    return side_px + side_px % 2
