"""Write what Pillow and PyTorch make of some frames, logits and masks: what our resizers must give.

`cases.json` lists the cases; the results lie one after the other, as raw bytes, in a file for each
kind. Inputs are not stored: they are made from the byte's index, here and in the C++ tests.

Run it from anywhere, with the export extra installed: `python tests/data/resize/make_cases.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).parent
# (height, width) before and after.
BICUBIC = [
    ((1, 1), (5, 7)),
    ((3, 5), (1, 1)),
    ((7, 9), (7, 9)),
    ((7, 9), (7, 20)),
    ((7, 9), (15, 9)),
    ((9, 7), (9, 3)),
    ((2, 3), (64, 63)),
    ((300, 1), (20, 33)),
    ((1, 300), (3, 41)),
    ((37, 53), (56, 56)),
    ((57, 55), (56, 56)),
    ((97, 61), (13, 120)),
    ((480, 640), (31, 29)),
    ((720, 1280), (56, 56)),
    ((1080, 1920), (16, 17)),
]
# (side of the logits, side of the mask model's input, height and width of the frame).
DECODE = [(8, 32, 45, 80), (16, 64, 64, 64), (7, 20, 9, 13), (5, 5, 31, 3), (1, 4, 6, 5)]
# (height and width of the mask, rows and columns of the patch grid, one pixel in `rarity` is set).
SHRINK = [
    (45, 80, 4, 4, 9),
    (64, 64, 27, 27, 5),
    (3, 5, 8, 9, 2),
    (200, 31, 7, 13, 40),
    (1, 1, 3, 3, 1),
]


def hashed(size: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Pseudo-random 32-bit numbers that C++ makes with the same few operations."""
    value = (np.arange(size, dtype=np.uint64) + np.uint64(seed * 7919)) & np.uint64(0xFFFFFFFF)
    value = (value * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    value ^= value >> np.uint64(15)
    value = (value * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    value ^= value >> np.uint64(13)
    return value.astype(np.uint32)


def frame_of(pattern: str, height: int, width: int, seed: int) -> np.ndarray[Any, Any]:
    noise = hashed(height * width * 3, seed).reshape(height, width, 3)
    if pattern == "noise":
        return (noise >> 24).astype(np.uint8)
    # Black and white only: the filter overshoots on both sides.
    return np.where(noise >> 31, 255, 0).astype(np.uint8)


def bicubic_cases() -> tuple[list[dict[str, Any]], bytes]:
    cases = []
    results = b""
    for index, ((height, width), (new_height, new_width)) in enumerate(BICUBIC):
        for pattern in ("noise", "extreme"):
            frame = Image.fromarray(frame_of(pattern, height, width, index))
            # One axis a call: Pillow 13 began to resize tall frames vertically first, all versions
            # before it (the ones that the released models were trained with) go horizontally first.
            for size in ((new_width, height), (new_width, new_height)):
                frame = frame.resize(size, Image.Resampling.BICUBIC)
            results += np.asarray(frame).tobytes()
            cases.append(
                {"pattern": pattern, "seed": index, "from": [height, width]}
                | {"to": [new_height, new_width]}
            )
    return cases, results


def interpolate(values: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        values[None, None], size=(height, width), mode="bilinear", align_corners=False
    )[0, 0]


def decode_cases() -> tuple[list[dict[str, Any]], bytes]:
    cases = []
    results = b""
    for side, mask_size_px, height, width in DECODE:
        for seed in range(1, 1000):
            logits = hashed(side * side, seed).astype(np.float32) / np.float32(2**31) - 1
            values = torch.from_numpy(logits.reshape(side, side))
            values = interpolate(interpolate(values, mask_size_px, mask_size_px), height, width)
            # A value at zero within rounding has no right sign: take another seed.
            if values.abs().min() > 1e-5:
                break
        results += (values > 0).numpy().astype(np.uint8).tobytes()
        cases.append(
            {"seed": seed, "side": side, "mask_size_px": mask_size_px, "to": [height, width]}
        )
    return cases, results


def shrink_cases() -> tuple[list[dict[str, Any]], bytes]:
    cases = []
    results = b""
    for seed, (height, width, rows, columns, rarity) in enumerate(SHRINK):
        mask = (hashed(height * width, seed) % rarity == 0).reshape(height, width)
        small = interpolate(torch.from_numpy(mask.astype(np.float32)), rows, columns) > 0
        results += small.numpy().astype(np.uint8).tobytes()
        cases.append(
            {"seed": seed, "from": [height, width], "to": [rows, columns], "rarity": rarity}
        )
    return cases, results


def main() -> None:
    index = {}
    for name, (cases, results) in {
        "bicubic": bicubic_cases(),
        "decode_mask": decode_cases(),
        "shrink_mask": shrink_cases(),
    }.items():
        index[name] = cases
        (HERE / f"{name}.bin").write_bytes(results)
    lines = ",\n".join(
        f'  "{name}": [\n' + ",\n".join("    " + json.dumps(case) for case in cases) + "\n  ]"
        for name, cases in index.items()
    )
    (HERE / "cases.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
