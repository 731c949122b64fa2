"""Work that Ctrl-C ends within a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from ufvideo_sdk._native import CancellationToken

Item = TypeVar("Item")
Result = TypeVar("Result")

# How long a cancelled call may take to end by itself; then the process ends beside it.
_PATIENCE_S = 0.5


def interruptible(work: Callable[[], Result], cancel: CancellationToken | None = None) -> Result:
    """Do work in another thread, while this one waits for it or for an interrupt.

    Python handles a signal in its main thread and between its own instructions only, and a whole
    prefill is one of them.

    Args:
        work: What to do; its exceptions are raised here.
        cancel: What ends it early. Without one, an interrupt leaves the work alone.

    Raises:
        KeyboardInterrupt: When one came; the work may still be under way then.
    """
    return interruptible_items(lambda _: work(), lambda _: None, cancel)


def interruptible_items(
    work: Callable[[Callable[[Item], None]], Result],
    on_item: Callable[[Item], None],
    cancel: CancellationToken | None = None,
) -> Result:
    """The same for work that hands items on, which are looked at here.

    Args:
        work: What to do; it is given the function that hands an item on.
        on_item: Called in this thread with each item.
        cancel: What ends it early.

    Raises:
        KeyboardInterrupt: When one came.
    """
    # (item, whether it is the last: the work's outcome)
    handed: SimpleQueue[tuple[Any, bool]] = SimpleQueue()
    thread = threading.Thread(target=_run, args=(work, handed), daemon=True)
    thread.start()
    try:
        while True:
            item, is_last = handed.get()
            if is_last:
                break
            on_item(item)
    except BaseException:
        if cancel is not None:
            cancel.cancel()
            thread.join(_PATIENCE_S)
        raise
    result, error = item
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _run(
    work: Callable[[Callable[[Any], None]], Any], handed: SimpleQueue[tuple[Any, bool]]
) -> None:
    try:
        outcome = (work(lambda item: handed.put((item, False))), None)
    except BaseException as error:
        handed.put(((None, error), True))
    else:
        handed.put((outcome, True))
