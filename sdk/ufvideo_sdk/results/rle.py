"""Binary masks as COCO run-length codes.

The runs go down the columns (column-major order) and alternate, zeros first. `counts` is the
string form that COCO's own tools read: each run as the difference to the run two before it, in
five-bit groups, least significant first, offset by 48.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import check_num_pixels

_MAX_SHIFT = 60
_FIRST_DIFFERENCE = 3  # COCO writes the first three runs as they are.


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """Encode one mask.

    Args:
        mask: bool [H, W].

    Returns:
        The `counts` of a COCO code whose `size` is [H, W].

    Raises:
        InputError: When mask is not bool [H, W].
    """
    if mask.dtype != np.bool_ or mask.ndim != 2:
        raise InputError(f"expected a mask bool [H, W], got {mask.dtype} {list(mask.shape)}")
    return _pack(_runs_of(mask.ravel(order="F")))


def decode_mask(counts: str, *, height: int, width: int) -> NDArray[np.bool_]:
    """Decode one mask.

    Args:
        counts: The `counts` of a COCO code.
        height: Rows of the mask, pixels.
        width: Columns of the mask, pixels.

    Returns:
        bool [H, W].

    Raises:
        InputError: When counts is malformed, its runs do not fill height x width exactly, or these
            are more pixels than a picture can have.
    """
    return mask_of_runs(decode_runs(counts, height=height, width=width), height=height, width=width)


def decode_runs(counts: str, *, height: int, width: int) -> list[int]:
    """Decode one mask to its run lengths, which take no more memory than the code.

    Args:
        counts: The `counts` of a COCO code.
        height: Rows of the mask, pixels.
        width: Columns of the mask, pixels.

    Returns:
        Lengths of the runs, zeros first, that fill height x width exactly.

    Raises:
        InputError: As `decode_mask`.
    """
    check_num_pixels(height, width)
    runs = _unpack(counts)
    if any(run < 0 for run in runs) or sum(runs) != height * width:
        raise InputError(
            f"expected run lengths that fill {height} x {width} pixels, got {sum(runs)} pixels in"
            f" {len(runs)} runs"
        )
    return runs


def mask_of_runs(runs: list[int], *, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask of run lengths, which fill it, bool [H, W]."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _runs_of(pixels: NDArray[np.bool_]) -> list[int]:
    if pixels.size == 0:
        return []
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    edges = [0, *(int(change) for change in changes), pixels.size]
    runs = [after - before for before, after in pairwise(edges)]
    return [0, *runs] if pixels[0] else runs


def _pack(runs: list[int]) -> str:
    characters: list[str] = []
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i >= _FIRST_DIFFERENCE else run
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            characters.append(chr((group | 0x20 if more else group) + 48))
    return "".join(characters)


def _unpack(counts: str) -> list[int]:
    runs: list[int] = []
    value, shift = 0, 0
    for position, character in enumerate(counts):
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise InputError(f"expected characters '0' to 'o', got {character!r} at {position}")
        if shift > _MAX_SHIFT:
            raise InputError(f"expected a run length of at most 64 bits, got more at {position}")
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) >= _FIRST_DIFFERENCE else value)
        value, shift = 0, 0
    if shift:
        raise InputError("expected a whole run length at the end, got a cut one")
    return runs
