"""What FFmpeg logs about a source, without credentials."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ufvideo_sdk.watch.sources.redaction import Redactor

LOGGER = "ufvideo_sdk.watch"


@contextmanager
def redacted_log(redactor: Redactor) -> Iterator[Callable[[], None]]:
    """Redact what FFmpeg logs in this thread: addresses and headers in it hold passwords.

    PyAV logs nothing unless `av.logging.set_level` asks for it.

    Args:
        redactor: Of the source.

    Yields:
        A function that hands on what has been logged, to the logger of this package.
    """
    from av.logging import Capture, adapt_level

    logger = logging.getLogger(LOGGER)
    with Capture(local=True) as logs:

        def hand_on() -> None:
            for level, name, message in logs:
                logger.log(adapt_level(level), "%s: %s", name, redactor(message.strip()))
            logs.clear()

        try:
            yield hand_on
        finally:
            hand_on()
