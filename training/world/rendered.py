"""Drawn frames with the truth of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.scene import Scene


@dataclass(frozen=True, eq=False)
class Rendered:
    """Frames of a scene.

    Attributes:
        scene: What was drawn.
        frame_idxs: Which frames of the clip, int64 [F].
        frames: RGB, uint8 [F, H, W, 3].
        masks: The pixels of each thing that are seen, bool [K, F, H, W].
    """

    scene: Scene
    frame_idxs: NDArray[np.int64]
    frames: NDArray[np.uint8]
    masks: NDArray[np.bool_]


def blank(scene: Scene, frame_idxs: Sequence[int] | None) -> Rendered:
    """Black frames and empty masks, for a renderer to draw into.

    Args:
        scene: What will be drawn.
        frame_idxs: Which frames, all when None.

    Raises:
        ValueError: When there is none, or one lies outside the clip.
    """
    idxs = checked_idxs(scene, frame_idxs)
    size = (len(idxs), scene.height, scene.width)
    frames = np.zeros((*size, 3), np.uint8)
    return Rendered(scene, idxs, frames, np.zeros((len(scene.things), *size), np.bool_))


def back_to_front(scene: Scene) -> list[int]:
    """Indices of the things in the order of painting."""
    return sorted(range(len(scene.things)), key=lambda i: scene.things[i].depth)


def checked_idxs(scene: Scene, frame_idxs: Sequence[int] | None) -> NDArray[np.int64]:
    """The frames asked for, int64 [F]; all when None.

    Raises:
        ValueError: When there is none, or one lies outside the clip.
    """
    if frame_idxs is None:
        return np.arange(scene.num_frames, dtype=np.int64)
    idxs = np.asarray(frame_idxs, dtype=np.int64)
    if idxs.ndim != 1 or idxs.size == 0 or idxs.min() < 0 or idxs.max() >= scene.num_frames:
        raise ValueError(
            f"frame_idxs: expected one or more of 0 to {scene.num_frames - 1}, got {idxs.tolist()}"
        )
    return idxs


def places_px(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre and radius of every thing in pixels, camera included.

    A centre of (0, 0) is the middle of the first pixel.

    Args:
        scene: The scene.
        times: Fractions of the clip, float64 [F].

    Returns:
        x, y and radius, float64 [K, F, 3].
    """
    sides = np.array([scene.width, scene.height])
    shifts = np.rint(scene.camera.shifts(times) * sides)
    places = np.stack([thing.places(times) for thing in scene.things])
    places[..., :2] = places[..., :2] * sides - 0.5 + shifts
    places[..., 2] *= scene.scale_px
    return places
