"""Who may use a native session: one call at a time, and at most one stream between calls."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from ufvideo_sdk import _native
from ufvideo_sdk.cancellation import check_token
from ufvideo_sdk.errors import StateError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.validation.arguments import check_callback


class CallGate:
    """The native session, the call that is inside it and the stream that is under way."""

    def __init__(self, native: _native.Session, name: str = "session") -> None:
        """Begin with nothing under way.

        Args:
            native: The session.
            name: What it is to the user, for messages.
        """
        self._name = name
        self._native: _native.Session | None = native
        self._lock = threading.Lock()
        # The tokens only: a stream may be dropped unread.
        self._call_token: _native.CancellationToken | None = None
        self._stream_token: _native.CancellationToken | None = None
        # Weakly: its function of progress may hold the stream, which then would never be dropped.
        self._stream_call: weakref.ref[SessionCall] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the session has not been closed."""
        return self._native is not None

    def native(self) -> _native.Session:
        """The native session.

        Raises:
            StateError: If the session is closed.
        """
        if self._native is None:
            raise StateError(f"{self._name}: expected an open {self._name}, it is closed")
        return self._native

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Hold the session for this thread.

        Raises:
            StateError: If another thread, or a call of this one, holds it.
        """
        if not self._lock.acquire(blocking=False):
            raise StateError(
                f"{self._name}: expected one call at a time, another thread (or a callback of this"
                f" one) is inside; open a {self._name} for each thread, the model is shared"
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def entered(
        self,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[SessionCall]:
        """Make a call.

        Raises:
            InputError: If cancel is no token, or on_progress cannot be called.
            StateError: If the session is closed, in use, or has a stream under way.
        """
        check_token(cancel)
        check_callback(on_progress, "on_progress")
        with self.thread():
            native = self.native()
            if self._stream_token is not None:
                raise StateError(
                    f"{self._name}: expected no stream under way, one is; exhaust or close it first"
                )
            # A stream that was dropped unread may have left its answer.
            native.drop_answer()
            call = SessionCall(native, cancel, on_progress)
            self._call_token = call.cancel
            try:
                with InterruptCancels(call.cancel):
                    yield call
            finally:
                self._call_token = None

    def begin_stream(self, call: SessionCall) -> None:
        """Leave a call's answer under way after the call."""
        self._stream_token = call.cancel
        self._stream_call = weakref.ref(call)

    def is_under_way(self, call: SessionCall) -> bool:
        """Whether a stream is neither over nor dropped by a reset or the session's end."""
        return self._stream_token is call.cancel

    @contextmanager
    def stream_under_way(self, call: SessionCall) -> Iterator[None]:
        """Hold the session for the next step of a stream.

        Raises:
            StateError: If the session was closed or reset meanwhile, or is in use.
        """
        with self.thread():
            if not self.is_under_way(call):
                raise StateError("stream: expected it under way, the session was reset or closed")
            yield

    def end_stream(self, call: SessionCall) -> None:
        """Let the next call in, unless another stream has begun. Any thread may do so."""
        if self.is_under_way(call):
            self._stream_token = None

    def cancel(self) -> None:
        """Cancel the call and the stream under way, from any thread."""
        for token in (self._call_token, self._stream_token):
            if token is not None:
                token.cancel()

    def reset(self) -> None:
        """Drop the stream and reset the native session."""
        with self.thread():
            native = self.native()
            self._drop_stream()
            native.reset()

    def close(self) -> None:
        """Drop the stream and free the native session."""
        with self.thread():
            self._drop_stream()
            self._native = None

    def _drop_stream(self) -> None:
        """End the stream's call, whose object may live on and must not hold the native session."""
        call = None if self._stream_call is None else self._stream_call()
        self._stream_token = self._stream_call = None
        if call is not None:
            call.end()
