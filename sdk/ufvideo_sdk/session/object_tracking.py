"""From what is to be tracked to the result: the model names it, memory carries it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.results.answer import AnswerStats
from ufvideo_sdk.results.from_native import STOP_REASONS, Timing, stage_stats
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.object_track import ObjectTrack
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.track_result import TrackResult
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.answer_builder import AnswerBuilder
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.referring import Referring, SegmentRequest, object_states, segment_request
from ufvideo_sdk.session.request import RequestBuilder
from ufvideo_sdk.session.segmentation import MaskTracks
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.track_request import TrackRequest
from ufvideo_sdk.tracking.target import Target
from ufvideo_sdk.video.clip import Clip

TrackCallback = Callable[[TrackResult, FrameMasks, NDArray[np.uint8]], object]
"""Called with the result without its tracks, the masks of a frame, and the frame's pixels."""

_END = StopReason.END


@dataclass(frozen=True)
class _Named:
    """What the model said of what is to be tracked.

    Attributes:
        targets: Those that it names, each with its state.
        absent: Expressions that it does not name.
        generations: Its answers.
        stop_reason: Why the last of them ended.
        text: What it wrote.
        token_ids: The same in tokens.
    """

    targets: tuple[Target, ...]
    absent: tuple[str, ...]
    generations: tuple[_native.Generation, ...]
    stop_reason: StopReason
    text: str
    token_ids: tuple[int, ...]


class ObjectTracking:
    """Tracks what expressions name in one clip."""

    def __init__(
        self, model: LoadedModel, clip: Clip, requests: RequestBuilder, answers: AnswerBuilder
    ) -> None:
        """Keep what a call needs.

        Args:
            model: What names and tracks.
            clip: Where.
            requests: Builds the questions.
            answers: Makes texts and tracks.
        """
        self._model = model
        self._clip = clip
        self._requests = requests
        self._answers = answers

    def run(
        self, call: SessionCall, request: TrackRequest, on_masks: TrackCallback | None
    ) -> TrackResult:
        """Name the objects and track them.

        Args:
            call: The session's call.
            request: What to track; expressions have no state yet.
            on_masks: See `Session.track`.

        Raises:
            UFVideoError: As `Session.track`.
        """
        questions = [self._question(target) for target in request.targets]
        # Before the model is asked: a package that cannot track says so here.
        call.open_tracker(self._model.native, request.settings)
        named = self._named(call, request.targets, questions)
        if named.stop_reason is StopReason.CANCELLED:
            return self._result(request, named, MaskTracks((), cancelled=True))
        on_frame = None
        if on_masks is not None:
            without_tracks = self._result(request, named, MaskTracks(()))
            on_frame = functools.partial(on_masks, without_tracks)
        to_track = replace(request, targets=named.targets)
        found = self._answers.tracks.tracks(call, to_track, on_frame)
        return self._result(request, named, found)

    def _question(self, target: Target) -> SegmentRequest | None:
        """What the model is asked for a target; None if its state is there."""
        if target.expression is None:
            return None
        referring = Referring(target.expression, "sampled", target.allow_absent, GenerationConfig())
        model = self._model
        return segment_request(referring, self._clip, model.prompts, model.formats, self._requests)

    def _named(
        self,
        call: SessionCall,
        targets: Sequence[Target],
        questions: Sequence[SegmentRequest | None],
    ) -> _Named:
        """Ask the model for the states of expressions, one after the other."""
        found: list[Target] = []
        absent: list[str] = []
        generations: list[_native.Generation] = []
        ids: list[int] = []
        texts: list[str] = []
        for target, question in zip(targets, questions, strict=True):
            if question is None:
                found.append(target)
                continue
            generation = question.generated(call)
            generations.append(generation)
            if not question.is_answer_given:
                ids += generation.token_ids
                texts.append(self._answers.words(generation.token_ids))
            reason = STOP_REASONS[generation.stop_reason]
            if reason is StopReason.CANCELLED:
                break
            states = object_states(generation)
            # What the clip shows does not change, so that its state is not asked for again.
            found += [Target(target.name, state) for state in states if states.size]
            absent += [] if states.size else [target.name]
        reasons = [STOP_REASONS[each.stop_reason] for each in generations]
        return _Named(
            targets=tuple(found),
            absent=tuple(absent),
            generations=tuple(generations),
            stop_reason=next((each for each in reasons if each is not StopReason.END), _END),
            text="\n".join(texts),
            token_ids=tuple(ids),
        )

    def _result(self, request: TrackRequest, named: _Named, found: MaskTracks) -> TrackResult:
        return TrackResult(
            question=", ".join(dict.fromkeys(target.name for target in request.targets)),
            text=named.text,
            token_ids=named.token_ids,
            spans=(),
            masks=tuple(track for track in found.tracks if isinstance(track, ObjectTrack)),
            stop_reason=StopReason.CANCELLED if found.cancelled else named.stop_reason,
            stats=self._stats(named, found.timings),
            clip=self._clip,
            names=tuple(target.name for target in named.targets),
            absent=named.absent,
        )

    def _stats(self, named: _Named, timings: Sequence[Mapping[str, Timing]]) -> AnswerStats:
        generations = named.generations
        return AnswerStats(
            stages=stage_stats(*(each.timings for each in generations), *timings),
            num_prefill_tokens=sum(each.num_prefill_tokens for each in generations),
            num_reused_tokens=sum(each.num_reused_tokens for each in generations),
            num_generated_tokens=len(named.token_ids),
            time_to_first_token_ms=sum(each.time_to_first_token_ms for each in generations),
            decode_ms=sum(each.decode_ms for each in generations),
            providers=self._model.stage_providers,
        )
