"""Memory that nothing uses any more goes back to the system at once."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back_memory() -> None:
    """Collect what is in cycles, and let the C library give back what is free.

    Tracing a large module leaves gigabytes of small free pieces that glibc would keep. Other
    systems decide for themselves.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
