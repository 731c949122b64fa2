"""What holds a session for as long as it is iterated."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ufvideo_sdk.errors import StateError
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.validation.short_text import quoted

Item = TypeVar("Item")
Self = TypeVar("Self", bound="SessionStream[Any]")


class SessionStream(Iterator[Item], Generic[Item]):
    """Base class of streams; the session accepts no other call while one is under way.

    A stream ends when it is exhausted, closed or dropped. One that is dropped, or whose `with`
    block ends with an error, harms nothing.
    """

    def __init__(self, gate: CallGate, call: SessionCall) -> None:
        """Hold a session, whose gate knows of the stream.

        Args:
            gate: The session's gate.
            call: The call that every step goes on with.
        """
        self._call = call
        self._held_gate: CallGate | None = gate

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

    def __repr__(self) -> str:
        """What was asked, and whether more may come."""
        state = "under way" if self._is_under_way else "ended"
        return f"{type(self).__name__}({quoted(self.question)}, {state})"

    @property
    @abstractmethod
    def question(self) -> str:
        """What was asked: the question, or the expression that is segmented."""

    @abstractmethod
    def close(self) -> None:
        """End the stream here; harmless too where the session was closed or reset."""

    def _abandon(self) -> None:
        """Free the session for the next call, which drops the unfinished work.

        Not here: this may run in any thread, also while another one is inside the session.
        """
        # A stream that was not made has no gate.
        if getattr(self, "_held_gate", None) is not None:
            self._end_call()

    def _end_call(self) -> None:
        """Let the next call in, and hold nothing of the session any more."""
        gate, self._held_gate = self._held_gate, None
        if gate is not None:
            gate.end_stream(self._call)
        self._call.end()

    @property
    def _gate(self) -> CallGate:
        if self._held_gate is None:
            raise StateError("stream: expected it under way, it was left or its session has ended")
        return self._held_gate

    @property
    def _is_under_way(self) -> bool:
        return self._held_gate is not None and self._held_gate.is_under_way(self._call)
