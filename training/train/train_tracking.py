"""Fourth stage of training: SAM 2's memory carries a thing from one prompted frame to the next.

Single frames stay in the mix, so that what was learnt of them is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import Sam2VideoModel

from training.train.carry import maps_of_objects
from training.train.looks import LooksPrompt, looks_of
from training.train.mask_frames import part_of_pixels
from training.train.mask_losses import tracked_losses
from training.train.nano import Nano
from training.train.pixels import draw_clip, resized
from training.train.pretrain_masks import Batch, MaskPretraining, mask_batch
from training.train.sizes import SAM2
from training.world import TRAIN_SEEDS, make_scene
from ufvideo_export.torch_model.mask_model import frame_maps
from ufvideo_export.torch_model.propagate import propagate_maps

_SCENES = 5
NUM_TRACKED = 6
_MOST_STEP = 5
# A thing is prompted where at least this many pixels of it are seen.
LEAST_PIXELS = 40


def tracking_batch(number: int, *, level: int, seeds: range = TRAIN_SEEDS) -> Batch:
    """Short runs of frames with the masks of things that are seen on the first one.

    Returns:
        frames uint8 [F, B, S, S, 3], truth float32 [F, M, S, S], looks int64 [M, NUM_LOOKS] and
        clips int64 [M]: which clip each thing is in.
    """
    frames: list[NDArray[np.uint8]] = []
    truth: list[NDArray[np.float32]] = []
    looks: list[NDArray[np.int64]] = []
    clips: list[int] = []
    for seed in seeds[number * _SCENES : (number + 1) * _SCENES]:
        rng = np.random.default_rng([seed, 14])
        scene = make_scene(seed, level=level)
        most = min(_MOST_STEP, (scene.num_frames - 1) // (NUM_TRACKED - 1))
        step = int(rng.integers(1, most + 1))
        first = int(rng.integers(scene.num_frames - step * (NUM_TRACKED - 1)))
        drawn = draw_clip(scene, first + step * np.arange(NUM_TRACKED), rng)
        for i, thing in enumerate(scene.things):
            if drawn.masks[i, 0].sum() >= LEAST_PIXELS:
                truth.append(part_of_pixels(drawn.masks[i], SAM2.image_size_px))
                looks.append(looks_of(thing))
                clips.append(len(frames))
        frames.append(resized(drawn.frames, SAM2.image_size_px))
    if not truth:
        return tracking_batch(number + 1, level=level, seeds=seeds)
    return {
        "frames": torch.from_numpy(np.stack(frames, 1)),
        "truth": torch.from_numpy(np.stack(truth, 1)),
        "looks": torch.from_numpy(np.stack(looks)),
        "clips": torch.tensor(clips),
    }


class TrackingTraining(nn.Module):
    """All of SAM 2, with the prompts that stand in for the language model."""

    def __init__(self, nano: Nano) -> None:
        super().__init__()
        self.masks = MaskPretraining(nano)

    @property
    def sam(self) -> Sam2VideoModel:
        """What learns."""
        return self.masks.sam

    @property
    def looks_prompt(self) -> LooksPrompt:
        """The stand-in prompts."""
        return self.masks.looks_prompt

    def forward(self, batch: tuple[Batch, Batch]) -> tuple[torch.Tensor, dict[str, float]]:
        """Loss and figures of a batch of runs and one of single frames."""
        runs, singles = batch
        tracked, iou = self.track(runs)
        single = self.masks(singles)
        return tracked + single.total, {"tracked_iou": iou, "iou": single.iou}

    def track(self, batch: Batch) -> tuple[torch.Tensor, float]:
        """Loss of runs, and the mean IoU behind the prompted frame."""
        shape = batch["frames"].shape[:2]
        maps = frame_maps(self.sam, self.masks.encoder.normalise(batch["frames"].flatten(0, 1)))
        own = maps_of_objects([each.unflatten(0, shape) for each in maps], batch["clips"])
        found = propagate_maps(self.sam, own, self.looks_prompt(batch["looks"]))
        losses = tracked_losses(found, batch["truth"].flatten(0, 1))
        return losses.total, float(losses.iou.view(len(found), -1)[1:].mean())


def tracking_batches(first: int) -> Iterator[tuple[Batch, Batch]]:
    """Batches without end, of scenes that no other stage has seen."""
    number = 2_000_000 + first
    while True:
        yield tracking_batch(number, level=3), mask_batch(number, level=3)
        number += 1
