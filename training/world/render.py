"""The training renderer: smooth edges, soft shading, exact masks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.backgrounds import draw_background
from training.world.rendered import Rendered, back_to_front, blank, places_px
from training.world.scene import Scene, Thing
from training.world.shapes import contours

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (225, 35, 40),
    "green": (40, 175, 60),
    "blue": (45, 85, 235),
    "yellow": (245, 225, 50),
    "purple": (160, 50, 205),
    "orange": (250, 135, 25),
    "cyan": (50, 215, 230),
    "white": (245, 245, 245),
}
# Each pixel is sampled this often along a side.
_FINE = 4
_SHADE = 0.14


def render(scene: Scene, frame_idxs: Sequence[int] | None = None) -> Rendered:
    """Draw frames of a scene with the mask of every thing.

    A pixel belongs to the frontmost thing that covers half of it or more.

    Args:
        scene: What to draw.
        frame_idxs: Which frames, all when None; any subset gives the same pixels as all.

    Raises:
        ValueError: When a frame lies outside the clip.
    """
    drawn = blank(scene, frame_idxs)
    times = scene.fractions()[drawn.frame_idxs]
    height, width = scene.height, scene.width
    shifts = np.rint(scene.camera.shifts(times) * [width, height]).astype(int)
    pad = int(np.ceil(scene.camera.reach * max(height, width))) + 1
    behind = draw_background(scene.background, height + 2 * pad, width + 2 * pad)
    places = places_px(scene, times)
    order = back_to_front(scene)
    grain = _grain(scene, pad)
    for f, (shift_x, shift_y) in enumerate(shifts):
        top, left = pad - shift_y, pad - shift_x
        frame = drawn.frames[f]
        frame[...] = behind[top : top + height, left : left + width]
        for i in order:
            thing = scene.things[i]
            color = PALETTE[thing.color_at(float(times[f]))]
            window = _paint(frame, thing, places[i, f], np.multiply(color, thing.tint))
            if window is not None:
                rows, columns, covered = window
                for lower in order[: order.index(i)]:
                    drawn.masks[lower, f, rows, columns] &= ~covered
                drawn.masks[i, f, rows, columns] = covered
        if grain is not None:
            _add_grain(frame, grain, int(drawn.frame_idxs[f]))
    return drawn


def cover(
    kind: str, place: NDArray[np.float64], height: int, width: int
) -> tuple[slice, slice, NDArray[np.float32]] | None:
    """How much of each pixel a shape covers.

    Args:
        kind: Kind of the shape.
        place: Centre x, y and radius, pixels, float64 [3].
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        The rows and columns it may touch and the part covered of each of their pixels, float32
        of 0 to 1; None when it lies outside the frame.
    """
    x, y, radius = place
    outlines = [contour * radius for contour in contours(kind)]
    low, high = outlines[0].min(axis=0), outlines[0].max(axis=0)
    left, right = max(int(x + low[0]) - 1, 0), min(int(x + high[0]) + 3, width)
    top, bottom = max(int(y + low[1]) - 1, 0), min(int(y + high[1]) + 3, height)
    if left >= right or top >= bottom:
        return None
    fine = np.zeros(((bottom - top) * _FINE, (right - left) * _FINE), np.uint8)
    corner = np.array([x - left + 0.5, y - top + 0.5])
    points = [np.rint(((o + corner) * _FINE - 0.5) * 16).astype(np.int32) for o in outlines]
    cv2.fillPoly(fine, points, 255, shift=4)
    part = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    covered = np.divide(part, 255, dtype=np.float32)
    return slice(top, bottom), slice(left, right), covered


def _paint(
    frame: NDArray[np.uint8],
    thing: Thing,
    place: NDArray[np.float64],
    color: NDArray[np.float64],
) -> tuple[slice, slice, NDArray[np.bool_]] | None:
    """Blend a thing into a frame; where it is, and which pixels it takes."""
    covering = cover(thing.kind, place, *frame.shape[:2])
    if covering is None:
        return None
    rows, columns, part = covering
    # Lit from above: a little brighter at the top than at the bottom.
    down = (np.arange(rows.start, rows.stop) - place[1]) / max(place[2], 1.0)
    light = (1 - _SHADE * (0.5 + 0.5 * down.clip(-1, 1))).astype(np.float32)
    paint = light[:, None, None] * color.astype(np.float32)
    under = frame[rows, columns].astype(np.float32)
    blend = under + part[..., None] * (paint - under)
    frame[rows, columns] = (blend + 0.5).clip(0, 255).astype(np.uint8)
    return rows, columns, part >= 0.5


def _grain(scene: Scene, pad: int) -> NDArray[np.int16] | None:
    if scene.grain < 0.5:
        return None
    rng = np.random.default_rng([scene.background.grain_seed, 1])
    size = (scene.height + 16, scene.width + 16, 3)
    return np.rint(rng.normal(0, scene.grain, size)).astype(np.int16)


def _add_grain(frame: NDArray[np.uint8], grain: NDArray[np.int16], frame_idx: int) -> None:
    """Add another window of the grain to each frame: drawing it anew would cost more."""
    top, left = frame_idx * 7 % 16, frame_idx * 5 % 16
    height, width = frame.shape[:2]
    noisy = frame + grain[top : top + height, left : left + width]
    frame[...] = noisy.clip(0, 255).astype(np.uint8)
