"""Ending a call early, also while Python reads its frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CancelledError
from ufvideo_sdk.validation.arguments import check_instance

Item = TypeVar("Item")

_reading_for: ContextVar[CancellationToken | None] = ContextVar("_reading_for", default=None)


def check_token(cancel: object) -> None:
    """Refuse what is neither a CancellationToken nor None.

    Raises:
        InputError: When it is neither.
    """
    if cancel is not None:
        check_instance(cancel, "cancel", CancellationToken)


@contextmanager
def reading_for(cancel: CancellationToken | None) -> Iterator[None]:
    """Let `check_cancelled` look at a token, in the code that this thread runs inside the block.

    The readers of files call it deep inside a protocol that knows nothing of tokens.
    """
    before = _reading_for.set(cancel)
    try:
        yield
    finally:
        _reading_for.reset(before)


def check_cancelled() -> None:
    """End the reading under way if its call is cancelled.

    Raises:
        CancelledError: When it is.
    """
    cancel = _reading_for.get()
    if cancel is not None and cancel.is_cancelled:
        raise CancelledError("expected to read on to the end, the call was cancelled")


def close_iterator(items: Iterator[object]) -> None:
    """Close an iterator that can be closed, as a generator can."""
    close = getattr(items, "close", None)
    if close is not None:
        close()


class UntilCancelled(Iterator[Item]):
    """The items of an iterator, which may call `check_cancelled` while it makes each.

    Not a generator: that would hold each item until the next one is asked for.
    """

    def __init__(self, items: Iterator[Item], cancel: CancellationToken | None) -> None:
        """Begin before the first item.

        Args:
            items: Where they come from.
            cancel: What ends it early.
        """
        self._items = items
        self._cancel = cancel

    def __next__(self) -> Item:
        """The next item.

        Raises:
            CancelledError: When the token is cancelled.
        """
        with reading_for(self._cancel):
            check_cancelled()
            return next(self._items)

    def close(self) -> None:
        """Close the iterator, if it can be closed."""
        close_iterator(self._items)
