"""From what the native runtime generated to an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ufvideo_sdk import _native
from ufvideo_sdk.answer_text import AnswerText
from ufvideo_sdk.clip import Clip
from ufvideo_sdk.config import GenerationConfig
from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.native_results import (
    STOP_REASONS,
    AnswerTokens,
    answer_stats,
    first_tokens,
    mask_tracks,
    spans_in_seconds,
)
from ufvideo_sdk.request import Request
from ufvideo_sdk.results import Answer, StopReason

if TYPE_CHECKING:
    from ufvideo_sdk.model import UFVideo


class AnswerBuilder:
    """Answers about one clip: text, times in seconds, masks."""

    def __init__(self, model: UFVideo, clip: Clip) -> None:
        self._tokenizer = model.tokenizer
        self._facts = model.manifest.tokens
        self._clip = clip

    def text(self, config: GenerationConfig) -> AnswerText:
        """What takes the tokens of one answer as they come."""
        return AnswerText(self._tokenizer, self._facts.end_ids, config.stop_strings)

    def build(
        self,
        native: _native.Session,
        request: Request,
        generation: _native.Generation,
        text: AnswerText,
    ) -> Answer:
        """The whole answer.

        Args:
            native: Where masks are made.
            request: What was asked.
            generation: What came.
            text: What took its tokens; where there is no stop string it need not have.

        Raises:
            UFVideoError: When making the masks failed; its `answer` is the answer without them.
        """
        is_cancelled = generation.stop_reason is _native.StopReason.CANCELLED
        stopped = text if text.is_stopped and not is_cancelled else None
        num_tokens = len(generation.token_ids) if stopped is None else stopped.num_tokens
        tokens = first_tokens(generation, num_tokens, self._facts)
        answer = self._without_masks(request, generation, tokens, stopped)
        if is_cancelled:
            return answer
        try:
            found = mask_tracks(native, self._clip, tokens.seg_hidden_states, request.segment_idxs)
        except UFVideoError as error:
            failed = type(error)(
                f"masks of the answer, whose text is this error's `answer`: {error}"
            )
            failed.answer = answer
            raise failed from error
        return replace(
            answer,
            masks=found.tracks,
            stop_reason=StopReason.CANCELLED if found.cancelled else answer.stop_reason,
            stats=answer_stats(generation, found.timings),
        )

    def _without_masks(
        self,
        request: Request,
        generation: _native.Generation,
        tokens: AnswerTokens,
        stopped: AnswerText | None,
    ) -> Answer:
        ended = bool(tokens.ids) and tokens.ids[-1] in self._facts.end_ids
        words = tokens.ids[:-1] if ended else tokens.ids
        reason = STOP_REASONS[generation.stop_reason]
        return Answer(
            question=request.question,
            text=self._tokenizer.decode(words) if stopped is None else stopped.text,
            token_ids=tokens.ids,
            spans=spans_in_seconds(tokens.spans, self._clip),
            masks=(),
            stop_reason=reason if stopped is None else StopReason.STOP_STRING,
            stats=answer_stats(generation, []),
            clip=self._clip,
            choice=request.choices.get(words) if reason is StopReason.END else None,
        )
