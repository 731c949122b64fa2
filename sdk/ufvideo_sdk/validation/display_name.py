"""Names of files as valid text."""

from __future__ import annotations


def display_name(name: str) -> str:
    """A file name as text that every encoding, JSON and drawing accepts.

    Args:
        name: As Python reads it: bytes that are no UTF-8 are lone surrogates in it.

    Returns:
        The name with U+FFFD in place of each such byte.
    """
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in name)
