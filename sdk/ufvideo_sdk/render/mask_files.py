"""Masks as folders of PNG files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk.atomic_file import new_folder
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.coco import frame_name, video_name
from ufvideo_sdk.results.mask_layouts import MASK_LAYOUTS
from ufvideo_sdk.results.masks import MaskTrack, segmented_idxs
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.validation.arguments import described

# In a picture with a colour table a pixel is one byte, and 0 means no object.
_MAX_OBJECTS = 255


def save_masks(result: Result, folder: Path, layout: str) -> None:
    """Write masks as PNG files into a new folder (see `Answer.save_masks`).

    Raises:
        InputError: When there are no masks or too many, no such layout, or the folder is not empty
            or cannot be written.
        CapacityError: When the disk is full.
    """
    if layout not in MASK_LAYOUTS:
        raise InputError(f'layout: expected "png" or "youtube-vos", got {described(layout)}')
    if not result.masks:
        raise InputError(f"save_masks: expected a result with masks, got {result!r}")
    if layout == "youtube-vos" and len(result.masks) > _MAX_OBJECTS:
        raise InputError(
            f"save_masks: expected at most {_MAX_OBJECTS} objects in a picture, got"
            f' {len(result.masks)}; layout="png" has a file for each'
        )
    with new_folder(folder) as draft:
        if layout == "png":
            _write_masks(result, draft)
        else:
            _write_youtube_vos(result, draft)


def _write_masks(result: Result, folder: Path) -> None:
    for number, track in enumerate(result.masks, start=1):
        own = folder / f"object_{number}"
        own.mkdir()
        for frame_idx, mask in zip(track.frame_idxs.tolist(), track, strict=True):
            picture = Image.fromarray(mask.pixels().astype(np.uint8) * np.uint8(255))
            picture.save(own / f"{frame_name(frame_idx)}.png")


def _write_youtube_vos(result: Result, folder: Path) -> None:
    video = video_name(result.clip.name)
    pictures = folder / "Annotations" / video
    pictures.mkdir(parents=True)
    table = colour_table().tobytes()
    for frame_idx in segmented_idxs(result.masks).tolist():
        picture = Image.fromarray(_labels(result.masks, frame_idx))
        picture.putpalette(table)
        picture.save(pictures / f"{frame_name(frame_idx)}.png")
    meta = {"videos": {video: {"objects": _objects(result)}}}
    text = json.dumps(meta, indent=2, ensure_ascii=False) + "\n"
    (folder / "meta.json").write_text(text, encoding="utf-8")


def _labels(tracks: tuple[MaskTrack, ...], frame_idx: int) -> NDArray[np.uint8]:
    """The number of the object at each pixel of a frame, uint8 [H, W]; 0 where there is none."""
    found = [
        (float(track.scores[position]), -number, track[position])
        for number, track in enumerate(tracks, start=1)
        for position in np.flatnonzero(track.frame_idxs == frame_idx).tolist()
    ]
    labels = np.zeros((tracks[0].height, tracks[0].width), np.uint8)
    # The best score comes last, and of equal ones the first object: it is drawn over the others.
    for _, negative, mask in sorted(found, key=lambda each: each[:2]):
        labels[mask.pixels()] = -negative
    return labels


def _objects(result: Result) -> dict[str, dict[str, object]]:
    """What `meta.json` says of each object: its category, and the frames that show it."""
    return {
        str(number): {
            "category": name,
            "frames": [frame_name(idx) for idx in track.frame_idxs[track.num_pixels > 0].tolist()],
        }
        for number, (name, track) in enumerate(
            zip(result.object_names, result.masks, strict=True), start=1
        )
    }


def colour_table() -> NDArray[np.uint8]:
    """The colours of PASCAL VOC, which DAVIS and YouTube-VOS use too, uint8 [256, 3].

    The bits of a label go to the highest bits of red, green and blue in turn.
    """
    labels = np.arange(256)[:, None]
    colours = np.zeros((256, 3), np.int64)
    for bit in range(8):
        channels = labels >> (3 * bit + np.arange(3)) & 1
        colours |= channels << (7 - bit)
    return colours.astype(np.uint8)
