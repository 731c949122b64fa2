"""Several questions about one clip, answered as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ufvideo_sdk import _native
from ufvideo_sdk.arguments import check_sequence, described
from ufvideo_sdk.config import GenerationConfig
from ufvideo_sdk.errors import InputError, UFVideoError
from ufvideo_sdk.request import Ask, Request
from ufvideo_sdk.results import Answer, StopReason, TextEvent

if TYPE_CHECKING:
    from ufvideo_sdk.session import Session

IndexedTextCallback = Callable[[int, TextEvent], "_native.StreamAction | None"]


def as_asks(questions: object) -> list[Ask]:
    """The questions of `Session.ask_many`, each as an `Ask`.

    Raises:
        InputError: When they are no sequence, or one is neither a text nor an `Ask`.
    """
    check_sequence(questions, "questions", "texts or Ask")
    assert isinstance(questions, Sequence)
    asks = []
    for number, question in enumerate(questions):
        if not isinstance(question, (str, Ask)):
            raise InputError(
                f"questions[{number}]: expected a text or an Ask, got {described(question)}"
            )
        asks.append(Ask(question) if isinstance(question, str) else question)
    return asks


def answer_many(
    session: Session,
    native: _native.Session,
    asks: Sequence[Ask],
    config: GenerationConfig,
    on_text: IndexedTextCallback | None,
) -> list[Answer]:
    """Answer checked questions within a session that is entered (see `Session.ask_many`)."""
    requests = session._requests.build_many(native, asks)
    callback = None if on_text is None else _token_callback(session, len(asks), on_text)
    prompts = [request.prompt for request in requests]
    generations = native.generate_many(prompts, config.to_native(), callback)
    return _with_masks(session, requests, generations)


def _token_callback(
    session: Session, count: int, on_text: IndexedTextCallback
) -> Callable[[int, int], _native.StreamAction | None]:
    def for_one(number: int) -> Callable[[int], _native.StreamAction | None]:
        return session._token_callback(lambda event: on_text(number, event))

    callbacks = [for_one(number) for number in range(count)]
    return lambda number, token_id: callbacks[number](token_id)


def _with_masks(
    session: Session, requests: Sequence[Request], generations: Sequence[_native.Generation]
) -> list[Answer]:
    answers: list[Answer] = []
    cancelled = False
    for request, generation in zip(requests, generations, strict=True):
        text_only = session._text_answer(request, generation)
        if cancelled and generation.seg_positions:
            # A cancel while masks were under way: none are begun.
            answers.append(replace(text_only, stop_reason=StopReason.CANCELLED))
            continue
        try:
            answer = session._answer(request, generation)
        except UFVideoError as error:
            rest = zip(requests[len(answers) :], generations[len(answers) :], strict=True)
            error.answers = (*answers, *(session._text_answer(r, g) for r, g in rest))
            raise
        cancelled |= text_only.stop_reason is not answer.stop_reason
        answers.append(answer)
    return answers
