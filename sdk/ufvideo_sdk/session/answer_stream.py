"""An answer that comes piece by piece."""

from __future__ import annotations

from ufvideo_sdk.errors import StateError, UFVideoError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.results.answer import Answer, TextEvent
from ufvideo_sdk.session.answer_builder import AnswerBuilder, MasksCallback
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.request import Request
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.session_stream import SessionStream


class AnswerStream(SessionStream[TextEvent]):
    """An answer as it comes. The texts put together are the answer's text.

    Closing it early, or leaving its `with` block, ends the answer as stopped.
    """

    def __init__(
        self,
        gate: CallGate,
        answers: AnswerBuilder,
        request: Request,
        call: SessionCall,
        on_masks: MasksCallback | None = None,
    ) -> None:
        """Made by `Session.stream`."""
        super().__init__(gate, call)
        self._answers = answers
        self._request = request
        self._on_masks = on_masks
        self._text = answers.text(request.config)
        self._last_id = 0
        self._begun = False
        self._answer: Answer | None = None
        # Why it failed, and the answer without masks where only these did.
        self._failure: str | None = None
        self._without_masks: Answer | None = None

    @property
    def question(self) -> str:
        """What was asked."""
        return self._request.question

    @property
    def answer(self) -> Answer:
        """The whole answer, masks included.

        Raises:
            StateError: While the stream is neither exhausted nor closed, or when it failed; where
                only the masks failed, the error's `answer` is the answer without them.
        """
        if self._failure is not None:
            error = StateError(f"stream: expected an ended answer, it failed: {self._failure}")
            error.answer = self._without_masks
            raise error
        if self._answer is None:
            raise StateError("stream: expected an ended answer; exhaust or close the stream first")
        return self._answer

    def __next__(self) -> TextEvent:
        """The next piece of text. The first call computes the prompt.

        Raises:
            CapacityError: When the prompt exceeds the model's context, or memory runs out.
            InferenceError: When a graph fails; the session then needs `reset()`.
            StateError: When the session was closed or reset meanwhile, or another thread is inside.

        Errors of the masks are those of `Session.ask`.
        """
        if self._answer is not None or self._failure is not None:
            raise StopIteration
        with self._gate.stream_under_way(self._call):
            token_id = None if self._text.is_stopped else self._step()
            if token_id is not None:
                self._last_id = token_id
                return TextEvent(self._text.push(token_id), token_id)
            rest = self._text.flush()
            self._finish()
        if rest:
            return TextEvent(rest, self._last_id)
        raise StopIteration

    def _step(self) -> int | None:
        try:
            if self._begun:
                return self._call.step()
            self._begun = True
            with InterruptCancels(self._call.cancel):  # the prefill; later steps are short
                return self._call.step()
        except StateError:
            # Another thread is inside, or the session knows that it failed: nothing has changed.
            raise
        except BaseException as error:
            self._fail(error)
            raise

    def close(self) -> None:
        """End the answer here; it counts as stopped unless it had ended by itself.

        Where the session was closed or reset meanwhile nothing happens, and there is no `answer`.
        """
        if self._answer is not None or self._failure is not None:
            return
        if not self._is_under_way:
            self._failure = "the session was reset or closed"
            self._end_call()
        else:
            with self._gate.stream_under_way(self._call):
                self._finish()

    def _finish(self) -> None:
        # Under way until its masks are made, so that `Session.cancel` ends these too.
        generation = self._call.finish()
        try:
            with InterruptCancels(self._call.cancel):
                self._answer = self._answers.build(
                    self._call, self._request, generation, self._text, self._on_masks
                )
        except BaseException as error:
            self._fail(error)
            raise
        self._end_call()

    def _fail(self, error: BaseException) -> None:
        # Not the error itself: its traceback would hold this stream and all it refers to.
        self._failure = str(error) or type(error).__name__
        self._without_masks = error.answer if isinstance(error, UFVideoError) else None
        self._end_call()
