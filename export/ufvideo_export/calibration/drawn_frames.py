"""Frames for who has none at hand: scenes of shapes, textures, stripes and extremes of light.

They are the same on every machine. What they lack is what cameras see: a range that real frames
leave is clipped there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

NUM_DRAWN_FRAMES = 16
_SEED = 20261129
_NUM_SHAPES = 8
# Of a texture, from coarse to fine; the pixels themselves come last.
_CELLS = (4, 16, 64)

_Picture = NDArray[np.float32]


def drawn_frames(side_px: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the built-in frames, RGB uint8 [S, S, 3], at the size that an encoder reads."""
    kinds = (_scene, _texture, _stripes, _extreme)
    for number in range(NUM_DRAWN_FRAMES):
        random = np.random.default_rng((_SEED, number))
        picture = kinds[number % len(kinds)](random, side_px)
        yield picture.clip(0, 255).astype(np.uint8)


def _grid(side_px: int) -> tuple[_Picture, _Picture]:
    """Height and width of every pixel from 0 to 1, float32 [S, 1] and [1, S]."""
    line = np.arange(side_px, dtype=np.float32) / np.float32(side_px)
    return line[:, None], line[None, :]


def _scene(random: np.random.Generator, side_px: int) -> _Picture:
    """Ellipses and rectangles of plain colours on a gradient, float32 [S, S, 3]."""
    ys, xs = _grid(side_px)
    top, bottom, left, right = random.uniform(0, 127.5, (4, 3)).astype(np.float32)
    down, across = ys[..., None], xs[..., None]
    picture = top * (1 - down) + bottom * down + left * (1 - across) + right * across
    for number in range(_NUM_SHAPES):
        middle_y, middle_x = random.uniform(0, 1, 2)
        half_height, half_width = random.uniform(0.05, 0.25, 2)
        dy, dx = np.abs(ys - middle_y) / half_height, np.abs(xs - middle_x) / half_width
        inside = dy**2 + dx**2 < 1 if number % 2 else (dy < 1) & (dx < 1)
        picture[inside] = random.uniform(0, 255, 3)
    return picture


def _texture(random: np.random.Generator, side_px: int) -> _Picture:
    """Noise of several sizes on a plain colour, float32 [S, S, 3]."""
    picture = np.full((side_px, side_px, 3), random.uniform(64, 192, 3), np.float32)
    for cells in (*_CELLS, side_px):
        noise = random.uniform(-48, 48, (cells, cells, 3)).astype(np.float32)
        at = np.arange(side_px) * cells // side_px
        picture += noise[at][:, at]
    return picture


def _stripes(random: np.random.Generator, side_px: int) -> _Picture:
    """Edges in one direction, of two colours and growing number, float32 [S, S, 3]."""
    ys, xs = _grid(side_px)
    angle, number = random.uniform(0, np.pi), random.uniform(4, 40)
    phase = (xs * np.cos(angle) + ys * np.sin(angle)) * (1 + ys) * number
    dark, bright = random.uniform(0, 96, 3), random.uniform(160, 255, 3)
    return np.where(phase[..., None] % 1 < 0.5, dark, bright).astype(np.float32)


def _extreme(random: np.random.Generator, side_px: int) -> _Picture:
    """A scene at night, or one that is overexposed, float32 [S, S, 3]."""
    scene = _scene(random, side_px) * np.float32(0.15)
    return scene if random.uniform() < 0.5 else 255 - scene
