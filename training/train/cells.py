"""What every cell of a clip shows: the dense truth that the vision stages are pretrained on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from training.world import Rendered
from training.world.rendered import places_px
from training.world.scene import COLORS, KINDS

# A cell shows a thing that fills at least this part of it.
_SHOWN_SHARE = 0.1
NUM_KINDS = len(KINDS) + 1
NUM_COLORS = len(COLORS) + 1
# A patch's outline is told on so many points a side.
OUTLINE_SIDE = 7
# x and y from the cell's middle, radius, their change to the next frame; x and y from the middle of
# the frame: where a token stands is nothing a language model is told.
NUM_MEASURES = 8
# Measures are of the order of 1 when divided by these.
_SCALES = np.array([0.2, 0.2, 0.1, 0.05, 0.05, 0.02, 0.25, 0.25], np.float32)


@dataclass(frozen=True)
class Cells:
    """The thing that fills most of each cell; index 0 of kinds and colours is "nothing".

    Attributes:
        kinds: int64 [F, cells].
        colors: int64 [F, cells].
        measures: float32 [F, cells, NUM_MEASURES]; 0 where nothing is shown.
        things: Index of the thing, int64 [F, cells]; -1 where nothing is shown.
    """

    kinds: NDArray[np.int64]
    colors: NDArray[np.int64]
    measures: NDArray[np.float32]
    things: NDArray[np.int64]


def label_cells(drawn: Rendered, grid: int, *, pairs: bool) -> Cells:
    """Label the cells of single frames, or of pairs of frames.

    Args:
        drawn: Frames with their masks; consecutive ones belong together where pairs are asked for.
        grid: Cells along a side.
        pairs: Whether frames 2k and 2k + 1 are one.
    """
    times = drawn.scene.fractions()[drawn.frame_idxs]
    things = drawn.scene.things
    shares = _shares(drawn.masks, grid)
    places = places_px(drawn.scene, times)
    places = places / [drawn.scene.width, drawn.scene.height, drawn.scene.scale_px]
    changes = np.zeros_like(places)
    colors = np.array([[1 + COLORS.index(thing.color_at(t)) for t in times] for thing in things])
    kinds = np.array([1 + KINDS.index(thing.kind) for thing in things])
    if pairs:
        shares = (shares[:, 0::2] + shares[:, 1::2]) / np.float32(2)
        changes = places[:, 1::2] - places[:, 0::2]
        places = (places[:, 1::2] + places[:, 0::2]) / 2
        colors = colors[:, 1::2]
    which = shares.argmax(axis=0)
    shown = np.take_along_axis(shares, which[None], 0)[0] >= _SHOWN_SHARE
    frames = np.arange(which.shape[0])[:, None]
    measures = np.concatenate([places, changes, places[..., :2] - 0.5], -1)[which, frames]
    middles = (np.arange(grid) + 0.5) / grid
    measures[..., 0] -= np.tile(middles, grid)
    measures[..., 1] -= np.repeat(middles, grid)
    return Cells(
        kinds=np.where(shown, kinds[which], 0),
        colors=np.where(shown, colors[which, frames], 0),
        measures=(measures / _SCALES * shown[..., None]).astype(np.float32),
        things=np.where(shown, which, -1),
    )


def label_outlines(drawn: Rendered, grid: int) -> NDArray[np.float32]:
    """Which parts of each cell its main thing fills, float32 [F, cells, OUTLINE_SIDE ** 2]."""
    fine = _shares(drawn.masks, grid * OUTLINE_SIDE)
    split = (*fine.shape[:2], grid, OUTLINE_SIDE, grid, OUTLINE_SIDE)
    parts = fine.reshape(split).transpose(0, 1, 2, 4, 3, 5)
    parts = parts.reshape(*fine.shape[:2], grid * grid, OUTLINE_SIDE**2)
    which = parts.mean(-1).argmax(0)
    return np.take_along_axis(parts, which[None, ..., None], 0)[0]


def _shares(masks: NDArray[np.bool_], grid: int) -> NDArray[np.float32]:
    """Part of each cell that each thing fills, float32 [K, F, grid * grid]."""
    flat = masks.reshape(-1, *masks.shape[-2:]).astype(np.float32)
    small = [cv2.resize(m, (grid, grid), interpolation=cv2.INTER_AREA) for m in flat]
    return np.asarray(small, np.float32).reshape(*masks.shape[:2], grid * grid)


class LooksHeads(nn.Module):
    """Linear readers of kinds and colours from a map; they exist in training alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kinds = nn.Conv2d(width, NUM_KINDS, 1)
        self.colors = nn.Conv2d(width, NUM_COLORS, 1)

    def forward(
        self, maps: torch.Tensor, kinds: torch.Tensor, colors: torch.Tensor
    ) -> tuple[torch.Tensor, float]:
        """Cross entropy of both, and the share of shown cells whose kind is told right.

        Args:
            maps: float32 [F, width, grid, grid].
            kinds: int64 [F, grid * grid].
            colors: int64 [F, grid * grid].
        """
        said = self.kinds(maps).flatten(2)
        loss = F.cross_entropy(said, kinds)
        loss = loss + F.cross_entropy(self.colors(maps).flatten(2), colors)
        shown = kinds > 0
        return loss, float((said.argmax(1) == kinds)[shown].float().mean())
