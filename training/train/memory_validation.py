"""How well memory carries things through long validation clips, while it learns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from training.train.carry import carry, maps_of_objects
from training.train.looks import looks_of
from training.train.mask_frames import part_of_pixels
from training.train.mask_losses import mask_iou
from training.train.pixels import resized
from training.train.sizes import SAM2
from training.train.train_memory import MAX_PROMPTED, MemoryTraining
from training.world import VALIDATION_SEEDS, render
from training.world.long_scene import make_long_scene
from ufvideo_export.torch_model.mask_model import frame_maps
from ufvideo_export.torch_model.propagate import Maps, TrackedFrame, memory_rules

# The two things that look alike.
_FOLLOWED = (0, 2)


class LongClips:
    """Validation clips, whose maps are computed once: the image encoder stands still."""

    def __init__(
        self, module: MemoryTraining, *, num_clips: int, num_frames: int, first: int = 0
    ) -> None:
        """Draw and encode the clips.

        Args:
            module: What learns.
            num_clips: Clips.
            num_frames: Of each clip.
            first: Position of the first clip among the validation seeds.
        """
        self._module = module
        looks: list[NDArray[np.int64]] = []
        maps: list[tuple[torch.Tensor, ...]] = []
        truth: list[torch.Tensor] = []
        for seed in VALIDATION_SEEDS[first : first + num_clips]:
            scene = make_long_scene(seed, num_frames)
            drawn = render(scene)
            frames = torch.from_numpy(resized(drawn.frames, SAM2.image_size_px))
            with torch.no_grad():
                parts = [
                    frame_maps(module.sam, module.encoder.normalise(part))
                    for part in frames.split(32)
                ]
            maps.append(tuple(torch.cat(level) for level in zip(*parts, strict=True)))
            masks = part_of_pixels(drawn.masks[list(_FOLLOWED)], SAM2.image_size_px)
            truth.append(torch.from_numpy(masks) > 0.5)
            looks += [looks_of(scene.things[i]) for i in _FOLLOWED]
        self._looks = torch.from_numpy(np.stack(looks))
        self._maps = [torch.stack(level, 1) for level in zip(*maps, strict=True)]
        # bool [F, M, S, S]
        self.truth = torch.cat(truth).transpose(0, 1)

    def maps(self) -> list[Maps]:
        """Of every frame, for each object."""
        return maps_of_objects(self._maps, torch.arange(len(self._looks)) // len(_FOLLOWED))

    def found(self, *, used_memories: int | None = None) -> list[TrackedFrame]:
        """What memory finds when each thing is named by its looks, once."""
        sam = self._module.sam
        rules = memory_rules(sam, used_memories=used_memories, max_prompted=MAX_PROMPTED)
        with torch.no_grad():
            prompts = self._module.looks_prompt(self._looks)
            return carry(sam, self.maps(), {0: prompts}, rules)

    def scores(self, *, used_memories: int | None = None) -> Mapping[str, float]:
        """Mean J; that where a thing is seen; how often its absence is seen; and mistakes.

        `other` is the part of frames on which a mask is on the other thing, `named` the mean J of
        the frame that is named, which no other figure counts.
        """
        found = self.found(used_memories=used_memories)
        shown = torch.stack([_masks(frame) for frame in found])
        j = mask_iou(shown, self.truth)
        # Things come in pairs.
        other = self.truth.unflatten(1, (-1, len(_FOLLOWED))).flip(2).flatten(1, 2)
        on_other = mask_iou(shown[1:], other[1:]) > 0.5
        is_seen = self.truth.flatten(2).any(-1)[1:]
        return {
            "j": float(j[1:].mean()),
            "j_seen": float(j[1:][is_seen].mean()),
            "absent": float(j[1:][~is_seen].mean()),
            "other": float((on_other & other[1:].flatten(2).any(-1)).float().mean()),
            "named": float(j[0].mean()),
        }


def _masks(frame: TrackedFrame) -> torch.Tensor:
    """Masks as the runtime shows them, bool [M, S, S]: empty if the object is not there."""
    side = SAM2.image_size_px
    full = interpolate(frame.mask_logits[:, None], (side, side), mode="bilinear")[:, 0]
    return (full > 0) & (frame.object_scores[:, :, None] > 0)
