"""Ctrl-C while the main thread is in native code."""

from __future__ import annotations

import os
import select
import signal
import threading
from types import TracebackType

from ufvideo_sdk._native import CancellationToken


class _Watcher:
    """A thread that reads the numbers of signals as they come, and cancels a token for SIGINT."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.writer, False)
        # Held while numbers are read and while the token changes: one that came during a call never
        # cancels the next.
        self._lock = threading.Lock()
        self._token: CancellationToken | None = None
        thread = threading.Thread(target=self._watch, name="ufvideo interrupts", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            os.close(self._reader)
            os.close(self.writer)
            raise

    def watch_for(self, token: CancellationToken | None) -> CancellationToken | None:
        """Cancel this token from now on, and no longer the one before, which is returned.

        Signals that came earlier cancel neither.
        """
        with self._lock:
            self._came()
            before, self._token = self._token, token
        return before

    def _watch(self) -> None:
        readable = select.poll()  # unlike select, for descriptors above 1023 too
        readable.register(self._reader, select.POLLIN)
        while True:
            readable.poll()
            with self._lock:
                if signal.SIGINT in self._came() and self._token is not None:
                    self._token.cancel()

    def _came(self) -> bytes:
        try:
            return os.read(self._reader, 1 << 16)  # all that a pipe holds
        except BlockingIOError:
            return b""


# One for the process, started by the first call in its main thread.
_watcher: _Watcher | None = None


def _forget() -> None:
    global _watcher
    _watcher = None


os.register_at_fork(after_in_child=_forget)


class InterruptCancels:
    """While it is entered, Ctrl-C cancels a token at once; KeyboardInterrupt follows as usual.

    Python raises KeyboardInterrupt between two of its own instructions, so one that comes during a
    native call would wait for the whole answer. The signal's number is also written to the wakeup
    descriptor, which a thread reads here, so that the call ends early. Does nothing in another
    thread than the main one, if SIGINT has a handler of the program's own, or if an event loop uses
    the wakeup descriptor.

    KeyboardInterrupt may be raised before the first line of `__exit__`: then the descriptor stays
    set and the token stays named until the next call, which harms nothing.
    """

    def __init__(self, token: CancellationToken) -> None:
        """Name the token that an interrupt cancels."""
        self._token = token
        self._watcher: _Watcher | None = None
        # Of the call that this one is made inside of, by a callback.
        self._outer: CancellationToken | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        watcher = _started()
        if watcher is None:
            return
        before = signal.set_wakeup_fd(watcher.writer, warn_on_full_buffer=False)
        if before not in (-1, watcher.writer):
            signal.set_wakeup_fd(before)
            return
        outer = watcher.watch_for(self._token)
        self._outer = None if outer is None or outer.is_cancelled else outer
        self._watcher = watcher

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watcher is None:
            return
        self._watcher.watch_for(self._outer)
        if self._outer is not None:
            return
        before = signal.set_wakeup_fd(-1)
        if before not in (-1, self._watcher.writer):
            signal.set_wakeup_fd(before)  # the program set its own meanwhile


def _started() -> _Watcher | None:
    """The watcher; None if the process has no free descriptor or thread: calls go on without."""
    global _watcher
    if _watcher is None:
        try:
            _watcher = _Watcher()
        except (OSError, RuntimeError):
            return None
    return _watcher
