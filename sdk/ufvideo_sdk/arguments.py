"""Checks of arguments that many calls take: what was expected, what came."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.finite import shown_number


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
        raise InputError(f"{name}: expected a sequence of {items}, got {described(value)}")


def check_instance(value: object, name: str, kind: type) -> None:
    """Refuse what is no instance of a class.

    Raises:
        InputError: When it is none.
    """
    if not isinstance(value, kind):
        raise InputError(f"{name}: expected a {kind.__name__}, got {described(value)}")


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
