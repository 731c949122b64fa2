"""Finding an event in a long recording, window by window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.results.answer import AnswerStats
from ufvideo_sdk.results.from_native import stage_stats
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.answer_builder import AnswerBuilder
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.request import check_no_stop_strings
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.validation.arguments import as_number, check_instance, described
from ufvideo_sdk.video.clip import Clip


@dataclass(frozen=True)
class WindowSearch:
    """What is looked for, and how.

    Attributes:
        event: What happens.
        window_s: Seconds of a window.
        allow_absent: Must be True: a window without the event has to say so.
        config: How to answer.

    Raises:
        InputError: When the window is no length of time, or the model is not to say that an event
            is absent.
    """

    event: str
    window_s: float
    allow_absent: bool
    config: GenerationConfig

    def __post_init__(self) -> None:
        """Check what needs no clip."""
        check_instance(self.allow_absent, "allow_absent", bool)
        check_instance(self.config, "config", GenerationConfig)
        check_no_stop_strings(self.config, "locate's formats")
        seconds = as_number(self.window_s)
        if seconds is None or seconds <= 0:
            raise InputError(f"window_s: expected seconds above 0, got {described(self.window_s)}")
        if not self.allow_absent:
            raise InputError(
                "window_s: expected allow_absent=True beside it: a model that may not say that an"
                " event is absent finds one in every window"
            )


@dataclass(frozen=True)
class _Found:
    """What some windows that follow one another say.

    Attributes:
        spans: Of each window, overlapping.
        answers: What they said.
    """

    spans: tuple[TimeSpan, ...]
    answers: tuple[LocateResult, ...]

    @property
    def span(self) -> TimeSpan:
        """From the first start to the last end."""
        return TimeSpan(min(s.start_s for s in self.spans), max(s.end_s for s in self.spans))


class WindowedLocate:
    """Asks about windows of a clip that overlap by half; each frame is encoded once.

    Spans of windows that follow one another are of one event if they overlap. An event that a
    window cuts off is whole in another one, but neither need have it in its middle, so a window
    around it is asked once more, and its span counts.
    """

    def __init__(self, model: LoadedModel, clip: Clip, search: WindowSearch) -> None:
        """Choose the frames.

        Args:
            model: The model.
            clip: A video.
            search: What is looked for.

        Raises:
            InputError: When the clip has fewer than two frames.
            PackageError: When the model's aligner looks across pairs of frames.
        """
        self._model = model
        self._clip = clip
        self._search = search
        self._most_pairs = model.manifest.video.num_frames // 2
        self._step_s = search.window_s / (2 * self._most_pairs)
        self._idxs = _frames_on_grid(clip, self._step_s)
        self._num_pairs = len(self._idxs) // 2
        # Numbers of frames stand for seconds, so that every frame is taken. An event that fits
        # into a window is found by windows that lie within three of them.
        history = 8.0 * self._most_pairs
        self._live = _native.VideoStream(model.native, history_s=history)
        self._native = _native.Session(model.native, self._live.feature_store)
        self._answers: list[LocateResult] = []

    def result(self, call: SessionCall) -> LocateResult:
        """Ask about every window, and merge what they say.

        Args:
            call: The session's call, whose token ends it early.

        Returns:
            The spans in order; those of the windows until then when it was cancelled.
        """
        found: list[LocateResult] = []
        open_group: _Found | None = None
        inner = SessionCall(self._native, call.cancel)
        starts = self._starts()
        call.report(0, len(starts))
        try:
            for number, first in enumerate(self._encoded(call, starts)):
                answer = self._ask(inner, first)
                open_group, closed = _grouped(open_group, answer, self._step_s)
                if closed is not None:
                    found.append(self._refined(inner, closed))
                call.report(number + 1, len(starts))
                if answer.stop_reason is StopReason.CANCELLED:
                    break
        except CancelledError:
            pass
        if open_group is not None:
            found.append(self._refined(inner, open_group))
        return self._merged(found, is_cancelled=call.cancel.is_cancelled)

    def _starts(self) -> list[int]:
        """First pair of each window; the last one ends with the last pair."""
        last = max(self._num_pairs - self._most_pairs, 0)
        return [*range(0, last, (self._most_pairs + 1) // 2), last]

    def _encoded(self, call: SessionCall, starts: Sequence[int]) -> Iterator[int]:
        """The first pair of each window, as soon as its frames are encoded."""
        left = deque(starts)
        num_pushed = 0
        with closing(self._clip.chunks(self._idxs, cancel=call.cancel)) as chunks:
            for _, frames in chunks:
                for frame in frames:
                    self._live.push(frame, float(num_pushed))
                    num_pushed += 1
                    while left and num_pushed >= 2 * self._end(left[0]):
                        yield left.popleft()

    def _end(self, first: int) -> int:
        """The pair behind a window."""
        return min(first + self._most_pairs, self._num_pairs)

    def _ask(self, call: SessionCall, first: int) -> LocateResult:
        """Ask about the window that begins with a pair."""
        end = self._end(first)
        self._native.look_at(self._live.past(2.0 * first, 2.0 * end - 1.0))
        clip = self._clip.part(self._idxs[2 * first : 2 * end])
        formats, search = self._model.formats, self._search
        prompt = _native.Prompt(
            token_ids=self._model.prompts.build_grounding(search.event, clip),
            response_format=formats.span_or_words,
        )
        generation = call.generate(prompt, search.config.to_native(), None)
        is_whole = formats.num_times(generation.token_ids) > 1
        answers = AnswerBuilder(self._model, clip)
        self._answers.append(answers.located(search.event, generation, is_whole=is_whole))
        return self._answers[-1]

    def _refined(self, call: SessionCall, group: _Found) -> LocateResult:
        """The answer about a window around what a group of windows found.

        It is the group's own span if that is longer than a window, or the window around it says
        that the event is absent.
        """
        span, answer = group.span, group.answers[0]
        if len(group.spans) == 1 and len(self._starts()) == 1:
            return answer
        if span.end_s - span.start_s < self._search.window_s:
            times_s = self._clip.timestamps_s[self._clip.positions(self._idxs)]
            middle = int(np.searchsorted(times_s, (span.start_s + span.end_s) / 2)) // 2
            last = max(self._num_pairs - self._most_pairs, 0)
            again = self._ask(call, min(max(middle - self._most_pairs // 2, 0), last))
            if again.spans:
                return again
        return replace(answer, spans=(span,))

    def _merged(self, found: Sequence[LocateResult], *, is_cancelled: bool) -> LocateResult:
        """One result of all answers; its text is that of the answers that count."""
        said = found or self._answers[-1:]
        reasons = [a.stop_reason for a in self._answers if a.stop_reason is not StopReason.END]
        reason = StopReason.CANCELLED if is_cancelled else next(iter(reasons), StopReason.END)
        return LocateResult(
            question=self._search.event,
            text="\n".join(answer.text for answer in said),
            token_ids=tuple(i for answer in said for i in answer.token_ids),
            spans=tuple(span for answer in found for span in answer.spans),
            masks=(),
            stop_reason=reason,
            stats=self._stats(),
            clip=self._clip,
        )

    def _stats(self) -> AnswerStats:
        """The sum of all answers, and the encoding of the frames."""
        stats = [answer.stats for answer in self._answers]
        return AnswerStats(
            stages=stage_stats(self._live.statistics().timings, *(s.stages for s in stats)),
            num_prefill_tokens=sum(s.num_prefill_tokens for s in stats),
            num_reused_tokens=sum(s.num_reused_tokens for s in stats),
            num_generated_tokens=sum(s.num_generated_tokens for s in stats),
            time_to_first_token_ms=stats[0].time_to_first_token_ms if stats else 0.0,
            decode_ms=sum(s.decode_ms for s in stats),
            providers=self._model.stage_providers,
            token_ms=tuple(ms for s in stats for ms in s.token_ms),
        )


def _grouped(
    group: _Found | None, answer: LocateResult, gap_s: float
) -> tuple[_Found | None, _Found | None]:
    """Add the answer about the next window.

    Args:
        group: What the windows before it found, and may go on.
        answer: What it says.
        gap_s: Seconds between two spans that still are of one event.

    Returns:
        The group that goes on, and one that has ended.
    """
    if not answer.spans:
        return None, group
    (span,) = answer.spans
    if group is not None and span.start_s <= group.span.end_s + gap_s:
        return _Found((*group.spans, span), (*group.answers, answer)), None
    return _Found((span,), (answer,)), group


def _frames_on_grid(clip: Clip, step_s: float) -> NDArray[np.int64]:
    """Source indices of the frames that are shown at the points of a grid, each once.

    Raises:
        InputError: When they are fewer than two.
    """
    times = clip.timestamps_s
    points = np.arange(times[0], times[-1] + step_s / 2, step_s)
    idxs = np.unique(np.searchsorted(times, points + 1e-6 * step_s, side="right") - 1)
    if len(idxs) < 2:
        raise InputError(f"{clip.name}: expected two frames or more to search, got {len(idxs)}")
    return clip.frame_idxs[idxs]
