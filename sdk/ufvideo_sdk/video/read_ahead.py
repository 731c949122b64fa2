"""Read frames in a thread of their own, beside the work on those before."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import TypeVar

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.cancellation import check_cancelled, close_iterator, reading_for
from ufvideo_sdk.errors import CapacityError

Item = TypeVar("Item")


class ReadAhead(Iterator[Item]):
    """The items of an iterator, which runs in another thread and is closed there.

    Errors of the iterator are raised where its next item would have come. Close it: the thread
    waits for room until then.
    """

    def __init__(
        self, items: Iterator[Item], cancel: CancellationToken | None, max_items: int
    ) -> None:
        """Begin to read.

        Args:
            items: Where they come from; used by the other thread only.
            cancel: What ends it early; `check_cancelled` sees it in both threads.
            max_items: Most items that wait or are being made, 1 or more.

        Raises:
            CapacityError: When the system has no thread left.
        """
        self._items = items
        self._caller = cancel
        # Ends what the iterator is doing when nobody wants its items any more.
        self._cancel = CancellationToken() if cancel is None else cancel.child()
        self._max_items = max_items
        self._ready: deque[Item] = deque()
        self._changed = threading.Condition()
        self._is_done = False
        self._error: BaseException | None = None
        # A daemon: a program may end while an iterator is still open.
        self._thread = threading.Thread(target=self._run, name="ufvideo-read-ahead", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise CapacityError(f"expected a free thread to read frames in: {error}") from None

    def _run(self) -> None:
        try:
            try:
                with reading_for(self._cancel):
                    while True:
                        self._wait_for_room()
                        check_cancelled()
                        self._hand_on(next(self._items))
            finally:
                close_iterator(self._items)
        except StopIteration:
            pass
        except BaseException as error:  # raised again in the thread that waits
            self._error = error
        finally:
            with self._changed:
                self._is_done = True
                self._changed.notify_all()

    def _wait_for_room(self) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._cancel.is_cancelled or len(self._ready) < self._max_items
            )

    def _hand_on(self, item: Item) -> None:
        with self._changed:
            self._ready.append(item)
            self._changed.notify_all()

    def __next__(self) -> Item:
        """The next item, as soon as it is there.

        Raises:
            CancelledError: When the call is cancelled.
        """
        with reading_for(self._caller):
            check_cancelled()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._is_done)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
            error, self._error = self._error, None
        if error is None:
            raise StopIteration
        try:
            raise error
        finally:
            del error  # its traceback refers to this call

    def close(self) -> None:
        """End the reading, and wait for its thread."""
        self._cancel.cancel()
        with self._changed:
            self._changed.notify_all()
        # While the interpreter ends, its threads have stopped where they were.
        if not sys.is_finalizing():
            self._thread.join()
        self._ready.clear()
        # Its traceback refers to frames and decoders.
        self._error = None
