"""One conversation about one clip."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.atomic_file import check_target
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.results.answer import Answer, StageProviders
from ufvideo_sdk.results.from_native import Timing
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.results.track_result import TrackResult
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.runtime.misplaced_settings import naming_misplaced_settings
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.session.answer_builder import AnswerBuilder, MasksCallback, SegmentCallback
from ufvideo_sdk.session.answer_stream import AnswerStream
from ufvideo_sdk.session.batch import IndexedTextCallback, answer_many, as_asks
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.mask_stream import MaskStream
from ufvideo_sdk.session.object_tracking import ObjectTracking, TrackCallback
from ufvideo_sdk.session.referring import Referring, SegmentRequest, segment_request
from ufvideo_sdk.session.request import Ask, RequestBuilder, SegmentFrames, check_no_stop_strings
from ufvideo_sdk.session.saved_session import native_clip, save_session
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.session.session_entry import SessionEntry
from ufvideo_sdk.session.session_file import SessionFile
from ufvideo_sdk.session.track_request import TrackOptions, track_request
from ufvideo_sdk.text.prompt import History, Time
from ufvideo_sdk.text.stop_strings import TextCallback, token_callback
from ufvideo_sdk.tracking.native_tracker import NUM_MEMORIES
from ufvideo_sdk.tracking.prompting import Reprompt
from ufvideo_sdk.tracking.target import Trackable
from ufvideo_sdk.validation.arguments import check_callback, check_instance
from ufvideo_sdk.validation.paths import as_path, entries_of
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.regions import Region

_GREEDY = GenerationConfig()
_DEFAULT_TRACKING = TrackConfig()


class Session(SessionEntry):
    """Answers questions about one clip, which is encoded once however many follow.

    A session belongs to one thread at a time: a second one that enters meanwhile gets StateError.
    Open one session for each thread; the model is shared. Any thread may use `cancel`, `stats` and
    `memory_bytes` at any time, and so may the functions that a call is given.

    What can take long accepts `cancel` and `on_progress`. A token that is cancelled before the call
    or during it ends the call within the step that a graph is computing, and harms nothing: the
    call returns what it has, and the next one is whole. `on_progress(done, total)` is called in the
    call's own thread with positions of the prompt, then with frames to segment if there are any;
    each begins with 0 done. Its exceptions end the call and are raised unchanged.
    """

    def __init__(
        self,
        model: LoadedModel,
        clip: Clip,
        *,
        saved: SessionFile | None = None,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> None:
        """Encode the clip, or take over what was saved of it. Use `UFVideo.open` or `load_session`.

        Raises:
            InputError: When a frame cannot be read.
            InferenceError: When a graph fails.
            CancelledError: When it was cancelled.
        """
        native = _native.Session(model.native)
        pixels = _native.PixelCache(model.native)
        super().__init__(native, pixels, clip)
        clip.keep_pixels(pixels)
        self._model = model
        idxs = clip.sampled_idxs(1 if clip.is_image else model.manifest.video.num_frames)
        sampled: NDArray[np.int64] = np.unique(idxs)
        sampled.flags.writeable = False  # tracks share it
        self._answers = AnswerBuilder(model, clip)
        tracks = self._answers.tracks
        self._requests = RequestBuilder(model.prompts, model.formats, clip, sampled, tracks.check)
        if saved is not None:
            native.restore_clip(native_clip(saved, idxs))
            return
        call = SessionCall(native, cancel, on_progress)
        with InterruptCancels(call.cancel):
            call.open_clip(clip, idxs, sampled)

    @property
    def clip(self) -> Clip:
        """What the questions are about."""
        return self._clip

    def __repr__(self) -> str:
        state = "" if self._gate.is_open else ", closed"
        return f"Session({self._model.manifest.model.name}, {self._clip!r}{state})"

    @property
    def stage_providers(self) -> Mapping[str, StageProviders]:
        """Execution providers of each stage, by stem."""
        return self._model.stage_providers

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
                but named on the one where the object is seen best and carried to the others by SAM
                2's memory (see `track`); each mask is an ObjectTrack then.
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
        with self._gate.entered(cancel, on_progress) as native:
            request = self._requests.build(native, ask, config)
            text = self._answers.text(config)
            is_heard = on_text is not None or config.stop_strings
            callback = token_callback(text, on_text) if is_heard else None
            generation = native.generate(request.prompt, config.to_native(), callback)
            return self._answers.build(native, request, generation, text, on_masks)

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
        with self._gate.entered(cancel, on_progress) as native:
            request = self._requests.build(native, ask, config)
            native.begin(request.prompt, config.to_native())
            self._gate.begin_stream(native)
            return AnswerStream(self._gate, self._answers, request, native, on_masks)

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
        with self._gate.entered(cancel, on_progress) as native:
            requests = self._requests.build_many(native, asks, config)
            return answer_many(native, self._answers, requests, config, on_text)

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
        if self._clip.is_image:
            raise InputError("locate: expected a video, an image has no times")
        check_instance(allow_absent, "allow_absent", bool)
        check_instance(config, "config", GenerationConfig)
        check_no_stop_strings(config, "locate's formats")
        formats = self._model.formats
        with self._gate.entered(cancel, on_progress) as native:
            prompt = _native.Prompt(
                token_ids=self._model.prompts.build_grounding(event, self._clip),
                response_format=formats.span_or_words if allow_absent else formats.span,
            )
            generation = native.generate(prompt, config.to_native(), None)
            is_whole = formats.num_times(generation.token_ids) > 1
            return self._answers.located(event, generation, is_whole=is_whole)

    @naming_misplaced_settings
    def segment(
        self,
        expression: str,
        *,
        frames: SegmentFrames = "sampled",
        allow_absent: bool = False,
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
        referring = Referring(expression, frames, allow_absent, config)
        with self._gate.entered(cancel, on_progress) as native:
            request = self._segment_request(referring)
            return self._answers.segment(native, request, on_masks)

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
        with self._gate.entered(cancel, on_progress) as native:
            request = self._segment_request(referring)
            self._gate.begin_stream(native)
            return MaskStream(self._gate, self._answers, self._clip, request, native)

    @naming_misplaced_settings
    def track(
        self,
        target: Trackable | Sequence[Trackable],
        *,
        start_s: float | None = None,
        frames: SegmentFrames = "all",
        memory: str = "sam2",
        num_memories: int = NUM_MEMORIES,
        reprompt: Reprompt = "lost",
        verify_s: float | None = None,
        allow_absent: bool = False,
        tracking: TrackConfig = _DEFAULT_TRACKING,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
        on_masks: TrackCallback | None = None,
    ) -> TrackResult:
        """Carry objects through the clip by SAM 2's memory, from one frame on which they are named.

        An expression, or a [SEG] of an answer, names the object on one frame; what was seen there
        and on the last few frames names it on the next one. From that frame memory goes backwards
        to the first frame too, in a pass of its own. Objects that are tracked together share the
        encoding of every frame. `docs/guides/tracking.md` says what it costs beside `segment`,
        which names the object on every frame by itself.

        Args:
            target: What to track, such as "the red car"; or an Answer (or another result) whose
                every [SEG] is an object, so that one marked by a Region can be tracked; or several
                of these.
            start_s: The object is named on the first frame from this time on, in seconds of the
                clip. None: on the frame where it is seen best: of as many frames as the model looks
                at, evenly spread, the one with the highest predicted IoU where the object is there.
            frames: Which frames to track on: "all", "sampled", or source indices, walked in the
                order of time. Every second one costs half as much; memory then bridges longer gaps.
            memory: Which frames an object is remembered by: "sam2", those on which it was named and
                the last ones.
            num_memories: How many, from 1 on: SAM 2's own number is 7. Fewer cost less.
            reprompt: "lost": an object that is lost or drifts is named by language again on the
                first frame where the model sees it, and its memory begins anew; seconds: besides,
                every so often, beside what it remembers; None: never.
            verify_s: Every how many seconds the mask is compared with the one that language names
                on that frame by itself: below `TrackConfig.verify_iou` it drifts. None: never.
            allow_absent: Whether the model may say in words that an expression is not there, which
                then has no track (`TrackResult.absent`). See `segment`.
            tracking: Thresholds: when an object is lost or drifts, how often it is looked for.
            cancel: What ends it early.
            on_progress: See the class: positions of each prompt, then frames looked at for a start,
                then frames of both passes.
            on_masks: As in `ask`, with the result but for its tracks in the answer's place: called
                in the order of the frames, once those before the starts are done.

        Returns:
            A sequence of one ObjectTrack for each object, which is a MaskTrack with an id, scores
            of presence and events. Cancelled early (`is_cancelled`), the tracks have the frames
            that were done: those before the start first.

        Raises:
            InputError: When an expression is no phrase, an answer has no [SEG], is about another
                clip, the clip is an image, or a frame cannot be read.
            PackageError: When the package cannot track; the message names the command that adds it.
            ConfigError: When there is no such `memory`, or `num_memories` is above the package's
                own number. Others as `ask`.
        """
        check_callback(on_masks, "on_masks")
        options = TrackOptions(
            start_s, frames, memory, num_memories, reprompt, verify_s, allow_absent, tracking
        )
        with self._gate.entered(cancel, on_progress) as native:
            request = track_request(target, options, self._clip, self._requests)
            objects = ObjectTracking(self._model, self._clip, self._requests, self._answers)
            return objects.run(native, request, on_masks)

    def _more_timings(self) -> Sequence[Mapping[str, Timing]]:
        return (self._answers.tracks.timings,)

    def _segment_request(self, referring: Referring) -> SegmentRequest:
        model = self._model
        return segment_request(referring, self._clip, model.prompts, model.formats, self._requests)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was computed of the clip, for `UFVideo.load_session`: no pixels, no answers.

        The file appears in one step, when it is complete (see docs/session_format.md). The prompt
        up to the video's end is run first where it has not been.

        Raises:
            InputError: When the path is a file that the clip or the model is read from, a folder, a
                device or something else that is no plain file, or when it or its folder cannot be
                written.
            CapacityError: When the disk is full, or memory runs out.
            CancelledError: When it was cancelled. Others as `ask`.
        """
        target = as_path(path, "path")
        # A package's own files are no place for a session either.
        sources = (*self._clip.files, *entries_of(self._model.package))
        check_target(target, sources)
        with self._gate.entered() as native:
            saved = native.save_clip(self._model.prompts.prefix(self._clip))
            if saved is None:
                raise CancelledError("save: expected to go on to the end, it was cancelled")
            save_session(target, self._clip, saved, self._model.manifest_sha256, sources)
