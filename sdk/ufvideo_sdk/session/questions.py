"""Questions about a clip: what `Session` and `Stream` have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.runtime.misplaced_settings import naming_misplaced_settings
from ufvideo_sdk.session.answer_builder import AnswerBuilder, MasksCallback, SegmentCallback
from ufvideo_sdk.session.answer_stream import AnswerStream
from ufvideo_sdk.session.batch import IndexedTextCallback, answer_many, as_asks
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.mask_stream import MaskStream
from ufvideo_sdk.session.referring import Referring, SegmentRequest, segment_request
from ufvideo_sdk.session.request import Ask, RequestBuilder, SegmentFrames, check_no_stop_strings
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.text.prompt import History, Time
from ufvideo_sdk.text.stop_strings import TextCallback, token_callback
from ufvideo_sdk.validation.arguments import check_callback, check_instance
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.regions import Region

_GREEDY = GenerationConfig()


@dataclass(frozen=True)
class Asking:
    """One call that asks about a clip.

    Attributes:
        call: The native session during the call.
        clip: What is asked about.
        requests: Makes the native form of questions about the clip.
        answers: Makes answers about the clip.
    """

    call: SessionCall
    clip: Clip
    requests: RequestBuilder
    answers: AnswerBuilder


class Questions:
    """The methods that ask, segment and locate."""

    _model: LoadedModel
    _gate: CallGate

    @abstractmethod
    def _entered(
        self, cancel: _native.CancellationToken | None, on_progress: ProgressCallback | None
    ) -> AbstractContextManager[Asking]:
        """Make a call about the clip as it is now; arguments and errors as `CallGate.entered`."""

    @naming_misplaced_settings
    def ask(
        self,
        question: str,
        *,
        regions: Sequence[Region] = (),
        times: Sequence[Time] = (),
        history: History = (),
        segment_frames: SegmentFrames = "sampled",
        choices: Sequence[str] | None = None,
        choice_case: str = "model",
        response_format: str | None = None,
        config: GenerationConfig = _GREEDY,
        on_text: TextCallback | None = None,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
        on_masks: MasksCallback | None = None,
    ) -> Answer:
        """Answer a question.

        What the prompt has in common with the one before and its answer, such as the video and the
        turns of a conversation, is not computed again.

        Args:
            question: Words; `<region>` stands for the next of `regions`, `<time>` for the next of
                `times`. Special tokens typed in it stay text.
            regions: Objects pointed at, in the order of their marks.
            times: Seconds of the clip or spans, in the order of their marks.
            history: Earlier turns (question, answer), oldest first; the answer as text or Answer.
            segment_frames: Where to draw masks if the answer holds [SEG]: "sampled" (frames the
                model looked at), "all", "none", or source indices. "tracked": on all frames too,
                but named on one where the object is seen well and carried to the others by SAM
                2's memory (see `Session.track`); each mask is an ObjectTrack then.
            choices: Texts of which the answer is the likeliest, `Answer.choice`; such as "(A)" and
                "(B)" where the question has lettered options. Whole texts are scored, by the sum
                of their tokens' log-probabilities (`Answer.choice_probabilities`); a text that
                begins a longer one counts without what goes on as that. Nothing is sampled, so
                that a temperature or repetition penalty beside them is refused.
            choice_case: "model" takes each choice in the letter case that the model finds
                likeliest ("Yes" for "yes"); "exact" as it is written.
            response_format: "span" or "moment": the answer is a span in order, or a time, and no
                other word.
            config: How to answer.
            on_text: Called with each piece of text; returns nothing or what to do. Its exceptions
                end the answer and are raised unchanged.
            cancel: What ends it early: the answer then has `StopReason.CANCELLED`, the text until
                then, and the masks of the frames that are done.
            on_progress: See the class.
            on_masks: Called as masks are made, with the answer but for its masks, the FrameMasks of
                a frame, and its pixels, uint8 [H, W, 3]; such as `AnswerVideo.write`.

        Raises:
            InputError: When question, regions, times, history, frames, choices or response_format
                cannot be used, or a setting of the sampler stands beside choices.
            ConfigError: When max_new_tokens would cut off the longest of the choices.
            CapacityError: When the prompt exceeds the model's context, or memory runs out.
            InferenceError: When a graph fails; the session then needs `reset()`.
            PackageError: When masks are to be tracked and the package cannot.
            StateError: When the session is closed, in use by another thread, or has an open stream.

        An error of the masks alone (a frame cannot be read, memory runs out) has the answer without
        masks as its attribute `answer`; the session goes on without `reset()`.
        """
        check_callback(on_text, "on_text")
        check_callback(on_masks, "on_masks")
        ask = Ask(
            question, regions, times, history, segment_frames, choices, response_format, choice_case
        )
        with self._entered(cancel, on_progress) as asking:
            request = asking.requests.build(asking.call, ask, config)
            text = asking.answers.text(config)
            is_heard = on_text is not None or config.stop_strings
            callback = token_callback(text, on_text) if is_heard else None
            generation = asking.call.generate(request.prompt, config.to_native(), callback)
            return asking.answers.build(asking.call, request, generation, text, on_masks)

    @naming_misplaced_settings
    def stream(
        self,
        question: str,
        *,
        regions: Sequence[Region] = (),
        times: Sequence[Time] = (),
        history: History = (),
        segment_frames: SegmentFrames = "sampled",
        choices: Sequence[str] | None = None,
        choice_case: str = "model",
        response_format: str | None = None,
        config: GenerationConfig = _GREEDY,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
        on_masks: MasksCallback | None = None,
    ) -> AnswerStream:
        """Answer a question piece by piece; arguments and errors are those of `ask`.

        The prompt is computed when the first piece is asked for.

        Returns:
            An iterator over TextEvent, whose `answer` is there once it is exhausted or closed.
        """
        check_callback(on_masks, "on_masks")
        ask = Ask(
            question, regions, times, history, segment_frames, choices, response_format, choice_case
        )
        with self._entered(cancel, on_progress) as asking:
            request = asking.requests.build(asking.call, ask, config)
            asking.call.begin(request.prompt, config.to_native())
            self._gate.begin_stream(asking.call)
            return AnswerStream(self._gate, asking.answers, request, asking.call, on_masks)

    @naming_misplaced_settings
    def ask_many(
        self,
        questions: Sequence[str | Ask],
        *,
        config: GenerationConfig = _GREEDY,
        on_text: IndexedTextCallback | None = None,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> list[Answer]:
        """Answer several questions at once, as rows of one batch: the answers are those of `ask`.

        Each token of every row comes of one pass over the weights, which is where the time goes.
        At most 16 rows at once, and fewer where `RuntimeConfig.kv_cache_bytes` has no room for as
        many answers of `max_new_tokens`; a question that finds no row waits for one. Pixels of
        region frames that are not encoded yet are held for all questions together.

        Args:
            questions: Texts, or `Ask` with regions, times, history and frames to segment.
            config: How to answer each; a seed draws for each as it does for one alone.
            on_text: Called with a question's number and each piece of its answer, which come
                interleaved; returns nothing or what to do with that one answer. Its exceptions end
                all and are raised unchanged.
            cancel: What ends all that have not ended, each as `ask` does.
            on_progress: Called with answers that have ended and the number of questions, then with
                frames of each answer that has masks; see the class.

        Returns:
            The answers in the order of the questions. A step counts whole in the statistics of
            every answer that took part in it.

        Errors are those of `ask`; nothing has begun if a question cannot be used. An error of masks
        alone has all answers as its attribute `answers`.
        """
        check_instance(config, "config", GenerationConfig)
        check_callback(on_text, "on_text")
        asks = as_asks(questions)
        with self._entered(cancel, on_progress) as asking:
            requests = asking.requests.build_many(asking.call, asks, config)
            return answer_many(asking.call, asking.answers, requests, config, on_text)

    @naming_misplaced_settings
    def locate(
        self,
        event: str,
        *,
        allow_absent: bool = False,
        config: GenerationConfig = _GREEDY,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> LocateResult:
        """Find when an event happens, with the prompt the model was trained on.

        The answer is held to the trained format, so that whatever the model would rather say, it
        is one span whose end does not lie before its start.

        Args:
            event: What happens, such as "a car stops".
            allow_absent: Whether the model may say in words that it does not happen. Only models
                that were trained to say so (nano is) do; the others are better held to a span.
            config: How to answer.
            cancel: What ends it early.
            on_progress: See the class.

        Returns:
            A sequence of one span in seconds; of none when it was cancelled (`is_cancelled`), cut
            short (`is_cut_short`) or, with allow_absent, when the model names none (`is_absent`).

        Raises:
            InputError: When the event is no phrase, or the clip is an image. Others as `ask`.
        """
        check_instance(allow_absent, "allow_absent", bool)
        check_instance(config, "config", GenerationConfig)
        check_no_stop_strings(config, "locate's formats")
        formats = self._model.formats
        with self._entered(cancel, on_progress) as asking:
            if asking.clip.is_image:
                raise InputError("locate: expected a video, an image has no times")
            prompt = _native.Prompt(
                token_ids=self._model.prompts.build_grounding(event, asking.clip),
                response_format=formats.span_or_words if allow_absent else formats.span,
            )
            generation = asking.call.generate(prompt, config.to_native(), None)
            is_whole = formats.num_times(generation.token_ids) > 1
            return asking.answers.located(event, generation, is_whole=is_whole)

    @naming_misplaced_settings
    def segment(
        self,
        expression: str,
        *,
        frames: SegmentFrames = "sampled",
        allow_absent: bool = False,
        allow_question: bool = False,
        config: GenerationConfig = _GREEDY,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
        on_masks: SegmentCallback | None = None,
    ) -> SegmentResult:
        """Segment what an expression names, with the prompt the model was trained on.

        By default the model is given the trained answer, "Sure, [SEG].", in one prefill without
        decoding: whatever it would rather say, there is a track, and its scores do not tell whether
        the object is there (`MaskTrack.scores`). With `allow_absent` it answers by itself.

        Args:
            expression: What to segment, such as "the red car".
            frames: "sampled", "all", or source indices.
            allow_absent: Whether the model may say in words that it is not there. Only models that
                were trained to say so (nano is) do; the others are better held to a mask.
            allow_question: Whether the expression may be a question or a request, as data sets of
                reasoning segmentation word it. Otherwise these are refused: `ask` answers them.
            config: How to answer with allow_absent; without, nothing is generated.
            cancel: What ends it early.
            on_progress: See the class.
            on_masks: As in `ask`, with the result but for its masks in the answer's place.

        Returns:
            A sequence of one track, which may be empty (`MaskTrack.is_empty`); of none when, with
            allow_absent, the model names no mask (`is_absent`). Cancelled early (`is_cancelled`),
            the track has its frames until then, or there is none.

        Raises:
            InputError: When the expression is no phrase, a frame cannot be read, or a config stands
                beside allow_absent=False. Others as `ask`.
        """
        check_callback(on_masks, "on_masks")
        referring = Referring(expression, frames, allow_absent, config, allow_question)
        with self._entered(cancel, on_progress) as asking:
            request = self._segment_request(referring, asking)
            return asking.answers.segment(asking.call, request, on_masks)

    @naming_misplaced_settings
    def segment_stream(
        self,
        expression: str,
        *,
        frames: SegmentFrames = "sampled",
        allow_absent: bool = False,
        config: GenerationConfig = _GREEDY,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> MaskStream:
        """Segment frame by frame; arguments, masks and errors are those of `segment`.

        The prompt is computed when the first frame is asked for. The session accepts no other call
        until the stream is exhausted, closed or dropped.

        Returns:
            An iterator over FrameMasks, in the order of `frames`; none when, with allow_absent, the
            model names no mask.
        """
        referring = Referring(expression, frames, allow_absent, config)
        with self._entered(cancel, on_progress) as asking:
            request = self._segment_request(referring, asking)
            self._gate.begin_stream(asking.call)
            return MaskStream(self._gate, asking.answers, asking.clip, request, asking.call)

    def _segment_request(self, referring: Referring, asking: Asking) -> SegmentRequest:
        model = self._model
        return segment_request(
            referring, asking.clip, model.prompts, model.formats, asking.requests
        )
