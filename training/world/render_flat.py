"""A second renderer for clips unlike the training ones: hard edges, other palettes and noise."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.rendered import Rendered, back_to_front, blank, places_px
from training.world.scene import Scene
from training.world.shapes import contours

# Other reds and blues than the training renderer's, still what a person calls so.
FLAT_PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (190, 20, 25),
    "green": (20, 140, 40),
    "blue": (20, 50, 190),
    "yellow": (225, 205, 20),
    "purple": (125, 25, 160),
    "orange": (235, 115, 0),
    "cyan": (0, 190, 205),
    "white": (228, 232, 226),
}
_OUTLINE_SHARE = 0.45


def render_flat(scene: Scene, frame_idxs: Sequence[int] | None = None) -> Rendered:
    """Draw frames of a scene with plain OpenCV shapes and exact masks.

    Args:
        scene: What to draw.
        frame_idxs: Which frames, all when None.

    Raises:
        ValueError: When a frame lies outside the clip.
    """
    drawn = blank(scene, frame_idxs)
    times = scene.fractions()[drawn.frame_idxs]
    rng = np.random.default_rng([scene.seed, 77])
    behind = _pattern(scene, rng)
    places = places_px(scene, times)
    order = back_to_front(scene)
    salt = float(rng.uniform(0, 0.02))
    blur = bool(rng.random() < 0.3)
    outlined = bool(rng.random() < _OUTLINE_SHARE)
    for f, time in enumerate(times):
        frame, label = behind.copy(), np.zeros((scene.height, scene.width), np.uint8)
        for i in order:
            thing = scene.things[i]
            color = FLAT_PALETTE[thing.color_at(float(time))]
            own = np.zeros_like(label)
            _fill(own, thing.kind, places[i, f])
            frame[own > 0] = color
            if outlined:
                rim = own - cv2.erode(own, np.ones((3, 3), np.uint8), borderValue=1)
                frame[rim > 0] = [part // 2 for part in color]
            label[own > 0] = i + 1
        for i in order:
            drawn.masks[i, f] = label == i + 1
        drawn.frames[f] = _soil(frame, scene, int(drawn.frame_idxs[f]), salt=salt, blur=blur)
    return drawn


def _pattern(scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Plain, stripes or squares in two tones."""
    tones = rng.integers(15, 95, (2, 1)) + rng.integers(-12, 13, (2, 3))
    y, x = np.mgrid[: scene.height, : scene.width]
    step = int(rng.integers(9, 22))
    kind = int(rng.integers(3))
    second = [np.zeros_like(x), (x + y) // step % 2, (x // step + y // step) % 2][kind]
    return np.asarray(tones.clip(0, 255)[second], np.uint8)


def _fill(canvas: NDArray[np.uint8], kind: str, place: NDArray[np.float64]) -> None:
    """Set a shape's pixels to 1 with OpenCV's own primitives."""
    x, y, radius = place
    centre = (round(float(x)), round(float(y)))
    if kind == "circle":
        cv2.circle(canvas, centre, round(float(radius)), 1, -1)
    elif kind == "ring":
        thickness = max(round(0.5 * float(radius)), 1)
        cv2.circle(canvas, centre, round(0.8 * float(radius)), 1, thickness)
    else:
        points = np.rint(contours(kind)[0] * radius + [x, y]).astype(np.int32)
        cv2.fillPoly(canvas, [points], 1)


def _soil(
    frame: NDArray[np.uint8], scene: Scene, frame_idx: int, *, salt: float, blur: bool
) -> NDArray[np.uint8]:
    """Salt, pepper and blur; never the same twice in a clip."""
    if blur:
        frame = np.asarray(cv2.blur(frame, (3, 3)), np.uint8)
    rng = np.random.default_rng([scene.seed, 78, frame_idx])
    chance = rng.random(frame.shape[:2])
    frame[chance < salt / 2] = 20
    frame[chance > 1 - salt / 2] = 235
    return frame
