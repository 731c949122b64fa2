"""Binary masks as COCO run-length codes.

The runs go down the columns (column-major order) and alternate, zeros first. `counts` is the
string form that COCO's own tools read: each run as the difference to the run two before it, in
five-bit groups, least significant first, offset by 48.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.validation.arguments import check_num_pixels, described


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """Encode one mask.

    Args:
        mask: bool [H, W], C-contiguous, sides of 1 or more.

    Returns:
        The `counts` of a COCO code whose `size` is [H, W].

    Raises:
        InputError: When mask is not bool [H, W], or has more pixels than a picture can have.
    """
    if mask.dtype != np.bool_ or mask.ndim != 2 or mask.size == 0:
        raise InputError(f"expected a mask bool [H, W], got {mask.dtype} {list(mask.shape)}")
    return _native.encode_mask(mask)


def decode_masks(runs: Sequence[str], *, height: int, width: int) -> NDArray[np.bool_]:
    """Decode masks of one size.

    Args:
        runs: The `counts` of F COCO codes.
        height: Rows of each mask, pixels.
        width: Columns of each mask, pixels.

    Returns:
        bool [F, H, W].

    Raises:
        InputError: When a code is malformed, its runs do not fill height x width exactly, or these
            are more pixels than a picture can have; no memory is taken for the masks then.
    """
    _check(runs, height, width)
    try:
        return _native.decode_masks(runs, height, width)
    except MemoryError:
        raise CapacityError(_expected_memory(len(runs), height, width)) from None


def mask_extents(runs: Sequence[str], *, height: int, width: int) -> NDArray[np.int64]:
    """Measure masks of one size by their codes alone.

    Args:
        runs: The `counts` of F COCO codes.
        height: Rows of each mask, pixels.
        width: Columns of each mask, pixels.

    Returns:
        Number of pixels, left, top, width and height of each in pixels, int64 [F, 5], read-only;
        all 0 for a mask without a pixel.

    Raises:
        InputError: As `decode_masks`.
    """
    _check(runs, height, width)
    extents: NDArray[np.int64] = _native.mask_extents(runs, height, width)
    extents.flags.writeable = False
    return extents


def check_memory(num_masks: int, height: int, width: int) -> None:
    """Refuse dense masks beyond the free memory, which Linux would promise all the same.

    Raises:
        CapacityError: When it cannot.
    """
    free = _native.available_memory_bytes()
    if free is not None and num_masks * height * width > free:
        raise CapacityError(
            f"{_expected_memory(num_masks, height, width)}, got {free:,} bytes free; decode mask by"
            " mask instead (MaskTrack[i].pixels())"
        )


def _expected_memory(num_masks: int, height: int, width: int) -> str:
    return (
        f"masks: expected memory for bool {[num_masks, height, width]},"
        f" {num_masks * height * width:,} bytes"
    )


def _check(runs: Sequence[str], height: int, width: int) -> None:
    check_num_pixels(height, width)
    for number, each in enumerate(runs):
        if not isinstance(each, str) or not each.isascii():
            raise InputError(
                f"runs[{number}]: expected characters '0' to 'o', got {described(each)}"
            )


def mask_iou(runs: str, other_runs: str) -> float:
    """Pixels that two masks share, divided by those of both together, by their codes alone.

    Args:
        runs: The `counts` of a valid COCO code.
        other_runs: That of another mask of the same size.

    Returns:
        From 0 to 1; 1 if neither has a pixel.
    """
    ends, other_ends = (np.cumsum(_run_lengths(each)) for each in (runs, other_runs))
    points = np.unique(np.concatenate([[0], ends, other_ends]))
    lengths = np.diff(points)
    # Runs alternate, zeros first: a pixel is the object's if an odd number of runs end before it.
    is_object, is_other = (
        np.searchsorted(each, points[:-1], side="right") % 2 == 1 for each in (ends, other_ends)
    )
    union = int(lengths[is_object | is_other].sum())
    return 1.0 if union == 0 else int(lengths[is_object & is_other].sum()) / union


def _run_lengths(runs: str) -> list[int]:
    lengths: list[int] = []
    value = shift = 0
    for character in runs:
        group = ord(character) - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    return lengths
