"""An expression to segment, checked and in the native runtime's form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.request import RequestBuilder, SegmentFrames, check_no_stop_strings
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.text.constraints import AnswerFormats
from ufvideo_sdk.text.prompt import PromptBuilder
from ufvideo_sdk.validation.arguments import check_instance
from ufvideo_sdk.video.clip import Clip


@dataclass(frozen=True)
class Referring:
    """What to segment, as the caller puts it (see `Session.segment`).

    Attributes:
        expression: What to segment, such as "the red car".
        frames: "sampled", "all", or source indices.
        allow_absent: Whether the model may say in words that it is not there.
        config: How to answer with allow_absent.
        allow_question: Whether the expression may be a question or a request.

    Raises:
        InputError: If `config` is set while `allow_absent` is False, or if either has the wrong
            type.
    """

    expression: str
    frames: SegmentFrames
    allow_absent: bool
    config: GenerationConfig
    allow_question: bool = False

    def __post_init__(self) -> None:
        """Check what does not need a clip."""
        check_instance(self.allow_absent, "allow_absent", bool)
        check_instance(self.allow_question, "allow_question", bool)
        if self.allow_absent and self.allow_question:
            raise InputError(
                "allow_question: expected without allow_absent; ask() answers a question as it is"
            )
        check_instance(self.config, "config", GenerationConfig)
        if not self.allow_absent and self.config != GenerationConfig():
            raise InputError(
                "config: expected allow_absent=True beside it, without it nothing is generated, got"
                f" {self.config!r}"
            )
        check_no_stop_strings(self.config, "segment's formats")


@dataclass(frozen=True)
class SegmentRequest:
    """A segmentation ready for the native runtime.

    Attributes:
        expression: What to segment.
        frame_idxs: Source indices of the frames, int64 [F].
        prompt: The question, and where the model is given its answer, that too.
        answer_start: Where in the prompt that answer begins; None: the model answers by itself.
        config: How it does so.
    """

    expression: str
    frame_idxs: NDArray[np.int64]
    prompt: _native.Prompt
    answer_start: int | None
    config: GenerationConfig

    @property
    def is_answer_given(self) -> bool:
        """Whether the prompt holds the answer, so that nothing is generated."""
        return self.answer_start is not None

    def generated(self, call: SessionCall) -> _native.Generation:
        """The answer, which has a state for each object that it names."""
        if self.answer_start is not None:
            return call.teacher_force(self.prompt, self.answer_start)
        return call.generate(self.prompt, self.config.to_native(), None)


def object_states(generation: _native.Generation) -> NDArray[np.float32]:
    """The state behind each [SEG], float32 [O, D]; size 0 without any, and of a cancelled answer.

    Args:
        generation: What `SegmentRequest.generated` returned.
    """
    if generation.stop_reason is _native.StopReason.CANCELLED:
        return np.empty((0, 0), np.float32)
    return generation.seg_hidden_states


def segment_request(
    referring: Referring,
    clip: Clip,
    prompts: PromptBuilder,
    formats: AnswerFormats,
    requests: RequestBuilder,
) -> SegmentRequest:
    """Build the request of what is to be segmented in a clip.

    Raises:
        InputError: When the expression is no phrase, or a frame is none of the clip.
    """
    idxs = requests.segment_idxs(referring.frames, "frames")
    answer_start = None
    if referring.allow_absent:
        prompt = _native.Prompt(
            token_ids=prompts.build_segmentation_question(referring.expression, clip),
            response_format=formats.mask_or_words,
        )
    else:
        token_ids, answer_start = prompts.build_segmentation(
            referring.expression, clip, allow_question=referring.allow_question
        )
        prompt = _native.Prompt(token_ids=token_ids)
    return SegmentRequest(referring.expression, idxs, prompt, answer_start, referring.config)
