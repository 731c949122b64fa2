"""What comes out of a question: text, spans in seconds, masks, and where the time went."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.validation.finite import is_finite_number, shown_number
from ufvideo_sdk.validation.paths import as_path, reading_failed

if TYPE_CHECKING:
    from ufvideo_sdk.video.clip import Clip


class StopReason(str, Enum):
    """Why an answer ended."""

    END = "end"
    MAX_NEW_TOKENS = "max_new_tokens"
    CONTEXT_FULL = "context_full"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    STOP_STRING = "stop_string"


@dataclass(frozen=True)
class TimeSpan:
    """A span of the source in seconds, on the source's own clock; a moment has start == end.

    Raises:
        InputError: When a time is not finite or the end lies before the start.
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        """Check the order of the two times."""
        if not (is_finite_number(self.start_s) and is_finite_number(self.end_s)):
            raise InputError(
                f"expected finite times, got {shown_number(self.start_s)} s and"
                f" {shown_number(self.end_s)} s"
            )
        if self.end_s < self.start_s:
            raise InputError(f"expected start <= end, got {self.start_s} s to {self.end_s} s")

    @property
    def is_moment(self) -> bool:
        """Whether the span is a single point in time."""
        return self.start_s == self.end_s

    def __str__(self) -> str:
        """As people read it, to a hundredth of a second."""
        if self.is_moment:
            return f"{self.start_s:.2f} s"
        return f"{self.start_s:.2f} - {self.end_s:.2f} s"


@dataclass(frozen=True)
class StageStats:
    """Calls and wall time of one stage.

    Attributes:
        num_calls: How often the stage ran.
        num_items: Frames, tokens, or objects times frames that went through it.
        total_ms: Wall time of all calls.
    """

    num_calls: int
    num_items: int
    total_ms: float


@dataclass(frozen=True)
class StageProviders:
    """The execution providers of one stage.

    Attributes:
        used: Those its graph runs on, in order: each node on the first one that can run it.
        left_out: Those asked for that could not start (`RuntimeConfig.allow_fallback`) or do not
            take this stage, and why.
        num_nodes: Nodes of the graph that each of them has got; empty where it is the CPU alone, or
            ONNX Runtime did not say. Of TensorRT an engine is one node.
    """

    used: tuple[str, ...]
    left_out: Mapping[str, str]
    num_nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerStats:
    """Where the time of one answer went.

    Attributes:
        stages: By stage stem, in pipeline order.
        num_prefill_tokens: Prompt positions computed for this answer.
        num_reused_tokens: Prompt positions that the session already held.
        num_generated_tokens: Tokens that were generated, the end token included; more than the
            answer's `token_ids` if a stop string cut it off.
        time_to_first_token_ms: Prefill, region frames included, and the first token.
        decode_ms: The tokens after the first. What a caller does between two tokens of a stream, or
            in a callback, does not count.
        providers: What each stage of the package runs on, by stem, in pipeline order.
        token_ms: Time inside the step of each generated token: first `time_to_first_token_ms`, then
            the parts of `decode_ms`. 0 for the later tokens of a choice, which take no step.
    """

    stages: Mapping[str, StageStats]
    num_prefill_tokens: int
    num_reused_tokens: int
    num_generated_tokens: int
    time_to_first_token_ms: float
    decode_ms: float
    providers: Mapping[str, StageProviders] = field(default_factory=dict)
    token_ms: tuple[float, ...] = ()

    @property
    def tokens_per_s(self) -> float | None:
        """Decoding speed after the first token; None for an answer of fewer than two tokens."""
        if self.num_generated_tokens < 2 or self.decode_ms <= 0:
            return None
        return (self.num_generated_tokens - 1) / (self.decode_ms / 1000)


@dataclass(frozen=True)
class TextEvent:
    """A piece of an answer as it comes.

    Attributes:
        text: The new characters; empty while a character is not complete yet.
        token_id: The token that brought them.
    """

    text: str
    token_id: int


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer with everything it refers to.

    Attributes:
        question: The question as it was asked.
        text: The whole answer, special tokens included.
        token_ids: The generated tokens; of an answer that a stop string ended, those that begin
            before it.
        spans: Times the answer names, in seconds of the source, in the order of the text.
        masks: One track for each [SEG] of the answer, in the order of the text.
        stop_reason: Why the answer ended.
        stats: Where the time went.
        clip: What the question was asked about.
        choice: Which of the choices it is, as the caller wrote it (`text` has the letter case that
            the model finds likeliest); None where none were given, or it was cut short.
        choice_probabilities: Probability of each choice, given that the answer is one of them:
            they sum to 1. None where none were given, or it was cancelled before all were scored.
    """

    question: str
    text: str
    token_ids: tuple[int, ...]
    spans: tuple[TimeSpan, ...]
    masks: tuple[MaskTrack, ...]
    stop_reason: StopReason
    stats: AnswerStats
    clip: Clip
    choice: str | None = None
    choice_probabilities: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Check that every mask belongs to the clip."""
        size = (self.clip.height, self.clip.width)
        for i, track in enumerate(self.masks):
            if (track.height, track.width) != size:
                raise InputError(
                    f"expected masks of {size[0]} x {size[1]} px (the source's size), got"
                    f" {track.height} x {track.width} px in masks[{i}]"
                )
            outside = track.frame_idxs[~np.isin(track.frame_idxs, self.clip.frame_idxs)]
            if outside.size:
                raise InputError(
                    f"expected frames of the clip, {self.clip.frame_idxs[0]} to"
                    f" {self.clip.frame_idxs[-1]}, got frame {outside[0]} in masks[{i}]"
                )

    def to_json(self) -> str:
        """The whole answer as one JSON object, keys in a fixed order (see docs/cli.md)."""
        # The other way round would be a circle: the writer knows these classes.
        from ufvideo_sdk.results.answer_json import answer_to_json

        return answer_to_json(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the answer to a file; what is written depends on the suffix.

        `.mp4`: the video with masks, time line and text drawn on it; `.png`: a contact sheet;
        `.json`: what `to_json` returns. An existing file is replaced, in one step, and keeps its
        mode; where the path is a link, the file that it names is replaced.

        Raises:
            InputError: When the suffix is another one, the path is a file that the clip is read
                from, a folder, a device or something else that is no plain file, it or its folder
                cannot be written, or a video is asked for an image.
            CapacityError: When the disk is full.
            DeviceError: When PyAV was built without an H.264 encoder.
        """
        target = as_path(path, "path")
        try:
            # Drawing loads OpenCV, Pillow and PyAV: not for those who only want the text.
            from ufvideo_sdk.render.save import save_answer
        except OSError as error:
            raise reading_failed(error, target, "the modules that write it") from error

        save_answer(self, target)
