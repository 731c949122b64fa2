"""One conversation about one clip."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.atomic_file import check_target
from ufvideo_sdk.errors import CancelledError, PackageError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.results.answer import StageProviders
from ufvideo_sdk.results.from_native import Timing
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.track_result import TrackResult
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.runtime.misplaced_settings import naming_misplaced_settings
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.session.answer_builder import AnswerBuilder
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.object_tracking import ObjectTracking, TrackCallback
from ufvideo_sdk.session.questions import Asking, Questions
from ufvideo_sdk.session.request import RequestBuilder, SegmentFrames
from ufvideo_sdk.session.saved_session import SavedFacts, native_clip, save_session
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.session.session_entry import SessionEntry
from ufvideo_sdk.session.session_file import SessionFile
from ufvideo_sdk.session.track_request import TrackOptions, track_request
from ufvideo_sdk.session.windowed_locate import WindowedLocate, WindowSearch
from ufvideo_sdk.tracking.native_tracker import NUM_MEMORIES
from ufvideo_sdk.tracking.prompting import Reprompt
from ufvideo_sdk.tracking.target import Trackable
from ufvideo_sdk.validation.arguments import check_callback
from ufvideo_sdk.validation.paths import as_path, entries_of
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.sampling import Sampling, check_sampling

_GREEDY = GenerationConfig()
_DEFAULT_TRACKING = TrackConfig()


class Session(SessionEntry, Questions):
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
        sampling: Sampling = "uniform",
        saved: SessionFile | None = None,
        opened: _native.Session | None = None,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> None:
        """Encode the clip, or take over what was computed of it.

        Use `UFVideo.open`, `UFVideo.load_session`, `Stream.freeze` or `Stream.past`.

        Raises:
            InputError: When a frame cannot be read, or the clip has too many frames for `sampling`.
            PackageError: When the model's aligner does not allow for `sampling`.
            InferenceError: When a graph fails.
            CancelledError: When it was cancelled.
        """
        check_clip_sampling(model, sampling)
        native = _native.Session(model.native) if opened is None else opened
        pixels = _native.PixelCache(model.native)
        super().__init__(native, pixels, clip)
        clip.keep_pixels(pixels)
        self._model = model
        self._sampling = sampling
        num_frames = 1 if clip.is_image else model.manifest.video.num_frames
        idxs = clip.sampled_idxs(num_frames, sampling)
        sampled: NDArray[np.int64] = np.unique(idxs)
        sampled.flags.writeable = False  # tracks share it
        self._answers = AnswerBuilder(model, clip)
        tracks = self._answers.tracks
        self._requests = RequestBuilder(model.prompts, model.formats, clip, sampled, tracks.check)
        if opened is not None:
            return
        if saved is not None:
            native.restore_clip(native_clip(saved, idxs))
            return
        call = SessionCall(native, cancel, on_progress)
        with InterruptCancels(call.cancel):
            call.open_clip(clip, idxs, sampled)

    @contextmanager
    def _entered(
        self, cancel: _native.CancellationToken | None, on_progress: ProgressCallback | None
    ) -> Iterator[Asking]:
        with self._gate.entered(cancel, on_progress) as call:
            yield Asking(call, self._clip, self._requests, self._answers)

    @naming_misplaced_settings
    def locate(
        self,
        event: str,
        *,
        window_s: float | None = None,
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
            window_s: Search a long recording in windows of so many seconds that overlap by half,
                each of as many frames as the model looks at. Each frame is encoded once. Spans of
                windows that overlap are one event, about which a window around it is asked once
                more. None, and a clip that is no longer: one question about the frames that the
                session looks at.
            allow_absent: Whether the model may say in words that it does not happen. Only models
                that were trained to say so (nano is) do; the others are better held to a span. With
                window_s it must be True.
            config: How to answer.
            cancel: What ends it early.
            on_progress: See the class; with window_s called with windows that are done.

        Returns:
            A sequence of one span in seconds, with window_s of any number; of none when it was
            cancelled (`is_cancelled`), cut short (`is_cut_short`) or, with allow_absent, when the
            model names none (`is_absent`).

        Raises:
            InputError: When the event is no phrase, or the clip is an image. Others as `ask`.
        """
        search = None
        if window_s is not None:
            search = WindowSearch(event, window_s, allow_absent, config)
        times_s = self._clip.timestamps_s
        if search is None or times_s[-1] - times_s[0] <= search.window_s:
            return super().locate(
                event,
                allow_absent=allow_absent,
                config=config,
                cancel=cancel,
                on_progress=on_progress,
            )
        # Before a frame is encoded.
        self._model.prompts.build_grounding(event, self._clip)
        with self._entered(cancel, on_progress) as asking:
            return WindowedLocate(self._model, asking.clip, search).result(asking.call)

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
                clip. None: where it is seen well: of as many frames as the model looks at, evenly
                spread, on the first one where it is there with a predicted IoU that is almost the
                highest of all (`TrackConfig.start_margin`).
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
        with self._gate.entered(cancel, on_progress) as call:
            request = track_request(target, options, self._clip, self._requests)
            objects = ObjectTracking(self._model, self._clip, self._requests, self._answers)
            return objects.run(call, request, on_masks)

    def _more_timings(self) -> Sequence[Mapping[str, Timing]]:
        return (self._answers.tracks.timings,)

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
            facts = SavedFacts(self._sampling, self._model.manifest_sha256)
            save_session(target, self._clip, saved, facts, sources)


def check_clip_sampling(model: LoadedModel, sampling: object) -> None:
    """Refuse a way to choose a clip's frames that the model does not allow for.

    Raises:
        InputError: When it is none.
        PackageError: When it is "every", and the model's aligner looks across pairs of frames.
    """
    check_sampling(sampling)
    padding = model.manifest.video.aligner_padding
    if sampling == "every" and padding != 0:
        raise PackageError(
            f"{model.package}: manifest.json: video.aligner_padding: expected 0, so that a pair of"
            f' frames is aligned by itself, for sampling="every", got {padding}: use'
            ' sampling="uniform"'
        )
