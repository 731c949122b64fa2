"""Several questions about one clip, answered as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError, UFVideoError
from ufvideo_sdk.results.answer import Answer, TextEvent
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.answer_builder import AnswerBuilder, PartialAnswer
from ufvideo_sdk.session.request import Ask, Request
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.text.stop_strings import AnswerText, token_callback
from ufvideo_sdk.validation.arguments import check_sequence, described

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
    native: SessionCall,
    answers: AnswerBuilder,
    requests: Sequence[Request],
    config: GenerationConfig,
    on_text: IndexedTextCallback | None,
) -> list[Answer]:
    """Answer checked questions within a call (see `Session.ask_many`)."""
    texts = [answers.text(config) for _ in requests]
    is_heard = on_text is not None or config.stop_strings
    callback = _indexed_callback(texts, on_text) if is_heard else None
    prompts = [request.prompt for request in requests]
    generations = native.generate_many(prompts, config.to_native(), callback)
    parts = zip(requests, generations, texts, strict=True)
    return _with_masks(native, answers, [answers.without_masks(*each) for each in parts])


def _indexed_callback(
    texts: Sequence[AnswerText], on_text: IndexedTextCallback | None
) -> Callable[[int, int], _native.StreamAction | None]:
    def callback_of(number: int) -> Callable[[int], _native.StreamAction | None]:
        on_own = None if on_text is None else (lambda event: on_text(number, event))
        return token_callback(texts[number], on_own)

    callbacks = [callback_of(number) for number in range(len(texts))]
    return lambda number, token_id: callbacks[number](token_id)


def _with_masks(
    native: SessionCall, maker: AnswerBuilder, partials: Sequence[PartialAnswer]
) -> list[Answer]:
    answers: list[Answer] = []
    cancelled = False
    for partial in partials:
        if cancelled and partial.seg_hidden_states.size:
            # A cancel while masks were under way: none are begun.
            answers.append(replace(partial.answer, stop_reason=StopReason.CANCELLED))
            continue
        try:
            answer = maker.with_masks(native, partial)
        except UFVideoError as error:
            error.answers = (*answers, *(rest.answer for rest in partials[len(answers) :]))
            raise
        cancelled |= partial.answer.stop_reason is not answer.stop_reason
        answers.append(answer)
    return answers
