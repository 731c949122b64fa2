"""How long to wait before a camera is tried again."""

from __future__ import annotations

import random

from ufvideo_sdk.watch.sources.options import CaptureOptions

# Cameras behind one switch come back together, and must not all be asked in the same moment.
_JITTER = 0.2


class Backoff:
    """Waits that double up to a bound, each a little longer or shorter at random."""

    def __init__(self, options: CaptureOptions, rng: random.Random | None = None) -> None:
        """Begin with the shortest wait.

        Args:
            options: How a source is captured.
            rng: Where the jitter comes from; None: one of its own.
        """
        self._options = options
        self._rng = random.Random() if rng is None else rng
        self._num_failed = 0

    def succeeded(self) -> None:
        """A frame came: the next wait is the shortest again."""
        self._num_failed = 0

    def next_s(self, *, is_refused: bool = False) -> float:
        """How long to wait now.

        Args:
            is_refused: Whether a password was refused.
        """
        options = self._options
        if is_refused:
            wait_s = options.refused_retry_s
        else:
            wait_s = min(options.retry_s * 2.0 ** min(self._num_failed, 16), options.max_retry_s)
        self._num_failed += 1
        return wait_s * self._rng.uniform(1.0 - _JITTER, 1.0)
