"""An answer that comes piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import StateError
from ufvideo_sdk.results import Answer, TextEvent
from ufvideo_sdk.tokenizer import IncrementalDecoder

if TYPE_CHECKING:
    from ufvideo_sdk.session import Session


@dataclass(frozen=True)
class Request:
    """A question ready for the native runtime, and what its answer will need."""

    question: str
    prompt: _native.Prompt
    segment_idxs: NDArray[np.int64]


class AnswerStream(Iterator[TextEvent]):
    """An answer as it comes. The texts put together are the answer's text.

    Closing it early, or leaving its `with` block, ends the answer as stopped.
    """

    def __init__(self, session: Session, request: Request, token: object) -> None:
        """Made by `Session.stream`."""
        self._session = session
        self._request = request
        self._token = token
        self._decoder = IncrementalDecoder(session._model.tokenizer)
        self._last_id = 0
        self._answer: Answer | None = None

    def __enter__(self) -> AnswerStream:
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

    @property
    def answer(self) -> Answer:
        """The whole answer, masks included.

        Raises:
            StateError: While the stream is neither exhausted nor closed, or when it failed.
        """
        if self._answer is None:
            raise StateError("stream: expected an ended answer; exhaust or close the stream first")
        return self._answer

    def __next__(self) -> TextEvent:
        """The next piece of text.

        Raises:
            InferenceError: When a graph fails; the session then needs `reset()`.
            StateError: When the session was closed or reset meanwhile, or another thread is inside.
        """
        if self._answer is not None:
            raise StopIteration
        with self._under_way() as native:
            token_id = self._step(native)
            if token_id is not None:
                self._last_id = token_id
                ended = token_id in self._session._model.manifest.tokens.end_ids
                text = self._decoder.flush() if ended else self._decoder.push(token_id)
                return TextEvent(text, token_id)
            self._finish(native)
        rest = self._decoder.flush()
        if rest:
            return TextEvent(rest, self._last_id)
        raise StopIteration

    def _step(self, native: _native.Session) -> int | None:
        try:
            return native.step()
        except BaseException:
            # The session itself knows that it failed, and says so at the next call.
            self._session._stream_token = None
            raise

    def close(self) -> None:
        """End the answer here; it counts as stopped unless it had ended by itself."""
        if self._answer is None:
            with self._under_way() as native:
                self._finish(native)

    @contextmanager
    def _under_way(self) -> Iterator[_native.Session]:
        session = self._session
        with session._thread():
            if session._stream_token is not self._token:
                raise StateError("stream: expected it under way, the session was reset or closed")
            yield session._open()

    def _finish(self, native: _native.Session) -> None:
        generation = native.finish()
        self._session._stream_token = None
        self._answer = self._session._answer(self._request, generation)

    def _abandon(self) -> None:
        """Free the session for the next question without an answer."""
        session = getattr(self, "_session", None)
        if session is None or session._stream_token is not self._token:
            return
        session._stream_token = None
        if session._native is not None:
            try:
                session._native.finish()
            except StateError:
                # A failed run: the session says so at the next call.
                return
