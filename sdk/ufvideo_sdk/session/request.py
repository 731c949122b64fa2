"""What a caller asks, checked and in the native runtime's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.text.choices import Choices, check_case, check_not_sampled
from ufvideo_sdk.text.constraints import AnswerFormats
from ufvideo_sdk.text.prompt import History, PromptBuilder, Question, Time
from ufvideo_sdk.validation.arguments import check_instance, check_sequence
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.regions import Region

# "sampled": the frames the model looked at; "all": every frame of the clip; or source indices. For
# answers also "tracked": every frame, carried by memory.
SegmentFrames = str | Sequence[int] | NDArray[np.int64]
_NO_FRAMES: NDArray[np.int64] = np.empty(0, np.int64)


@dataclass(frozen=True)
class Ask:
    """A question as the caller puts it, as one of `Session.ask_many`.

    Attributes:
        question: Words; `<region>` stands for the next of `regions`, `<time>` for the next of
            `times`.
        regions: Objects pointed at.
        times: Seconds of the clip or spans.
        history: Earlier turns (question, answer), oldest first.
        segment_frames: Where to draw masks: "sampled", "all", "tracked", "none", or source
            indices.
        choices: Texts of which the answer is the likeliest.
        choice_case: "model" or "exact", see `Session.ask`.
        response_format: "span" or "moment".
    """

    question: str
    regions: Sequence[Region] = ()
    times: Sequence[Time] = ()
    history: History = ()
    segment_frames: SegmentFrames = "sampled"
    choices: Sequence[str] | None = None
    response_format: str | None = None
    choice_case: str = "model"


@dataclass(frozen=True)
class Request:
    """A question ready for the native runtime, and what its answer will need."""

    question: str
    prompt: _native.Prompt
    segment_idxs: NDArray[np.int64]
    config: GenerationConfig
    # The caller's texts; empty where there are no choices.
    choices: tuple[str, ...]
    # Whether masks are named on one frame and carried to the others by memory.
    is_tracked: bool


@dataclass(frozen=True)
class _Checked:
    ask: Ask
    config: GenerationConfig
    parts: Mapping[str, Any]
    segment_idxs: NDArray[np.int64]
    choices: tuple[str, ...]


class RequestBuilder:
    """Checks questions about one clip, and reads what they need of it.

    Attributes:
        sampled: Source indices of the frames the model looks at, int64 [F], ascending, read-only.
    """

    def __init__(
        self,
        prompts: PromptBuilder,
        formats: AnswerFormats,
        clip: Clip,
        sampled: NDArray[np.int64],
        check_can_track: Callable[[SessionCall], object],
    ) -> None:
        """Keep what a question is checked with.

        Args:
            prompts: Makes token ids.
            formats: What answers may be.
            clip: What the questions are about.
            sampled: See the class.
            check_can_track: Raises PackageError if the package cannot track.
        """
        self._check_can_track = check_can_track
        self._prompts = prompts
        self._formats = formats
        self._clip = clip
        self.sampled = sampled

    def build(self, native: SessionCall, ask: Ask, config: GenerationConfig) -> Request:
        """The question with the pixels of those region frames that are not encoded yet.

        Raises:
            InputError: When a part of the question cannot be used.
        """
        return self._with_pixels(native, [self._checked(ask, config)])[0]

    def build_many(
        self, native: SessionCall, asks: Sequence[Ask], config: GenerationConfig
    ) -> list[Request]:
        """Several questions, whose region frames are read once for all of them.

        Raises:
            InputError: When a part of a question cannot be used, naming the question.
        """
        checked = []
        for number, ask in enumerate(asks):
            try:
                checked.append(self._checked(ask, config))
            except InputError as error:
                raise InputError(f"questions[{number}]: {error}") from None
        return self._with_pixels(native, checked)

    def _checked(self, ask: Ask, config: GenerationConfig) -> _Checked:
        check_instance(config, "config", GenerationConfig)
        choices = self._choices(ask, config)
        response_format = None if choices else self._response_format(ask, config)
        segment_idxs = self._frames_of(ask)
        check_sequence(ask.regions, "regions", "Region")
        for number, region in enumerate(ask.regions):
            check_instance(region, f"regions[{number}]", Region)
        question = Question(ask.question, len(ask.regions), ask.times, ask.history)
        token_ids = self._prompts.build(question, self._clip)
        regions = [self._region_prompt(region, i) for i, region in enumerate(ask.regions)]
        parts = {
            "token_ids": token_ids,
            "regions": regions,
            "response_format": response_format,
            "choices": choices.tree if choices else None,
        }
        return _Checked(ask, config, parts, segment_idxs, choices.texts if choices else ())

    def _with_pixels(self, native: SessionCall, asked: Sequence[_Checked]) -> list[Request]:
        if any(is_tracked_everywhere(each.ask.segment_frames) for each in asked):
            self._check_can_track(native)
        on_regions = [int(i) for c in asked for region in c.ask.regions for i in region.frame_idxs]
        missing = native.missing_frames(on_regions)
        try:
            pixels = self._clip.read(missing, cancel=native.cancel) if missing else None
        except CancelledError:
            # The native call that follows ends before it looks at them.
            missing, pixels = [], None
        requests = []
        for each in asked:
            is_marked = bool(each.ask.regions)
            prompt = _native.Prompt(
                **each.parts,
                region_frames=pixels if is_marked else None,
                region_frame_idxs=missing if is_marked else [],
            )
            requests.append(
                Request(
                    each.ask.question,
                    prompt,
                    each.segment_idxs,
                    each.config,
                    each.choices,
                    is_tracked_everywhere(each.ask.segment_frames),
                )
            )
        return requests

    def segment_idxs(self, frames: SegmentFrames, where: str) -> NDArray[np.int64]:
        """Source indices of the frames to segment, int64 [F].

        Raises:
            InputError: When they are none of the clip, or one comes twice.
        """
        if isinstance(frames, str):
            if frames == "sampled":
                return self.sampled
            if frames == "all":
                return self._clip.frame_idxs
            raise InputError(f'{where}: expected "sampled", "all" or indices, got "{frames}"')
        idxs = self._clip.check_idxs(frames, where)
        values, counts = np.unique(idxs, return_counts=True)
        if (counts > 1).any():
            raise InputError(
                f"{where}: expected each frame once, got {values[counts > 1][0]} again"
            )
        idxs.flags.writeable = False  # tracks share it
        return idxs

    def _frames_of(self, ask: Ask) -> NDArray[np.int64]:
        """Source indices of the frames on which an answer's objects have masks, int64 [F]."""
        frames = ask.segment_frames
        if isinstance(frames, str) and frames == "none":
            return _NO_FRAMES
        if is_tracked_everywhere(frames):
            if self._clip.is_image:
                raise InputError('segment_frames: expected a video for "tracked", got an image')
            frames = "all"
        return self.segment_idxs(frames, "segment_frames")

    def _choices(self, ask: Ask, config: GenerationConfig) -> Choices | None:
        check_case(ask.choice_case)
        if ask.choices is None:
            if ask.choice_case != "model":
                raise InputError(
                    f"choice_case: expected choices beside {ask.choice_case!r}, got none"
                )
            return None
        check_no_stop_strings(config, "choices and formats")
        check_not_sampled(config)
        if ask.response_format is not None:
            raise InputError("choices: expected no response_format beside them, got both")
        return self._formats.choices(ask.choices, ask.choice_case)

    def _response_format(self, ask: Ask, config: GenerationConfig) -> _native.TokenAutomaton | None:
        if ask.response_format is None:
            return None
        check_no_stop_strings(config, "choices and formats")
        if self._clip.is_image:
            raise InputError("response_format: expected a video, an image has no times")
        return self._formats.of_times(ask.response_format)

    def _region_prompt(self, region: Region, number: int) -> _native.RegionPrompt:
        size = (self._clip.height, self._clip.width)
        if region.masks.shape[1:] != size:
            raise InputError(
                f"regions[{number}]: expected masks of {size[0]} x {size[1]} px (the clip's size),"
                f" got {region.masks.shape[1]} x {region.masks.shape[2]} px"
            )
        idxs = self._clip.check_idxs(region.frame_idxs, f"regions[{number}].frame_idxs")
        return _native.RegionPrompt(frame_idxs=idxs.tolist(), masks=region.masks)


def is_tracked_everywhere(frames: SegmentFrames) -> bool:
    """Whether masks are wanted on every frame, carried by memory."""
    return isinstance(frames, str) and frames == "tracked"


def check_no_stop_strings(config: GenerationConfig, what: str) -> None:
    """Refuse stop strings where the format of the answer says how it ends.

    Raises:
        InputError: When there are some.
    """
    if config.stop_strings:
        raise InputError(
            f"config: expected no stop_strings, {what} say how an answer ends, got"
            f" {config.stop_strings!r}"
        )
