"""Frames of a scene as the stages take them, with what a camera and a codec do to them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.world import Rendered, Scene, render, render_flat

# How often a training clip is drawn by the second renderer, and how often it is compressed.
_FLAT_SHARE = 0.1
_COMPRESSED_SHARE = 0.5


def draw_clip(scene: Scene, frame_idxs: NDArray[np.int64], rng: np.random.Generator) -> Rendered:
    """Draw frames of a training clip.

    Args:
        scene: What to draw.
        frame_idxs: Which frames, int64 [F]; repeated ones are drawn once.
        rng: Chooses how the frames are spoiled.

    Returns:
        The frames in the order asked for.
    """
    unique, places = np.unique(frame_idxs, return_inverse=True)
    drawn = (render_flat if rng.random() < _FLAT_SHARE else render)(scene, unique.tolist())
    frames = drawn.frames
    if rng.random() < _COMPRESSED_SHARE:
        frames = _compressed(frames, int(rng.integers(55, 96)))
    return Rendered(scene, frame_idxs, frames[places], drawn.masks[:, places])


def resized(frames: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Frames of the model's size by Pillow's bicubic filter, uint8 [F, side, side, 3]."""
    out = np.empty((len(frames), side, side, 3), np.uint8)
    for frame, target in zip(frames, out, strict=True):
        small = Image.fromarray(frame).resize((side, side), Image.Resampling.BICUBIC)
        target[...] = np.asarray(small)
    return out


def _compressed(frames: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    out = np.empty_like(frames)
    for frame, target in zip(frames, out, strict=True):
        _, code = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        target[...] = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return out
