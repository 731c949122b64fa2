"""Numbers of any size, in checks and in messages: an integer may be beyond every float."""

from __future__ import annotations

import math

_MAX_SHOWN_BITS = 256


def is_finite_number(value: object) -> bool:
    """Whether a value is an int or a float that a float can be; a bool is none."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shown_number(value: object) -> str:
    """The value for a message; Python refuses to spell out an integer of 4,300 digits."""
    if isinstance(value, int) and value.bit_length() > _MAX_SHOWN_BITS:
        return f"a number of {value.bit_length()} bits"
    return repr(value)
