"""The end that a signal asks for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _TerminationError(BaseException):
    """Not an `Exception`: nobody on the way mistakes it for a failure of the work."""


@contextmanager
def tidied_on_termination() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the process after what is under way has removed its drafts.

    Only around work that leaves something: Python notices a signal between its own instructions,
    and elsewhere a signal ends the process at once, in the middle of a graph too.

    Raises:
        typer.Exit: With 128 and the signal's number, where the signal does not end the process: the
            first process of a container.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Whoever ignores a signal (nohup) or handles it keeps that.
    ours = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        came.append(number)
        raise _TerminationError

    for number in ours:
        signal.signal(number, end)
    try:
        yield
    except _TerminationError:
        pass
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
    if came:
        os.kill(os.getpid(), came[0])
        raise typer.Exit(128 + came[0])
