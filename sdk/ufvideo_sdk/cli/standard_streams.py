"""Standard streams that are closed, or take no more."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def prepare_streams() -> None:
    r"""Make sure that all three are open and take any text.

    A file that is opened where stdout is closed gets its number, and whatever a library prints goes
    into that file. What a terminal's encoding lacks is printed as an escape, such as "\xe9".
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)
    # Python has None for what was closed when it started.
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    if sys.stdout is None or _is_unbuffered(sys.stdout):
        encoding = "utf-8" if sys.stdout is None else sys.stdout.encoding
        sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _is_unbuffered(stream: object) -> bool:
    """Whether Python drops, without an error, what a nearly full disk did not take at once.

    PYTHONUNBUFFERED does it, which images for containers set.
    """
    return isinstance(getattr(stream, "buffer", None), io.RawIOBase)


def give_up_output() -> None:
    """Write what is still to be written, or let it go nowhere if that fails.

    Otherwise it fails once more when Python ends, with a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            try:
                stream.flush()
            except (OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
