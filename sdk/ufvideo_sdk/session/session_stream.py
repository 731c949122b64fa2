"""What holds a session for as long as it is iterated."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.session_call import SessionCall

Item = TypeVar("Item")
Self = TypeVar("Self", bound="SessionStream[Any]")


class SessionStream(Iterator[Item], Generic[Item]):
    """A call of a session whose results come one by one.

    The session accepts no other call until the stream is exhausted, closed or dropped. A stream
    that is dropped, or whose `with` block ends with an error, harms nothing.
    """

    def __init__(self, gate: CallGate, call: SessionCall) -> None:
        """Hold a session, whose gate knows of the stream.

        Args:
            gate: The session's gate.
            call: The call that every step goes on with.
        """
        self._call = call
        self._gate = gate

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

    def _abandon(self) -> None:
        """Free the session for the next call, which drops the unfinished work.

        Not here: this may run in any thread, also while another one is inside the session.
        """
        # A stream that was not made has no gate.
        gate = getattr(self, "_gate", None)
        if gate is not None:
            gate.end_stream(self._call)
