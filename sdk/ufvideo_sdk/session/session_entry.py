"""Who may enter a session: one call at a time; what any thread may do meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from ufvideo_sdk import _native
from ufvideo_sdk.cancellation import check_token
from ufvideo_sdk.errors import StateError
from ufvideo_sdk.results.answer import StageStats
from ufvideo_sdk.results.from_native import stage_stats
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.validation.arguments import check_callback

Self = TypeVar("Self", bound="SessionEntry")


class SessionEntry:
    """The native session, and the calls and the stream that are inside it."""

    def __init__(self, native: _native.Session) -> None:
        """Begin with nothing under way."""
        self._native: _native.Session | None = native
        self._thread_lock = threading.Lock()
        # Tokens of the call under way, and of the stream under way; not the stream itself, which
        # may be dropped unread.
        self._call_token: _native.CancellationToken | None = None
        self._stream_token: _native.CancellationToken | None = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def stats(self) -> Mapping[str, StageStats]:
        """Calls and wall time of every stage since the session was opened, from any thread.

        As of the last frame, piece of a prompt or token of a call under way, which is not delayed.
        """
        return stage_stats(self._open().timings())

    def cancel(self) -> None:
        """End the call or the stream under way early, from any thread, as its `cancel` does.

        With nothing under way, nothing happens. To end one certain call, begun or not, give it a
        `CancellationToken`.
        """
        for token in (self._call_token, self._stream_token):
            if token is not None:
                token.cancel()

    def reset(self) -> None:
        """Forget the conversation, region frames, an open stream and a failure.

        The clip's own sampled frames stay encoded.
        """
        with self._thread():
            native = self._open()
            self._stream_token = None
            native.reset()

    def held_bytes(self) -> int:
        """Bytes held by features of the clip and of region frames, mask cache and KV cache.

        From any thread, as `stats`.
        """
        return self._open().held_bytes()

    def close(self) -> None:
        """Free everything but the model. Further calls raise StateError; closing again is fine."""
        with self._thread():
            self._stream_token = None
            self._native = None

    def _open(self) -> _native.Session:
        if self._native is None:
            raise StateError("session: expected an open session, it is closed")
        return self._native

    @contextmanager
    def _thread(self) -> Iterator[None]:
        if not self._thread_lock.acquire(blocking=False):
            raise StateError(
                "session: expected one call at a time, another thread (or a callback of this one)"
                " is inside; open a session for each thread, the model is shared"
            )
        try:
            yield
        finally:
            self._thread_lock.release()

    @contextmanager
    def _entered(
        self,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[SessionCall]:
        check_token(cancel)
        check_callback(on_progress, "on_progress")
        with self._thread():
            native = self._open()
            if self._stream_token is not None:
                raise StateError(
                    "session: expected no stream under way, one is; exhaust or close it first"
                )
            # A stream that was dropped unread may have left its answer.
            native.drop_answer()
            call = SessionCall(native, cancel, on_progress)
            self._call_token = call.cancel
            try:
                yield call
            finally:
                self._call_token = None
