"""Answers made of what the native runtime generated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.results.from_native import (
    STOP_REASONS,
    answer_stats,
    spans_in_seconds,
)
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.referring import SegmentRequest, object_states
from ufvideo_sdk.session.request import Request
from ufvideo_sdk.session.segmentation import MaskTracks, mask_tracks
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.track_builder import TrackBuilder
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
"""Called with the answer without its masks, the masks of a frame, and the frame's pixels."""
SegmentCallback = Callable[[SegmentResult, FrameMasks, NDArray[np.uint8]], object]
"""The same for what `Session.segment` returns."""


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
    """Makes answers about one clip.

    Attributes:
        tracks: Makes tracks in the clip.
    """

    def __init__(
        self, model: LoadedModel, clip: Clip, track_ids: Iterator[int] | None = None
    ) -> None:
        """Keep what an answer is made with.

        Args:
            model: What answers.
            clip: What it is about.
            track_ids: Numbers of tracks; None: from 1 on.
        """
        self.tracks = TrackBuilder(model, clip, track_ids)
        self._tokenizer = model.tokenizer
        self._tokens = model.manifest.tokens
        self._providers = model.stage_providers
        self._clip = clip

    def text(self, config: GenerationConfig) -> AnswerText:
        """The text of an answer, which receives its tokens as they are generated."""
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
            generation: What was generated.
            text: The answer's text, which has received its tokens; without a stop string it need
                not have.
            on_masks: Called with each frame's masks (see `Session.ask`).

        Raises:
            UFVideoError: When making the masks failed; its `answer` is the answer without them.
        """
        return self.with_masks(native, self.without_masks(request, generation, text), on_masks)

    def without_masks(
        self, request: Request, generation: _native.Generation, text: AnswerText
    ) -> PartialAnswer:
        """The answer without its masks; `text` is as in `build`."""
        is_cut = text.is_stopped and generation.stop_reason is not _native.StopReason.CANCELLED
        ids = tuple(generation.token_ids[: text.num_tokens] if is_cut else generation.token_ids)
        num_objects = sum(position < len(ids) for position in generation.seg_positions)
        reason = STOP_REASONS[generation.stop_reason]
        answer = Answer(
            question=request.question,
            text=text.text if is_cut else self.words(ids),
            token_ids=ids,
            spans=spans_in_seconds(self._spans(generation, ids), self._clip),
            masks=(),
            stop_reason=StopReason.STOP_STRING if is_cut else reason,
            stats=answer_stats(generation, [], self._providers),
            clip=self._clip,
            choice=_choice(request, generation) if reason is StopReason.END else None,
            choice_probabilities=_probabilities(request, generation),
            seg_hidden_states=_copied(generation.seg_hidden_states[:num_objects]),
        )
        return PartialAnswer(request, generation, answer, answer.seg_hidden_states)

    def located(
        self, event: str, generation: _native.Generation, *, is_whole: bool
    ) -> LocateResult:
        """The result of `Session.locate`.

        Args:
            event: What was looked for.
            generation: What was generated.
            is_whole: Whether both times of its span came: half a span would look like a moment.
        """
        spans = spans_in_seconds(generation.spans, self._clip) if is_whole else ()
        return LocateResult(
            question=event,
            text=self.words(generation.token_ids),
            token_ids=tuple(generation.token_ids),
            spans=spans,
            masks=(),
            stop_reason=STOP_REASONS[generation.stop_reason],
            stats=answer_stats(generation, [], self._providers),
            clip=self._clip,
        )

    def segment(
        self,
        native: SessionCall,
        request: SegmentRequest,
        on_masks: SegmentCallback | None = None,
    ) -> SegmentResult:
        """Generate the answer of a segmentation, and make its masks.

        Args:
            native: Where both are made.
            request: What is to be segmented.
            on_masks: Called with each frame's masks (see `Session.segment`).

        Raises:
            UFVideoError: As `Session.segment`.
        """
        generation = request.generated(native)
        states = object_states(generation)
        on_frame = None
        if on_masks is not None:
            without_masks = self.segmented(request, generation, MaskTracks(()))
            on_frame = functools.partial(on_masks, without_masks)
        found = mask_tracks(native, self._clip, states, request.frame_idxs, on_frame)
        return self.segmented(request, generation, found)

    def segmented(
        self,
        request: SegmentRequest,
        generation: _native.Generation,
        found: MaskTracks,
        *,
        is_stopped: bool = False,
    ) -> SegmentResult:
        """The result of `Session.segment`.

        Args:
            request: What was to be segmented.
            generation: The answer that names the object.
            found: Its masks.
            is_stopped: Whether the caller ended it before the last frame.
        """
        reason = StopReason.STOPPED if is_stopped else STOP_REASONS[generation.stop_reason]
        if found.cancelled:
            reason = StopReason.CANCELLED
        ids = () if request.is_answer_given else tuple(generation.token_ids)
        stats = answer_stats(generation, found.timings, self._providers)
        states = object_states(generation)
        names_none = states.size == 0
        return SegmentResult(
            question=request.expression,
            text=self.words(ids),
            token_ids=ids,
            spans=(),
            masks=found.tracks,
            stop_reason=reason,
            stats=replace(stats, num_generated_tokens=len(ids)),
            clip=self._clip,
            is_absent=names_none and reason is StopReason.END,
            seg_hidden_states=_copied(states),
        )

    def words(self, ids: Sequence[int]) -> str:
        """The text of tokens, without the one that ends it."""
        ended = bool(ids) and ids[-1] in self._tokens.end_ids
        return self._tokenizer.decode(ids[:-1] if ended else ids)

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
        """The whole answer; one that was cancelled or has no frames to segment has no masks.

        Raises:
            UFVideoError: When a frame cannot be read or decoded: of the same family, with the
                partial answer's `answer` as its own and the original error as its cause.
        """
        answer = partial.answer
        if answer.stop_reason is StopReason.CANCELLED or not len(partial.request.segment_idxs):
            return answer
        try:
            found = self._masks(native, partial, on_masks)
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

    def _masks(
        self, native: SessionCall, partial: PartialAnswer, on_masks: MasksCallback | None
    ) -> MaskTracks:
        on_frame = None if on_masks is None else functools.partial(on_masks, partial.answer)
        states, request = partial.seg_hidden_states, partial.request
        if request.is_tracked:
            return self.tracks.tracks_of_answer(native, states, on_frame)
        return mask_tracks(native, self._clip, states, request.segment_idxs, on_frame)


def _copied(states: NDArray[np.float32]) -> NDArray[np.float32]:
    """States that a result keeps, read-only: not a view of those of a whole answer."""
    kept: NDArray[np.float32] = states.copy()
    kept.flags.writeable = False
    return kept


def _choice(request: Request, generation: _native.Generation) -> str | None:
    return None if generation.choice is None else request.choices[generation.choice]


def _probabilities(request: Request, generation: _native.Generation) -> Mapping[str, float] | None:
    scores = generation.choice_log_probabilities
    return choice_probabilities(request.choices, scores) if scores else None
