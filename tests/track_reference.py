"""A longer track of the golden checkpoint than the recorded one, as PyTorch computes it in fp32.

`tests/data/small/track_reference.npz` holds what is found of objects that are born apart, prompted
again, remembered within narrower bounds, and tracked backwards, over 40 frames that
`reference_frames` draws. Nothing here needs PyTorch but `main`.

`python -m tests.track_reference` computes it and writes that file anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = Path(__file__).parent / "data" / "small"
PATH = SMALL / "track_reference.npz"
NUM_FRAMES, SIDE_PX = 40, 128
# Frames from an object's birth whose masks are kept, beside its last two.
_KEPT_MASKS = (0, 1, 2, 6, 7, 8, 13, 16, 20, 21)
# On these the golden checkpoint says that an object is gone, by their colour.
_BLUE = (5, 6, 11, 14, 24, 25, 26, 38)
# A best candidate or a sign that rounding may turn is no reference.
MIN_MARGIN = 5e-4
SEED = 17


@dataclass(frozen=True)
class TrackCase:
    """One pass over the frames.

    Attributes:
        prompts: By object, the number of a [SEG] state by the frame that it prompts. Frames are
            numbered in the order of the pass.
        used_memories: As `MemoryRules`; the tracker's `num_memories`.
        max_prompted: As `MemoryRules`.
        backwards: Whether the pass goes from the last frame to the first.
    """

    prompts: tuple[Mapping[int, int], ...]
    used_memories: int = 7
    max_prompted: int = 4
    backwards: bool = False


CASES = {
    # Three objects born apart, the first prompted again.
    "forwards": TrackCase(({0: 0, 20: 1}, {7: 2}, {18: 3})),
    # Of three prompted frames the latest one is kept, while another one is still in the window.
    "bounded": TrackCase(({0: 0, 10: 1, 13: 4},), used_memories=4, max_prompted=1),
    "one_memory": TrackCase(({2: 2},), used_memories=1),
    "backwards": TrackCase(({9: 3},), backwards=True),
}


def reference_frames() -> NDArray[np.uint8]:
    """Frames uint8 [40, 128, 128, 3] of moving squares over moving bands; integers alone make them.

    The native resize leaves frames of the model's own size as they are.
    """
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    frames = np.empty((NUM_FRAMES, SIDE_PX, SIDE_PX, 3), np.uint8)
    for t in range(NUM_FRAMES):
        colour = 2 if t in _BLUE else 1
        for channel in range(3):
            bands = x * (2 + channel) + y * (3 - channel) + t * (3 + 2 * channel)
            texture = (bands // 3 + (x * y >> 5 + channel)) % 64
            frames[t, :, :, channel] = texture + (180 if channel == colour else 0)
        for number in range(3):
            left = (11 + 37 * number + t * (3 - 2 * number)) % (SIDE_PX - 30)
            top = (17 + 29 * number + t * (1 + number)) % (SIDE_PX - 30)
            frames[t, top : top + 28, left : left + 28, number] ^= 96
    return frames


def frame_order(case: TrackCase) -> list[int]:
    """Indices of `reference_frames` in the order of the pass."""
    order = list(range(NUM_FRAMES))
    return order[::-1] if case.backwards else order


def read_reference() -> dict[str, NDArray[Any]]:
    """The recorded arrays.

    `seg_hidden_states` float32 [states, D]; of each object of each case, under `CASE.NUMBER.`:
    `iou_scores` [F, 3], `object_scores` [F, 1] and `object_pointers` [F, C] from its first frame
    on, and `mask_logits` [n, 4h, 4w] of the best candidate on the frames `mask_frames` int64 [n],
    counted from its first one.
    """
    with np.load(PATH) as arrays:
        return dict(arrays)


def kept_masks(num_frames: int) -> list[int]:
    """Frames of an object whose masks are recorded, counted from its first one."""
    return sorted({n for n in (*_KEPT_MASKS, num_frames - 2, num_frames - 1) if n < num_frames})


def compute() -> dict[str, NDArray[Any]]:
    """What PyTorch finds, named as `read_reference` says."""
    import torch

    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.torch_model.mask_model import frame_maps
    from ufvideo_export.torch_model.model import load_mask_decoder, load_mask_encoder
    from ufvideo_export.torch_model.propagate import propagate_objects

    checkpoint = Checkpoint(SMALL / "checkpoint", SMALL / "siglip")
    encoder, decoder = load_mask_encoder(checkpoint), load_mask_decoder(checkpoint)
    random = np.random.default_rng(SEED)
    num_states = 1 + max(n for c in CASES.values() for own in c.prompts for n in own.values())
    states = random.standard_normal((num_states, checkpoint.sizes.hidden_size), np.float32)
    found: dict[str, NDArray[Any]] = {"seg_hidden_states": states}
    with torch.inference_mode():
        pixels = encoder.normalise(torch.from_numpy(reference_frames()))
        maps = list(zip(*(m.unsqueeze(1) for m in frame_maps(encoder.sam, pixels)), strict=True))
        projected = decoder.seg_projection(torch.from_numpy(states))
        for name, case in CASES.items():
            tracked = propagate_objects(
                encoder.sam,
                [maps[idx] for idx in frame_order(case)],
                [{frame: projected[n] for frame, n in own.items()} for own in case.prompts],
                used_memories=case.used_memories,
                max_prompted=case.max_prompted,
            )
            for number, frames in enumerate(tracked):
                for key, value in _recorded(list(frames.values())).items():
                    found[f"{name}.{number}.{key}"] = value
    return found


def margins(arrays: Mapping[str, NDArray[Any]]) -> float:
    """How near a best candidate is to the next, or an object's score to 0, at the nearest."""
    nearest = []
    for name, value in arrays.items():
        if name.endswith("iou_scores"):
            ordered = np.sort(value, axis=1)
            nearest.append(float((ordered[:, 2] - ordered[:, 1]).min()))
        elif name.endswith("object_scores"):
            nearest.append(float(np.abs(value).min()))
    return min(nearest)


def _recorded(frames: list[Any]) -> dict[str, NDArray[Any]]:
    kept = kept_masks(len(frames))
    return {
        "iou_scores": np.concatenate([frame.iou_scores.numpy() for frame in frames]),
        "object_scores": np.concatenate([frame.object_scores.numpy() for frame in frames]),
        "object_pointers": np.concatenate([frame.object_pointers.numpy() for frame in frames]),
        "mask_frames": np.array(kept, np.int64),
        "mask_logits": np.concatenate([frames[number].mask_logits.numpy() for number in kept]),
    }


def main() -> None:
    """Compute the reference and write it."""
    found = compute()
    margin = margins(found)
    if margin < MIN_MARGIN:
        raise SystemExit(f"a decision hangs on {margin:.1e}: choose another SEED")
    np.savez_compressed(PATH, **found)
    print(f"wrote {PATH.name}: {PATH.stat().st_size >> 10} KiB, nearest decision {margin:.1e}")


if __name__ == "__main__":
    main()
