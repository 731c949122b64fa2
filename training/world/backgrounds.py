"""Pictures that lie behind the things, drawn once for each clip."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.scene import Background


def draw_background(background: Background, height: int, width: int) -> NDArray[np.uint8]:
    """Draw a background.

    Args:
        background: What to draw.
        height: Rows, pixels.
        width: Columns, pixels.

    Returns:
        RGB, uint8 [height, width, 3].
    """
    near = np.asarray(background.near, np.float32)
    far = np.asarray(background.far, np.float32)
    if background.kind == "plain":
        picture = np.broadcast_to(near, (height, width, 3))
        return np.ascontiguousarray(picture.astype(np.uint8))
    rng = np.random.default_rng(background.grain_seed)
    if background.kind == "gradient":
        blend = _ramp(rng, height, width)
    elif background.kind == "textured":
        coarse = rng.random((6, 8), dtype=np.float32)
        blend = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    else:
        blend = 0.5 + 0.5 * _ramp(rng, height, width)
        blend += rng.normal(0, 0.25, (height, width)).astype(np.float32)
        blend = np.asarray(cv2.GaussianBlur(blend, (3, 3), 0), np.float32)
    picture = near + blend[..., None] * (far - near)
    if background.kind == "noisy":
        picture += rng.normal(0, 9, (height, width, 1))
    return np.asarray(picture.clip(0, 255), np.uint8)


def _ramp(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A straight ramp from 0 to 1 at an angle."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    along = np.cos(angle) * x + np.sin(angle) * y
    ramp = (along - along.min()) / np.ptp(along)
    return np.asarray(ramp, np.float32)
