"""What holds a session for as long as it is iterated."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, TypeVar

from ufvideo_sdk.errors import StateError
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.session_entry import SessionEntry

Item = TypeVar("Item")
Self = TypeVar("Self", bound="SessionStream[object]")


class SessionStream(Iterator[Item], Generic[Item]):
    """A call of a session whose results come one by one.

    The session accepts no other call until the stream is exhausted, closed or dropped. A stream
    that is dropped, or whose `with` block ends with an error, harms nothing.
    """

    def __init__(self, session: SessionEntry, call: SessionCall) -> None:
        """Hold a session that is entered.

        Args:
            session: The session.
            call: Its call, which every step goes on with.
        """
        self._entry = session
        self._call = call
        session._stream_token = call.cancel

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def __del__(self) -> None:
        self._abandon()

    @abstractmethod
    def close(self) -> None:
        """End the stream here."""

    @contextmanager
    def _under_way(self) -> Iterator[SessionCall]:
        """Enter the session for one step.

        Raises:
            StateError: When it was closed or reset meanwhile, or another thread is inside.
        """
        with self._entry._thread():
            if self._entry._stream_token is not self._call.cancel:
                raise StateError("stream: expected it under way, the session was reset or closed")
            yield self._call

    def _release(self) -> None:
        """Let the session accept other calls."""
        self._entry._stream_token = None

    def _abandon(self) -> None:
        """Free the session for the next call, which drops the unfinished work.

        Not here: this may run in any thread, also while another one is inside the session.
        """
        entry = getattr(self, "_entry", None)
        if entry is not None and entry._stream_token is self._call.cancel:
            entry._stream_token = None
