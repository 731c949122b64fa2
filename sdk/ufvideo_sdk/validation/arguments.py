"""Checks of arguments that many calls take: what was expected, what came."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.finite import shown_number

MAX_PIXELS = 1 << 28
"""Most pixels of a mask that is made of numbers: more than any codec's picture has."""


def check_sequence(value: object, name: str, items: str) -> None:
    """Refuse what is no sequence; a text is none.

    Args:
        value: What came.
        name: Name of the argument.
        items: What it should hold, such as "Region".

    Raises:
        InputError: When it is none.
    """
    fits = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    if isinstance(value, np.ndarray):
        fits = value.ndim > 0
    if not fits:
        remedy = ": give it in a list" if type(value).__name__ == items else ""
        raise InputError(f"{name}: expected a sequence of {items}, got {described(value)}{remedy}")


def check_instance(value: object, name: str, kind: type) -> None:
    """Refuse what is no instance of a class.

    Raises:
        InputError: When it is none.
    """
    if not isinstance(value, kind):
        text = f"{name}: expected a {kind.__name__}, got {described(value)}"
        if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
            given = ", ".join(f"{key}={item!r}" for key, item in value.items())
            text += f": give {kind.__name__}({given})"
        raise InputError(text)


def check_callback(value: object, name: str) -> None:
    """Refuse what can neither be called nor is None.

    Raises:
        InputError: When it is so.
    """
    if value is not None and not callable(value):
        raise InputError(f"{name}: expected a callable or None, got {described(value)}")


def as_array(value: Any, name: str, items: str) -> np.ndarray[Any, Any]:
    """The values as an array of whatever dtype and shape they have; not a copy where they are one.

    Raises:
        InputError: When they have no common shape.
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name}: expected {items}, got rows that differ: {error}") from None
    except (TypeError, RuntimeError) as error:
        # Such as a tensor on a GPU.
        came = f"a {type(value).__name__} that NumPy cannot read: {error}"
        raise InputError(f"{name}: expected {items}, got {came}") from None


def as_indices(value: Any, name: str) -> NDArray[np.int64]:
    """Return frame indices, of any integer dtype, as int64 [n].

    Raises:
        InputError: When they are no list of one or more integers, or one does not fit int64.
    """
    idxs = as_array(value, name, "a list of one or more integers")
    if idxs.ndim != 1 or idxs.size == 0 or not np.issubdtype(idxs.dtype, np.integer):
        came = f"{idxs.dtype} {list(idxs.shape)}"
        if idxs.ndim == 0 and np.issubdtype(idxs.dtype, np.integer):
            came = f"{idxs}: give [{idxs}]" if idxs >= 0 else f"{idxs}"
        raise InputError(f"{name}: expected a list of one or more integers, got {came}")
    largest = np.iinfo(np.int64).max
    # Beyond it a uint64 would turn negative.
    if idxs.dtype == np.uint64 and int(idxs.max()) > largest:
        raise InputError(f"{name}: expected integers up to {largest}, got {int(idxs.max())}")
    return idxs.astype(np.int64)


def check_num_pixels(height: object, width: object) -> None:
    """Refuse the size of a picture that no source has, before memory is taken for it.

    Raises:
        InputError: When a side is no integer of 1 or more, or the pixels are more than MAX_PIXELS.
    """
    for name, side in (("height", height), ("width", width)):
        if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or side < 1:
            raise InputError(f"{name}: expected 1 pixel or more, got {described(side)}")
    assert isinstance(height, (int, np.integer)) and isinstance(width, (int, np.integer))
    if int(height) * int(width) > MAX_PIXELS:
        raise InputError(
            f"expected at most {MAX_PIXELS:,} pixels, got height {described(height)} and width"
            f" {described(width)}"
        )


def as_number(value: object) -> float | None:
    """The value as a float, whatever kind of real number it is: int, Fraction, np.float32, ...

    Args:
        value: What came.

    Returns:
        A finite float; None if it is no finite real number. True and False are none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def as_integer(value: object) -> int | None:
    """The value as an int, whatever kind of integer it is: int, np.int64, ...

    Args:
        value: What came.

    Returns:
        An int; None if it is no integer. True and False are none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        return None
    return int(value)


def described(value: object) -> str:
    """Type and, where it is short, value: for messages."""
    text = shown_number(value)
    kind = type(value).__name__
    return kind if value is None or len(text) > 60 or text.startswith("<") else f"{kind} {text}"
