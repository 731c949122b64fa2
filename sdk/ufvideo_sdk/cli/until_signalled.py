"""Work that a signal ends cleanly, however long one native call takes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any, TypeVar

Item = TypeVar("Item")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def until_signalled(
    items: Iterable[Item], on_item: Callable[[Item], None], stop: Callable[[], None]
) -> bool:
    """Go through items in another thread, and stop that with the first signal.

    Python handles signals in its main thread only, which waits here, so that a signal is noticed
    within a native call too. A second signal ends the process at once.

    Args:
        items: What the other thread goes through, to its end even when it is stopped.
        on_item: Called in this thread with each item.
        stop: Ends `items` soon; called in this thread.

    Returns:
        Whether a signal came.
    """
    # (item, what the iteration ended with, whether it has ended)
    handed: SimpleQueue[tuple[Any, BaseException | None, bool]] = SimpleQueue()
    thread = threading.Thread(target=_go_through, args=(items, handed), daemon=True)
    with _noticed(stop) as came:
        thread.start()
        try:
            while True:
                item, error, has_ended = handed.get()
                if has_ended:
                    break
                on_item(item)
        except BaseException:
            stop()
            thread.join()
            raise
        thread.join()
    if error is not None:
        raise error
    return bool(came)


@contextmanager
def _noticed(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Call `stop` with the first signal; signals that are ignored (nohup) stay so."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def notice(number: int, _: FrameType | None) -> None:
        came.append(number)
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
        stop()

    for number in ours:
        signal.signal(number, notice)
    try:
        yield came
    finally:
        for number in ours:
            signal.signal(number, before[number])


def _go_through(
    items: Iterable[Any], handed: SimpleQueue[tuple[Any, BaseException | None, bool]]
) -> None:
    try:
        for item in items:
            handed.put((item, None, False))
    except BaseException as error:
        handed.put((None, error, True))
    else:
        handed.put((None, None, True))
