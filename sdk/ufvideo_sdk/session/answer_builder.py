"""Answers made of what the native runtime generated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import (
    CapacityError,
    ConfigError,
    DeviceError,
    InferenceError,
    InputError,
    PackageError,
    StateError,
    UFVideoError,
)
from ufvideo_sdk.results.answer import Answer, StopReason
from ufvideo_sdk.results.from_native import (
    STOP_REASONS,
    answer_stats,
    spans_in_seconds,
)
from ufvideo_sdk.results.masks import FrameMasks
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.request import Request
from ufvideo_sdk.session.segmentation import mask_tracks
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.text.choices import choice_probabilities
from ufvideo_sdk.text.stop_strings import AnswerText
from ufvideo_sdk.video.clip import Clip

_FAMILIES: tuple[type[UFVideoError], ...] = (
    InputError,
    CapacityError,
    InferenceError,
    DeviceError,
    StateError,
    ConfigError,
    PackageError,
)


MasksCallback = Callable[[Answer, FrameMasks, NDArray[np.uint8]], object]
"""Called with the answer but for its masks, the masks of a frame, and its pixels."""


@dataclass(frozen=True)
class PartialAnswer:
    """An answer without its masks.

    Attributes:
        request: What was asked.
        generation: What was generated.
        answer: The answer so far.
        seg_hidden_states: A row for each object to segment, float32 [O, D].
    """

    request: Request
    generation: _native.Generation
    answer: Answer
    seg_hidden_states: NDArray[np.float32]


class AnswerBuilder:
    """Makes answers about one clip."""

    def __init__(self, model: LoadedModel, clip: Clip) -> None:
        self._tokenizer = model.tokenizer
        self._tokens = model.manifest.tokens
        self._providers = model.stage_providers
        self._clip = clip

    def text(self, config: GenerationConfig) -> AnswerText:
        """What takes the tokens of an answer as they come."""
        return AnswerText(self._tokenizer, self._tokens.end_ids, config.stop_strings)

    def build(
        self,
        native: SessionCall,
        request: Request,
        generation: _native.Generation,
        text: AnswerText,
        on_masks: MasksCallback | None = None,
    ) -> Answer:
        """The whole answer.

        Args:
            native: Where masks are made.
            request: What was asked.
            generation: What came.
            text: What took its tokens; where there is no stop string it need not have.
            on_masks: Called with each frame's masks (see `Session.ask`).

        Raises:
            UFVideoError: When making the masks failed; its `answer` is the answer without them.
        """
        return self.with_masks(native, self.without_masks(request, generation, text), on_masks)

    def without_masks(
        self, request: Request, generation: _native.Generation, text: AnswerText
    ) -> PartialAnswer:
        """The answer without its masks; with stop strings `text` has taken the tokens."""
        is_cut = text.is_stopped and generation.stop_reason is not _native.StopReason.CANCELLED
        ids = tuple(generation.token_ids[: text.num_tokens] if is_cut else generation.token_ids)
        num_objects = sum(position < len(ids) for position in generation.seg_positions)
        ended = bool(ids) and ids[-1] in self._tokens.end_ids
        words = ids[:-1] if ended else ids
        reason = STOP_REASONS[generation.stop_reason]
        answer = Answer(
            question=request.question,
            text=text.text if is_cut else self._tokenizer.decode(words),
            token_ids=ids,
            spans=spans_in_seconds(self._spans(generation, ids), self._clip),
            masks=(),
            stop_reason=StopReason.STOP_STRING if is_cut else reason,
            stats=answer_stats(generation, [], self._providers),
            clip=self._clip,
            choice=_choice(request, generation) if reason is StopReason.END else None,
            choice_probabilities=_probabilities(request, generation),
        )
        return PartialAnswer(
            request, generation, answer, generation.seg_hidden_states[:num_objects]
        )

    def _spans(
        self, generation: _native.Generation, ids: Sequence[int]
    ) -> Sequence[_native.SpanFraction]:
        if len(ids) == len(generation.token_ids):
            return generation.spans
        # A stop string cut tokens off, and maybe a span with them.
        return _native.find_spans(ids, self._tokens.time_first_id, self._tokens.num_time_tokens)

    def with_masks(
        self, native: SessionCall, partial: PartialAnswer, on_masks: MasksCallback | None = None
    ) -> Answer:
        """The whole answer; a cancelled one has no masks.

        Raises:
            UFVideoError: When a frame cannot be read or decoded: of the same family, with the
                partial answer's `answer` as its own and what came as its cause.
        """
        answer = partial.answer
        if answer.stop_reason is StopReason.CANCELLED:
            return answer
        try:
            found = mask_tracks(
                native,
                self._clip,
                partial.seg_hidden_states,
                partial.request.segment_idxs,
                None if on_masks is None else functools.partial(on_masks, answer),
            )
        except _FAMILIES as error:
            # Of the family, which takes a text; a class of its own may take anything.
            family = next(kind for kind in _FAMILIES if isinstance(error, kind))
            failed = family(f"masks of the answer, whose text is this error's `answer`: {error}")
            failed.answer = answer
            raise failed from error
        return replace(
            answer,
            masks=found.tracks,
            stop_reason=StopReason.CANCELLED if found.cancelled else answer.stop_reason,
            stats=answer_stats(partial.generation, found.timings, self._providers),
        )


def _choice(request: Request, generation: _native.Generation) -> str | None:
    return None if generation.choice is None else request.choices[generation.choice]


def _probabilities(request: Request, generation: _native.Generation) -> Mapping[str, float] | None:
    scores = generation.choice_log_probabilities
    return choice_probabilities(request.choices, scores) if scores else None
