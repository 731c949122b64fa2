"""SigLIP's preprocessor_config.json, which must ask for the pixels that the graphs compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ufvideo_export.checkpoint.config import JsonFields

NAME = "preprocessor_config.json"
_BICUBIC = 3
_HALF = [0.5, 0.5, 0.5]


def refuse_other_pixels(folder: Path, image_size_px: int) -> None:
    """Refuse a preprocessor that resizes or normalises frames in another way than the graphs.

    SigLIP 2 resizes bilinearly, with tensors of the same names and shapes.

    Args:
        folder: Where SigLIP's config lies; without the file nothing is checked.
        image_size_px: Side of a frame.

    Raises:
        InputError: Naming the key, what was expected and what the file says.
    """
    path = folder / NAME
    if not path.is_file():
        return
    fields = JsonFields(path)
    for key in ("do_resize", "do_rescale", "do_normalize"):
        fields.only(key, (True, None), None)
    fields.only("do_center_crop", (False, None), None)
    fields.only("resample", (_BICUBIC, None), None)
    for key in ("image_mean", "image_std"):
        fields.only(key, (_HALF, None), None)
    factor: Any = fields.values.get("rescale_factor", 1 / 255)
    if not isinstance(factor, (int, float)) or abs(factor * 255 - 1) > 1e-6:
        raise fields.wrong("rescale_factor", "1/255")
    side = {"height": image_size_px, "width": image_size_px}
    fields.only("size", (side, image_size_px, None), None)
