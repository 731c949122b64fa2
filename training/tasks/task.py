"""A question about a scene, its one right answer, and what the answer is checked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

NUM_TIME_TOKENS = 100
SEG_MARK = "[SEG]"
REGION_MARK = "<region>"


class TaskKind(str, Enum):
    """What a question asks for; one row of an evaluation each."""

    QUESTION = "question_answering"
    CAPTION = "captioning"
    CHOICE = "multiple_choice"
    COUNT = "counting"
    SPAN = "grounding_span"
    MOMENT = "grounding_moment"
    REGION_DESCRIPTION = "region_description"
    REGION_QUESTION = "region_question"
    REFERRING = "referring_segmentation"
    REASONING = "reasoning_segmentation"
    PIXRQA = "pixrqa"
    PIXHQA = "pixhqa"
    PIXTRQA = "pixtrqa"
    IMAGE_QUESTION = "image_question"
    IMAGE_SEGMENTATION = "image_segmentation"


@dataclass(frozen=True)
class RegionPrompt:
    """What one `<region>` of a question points at: a thing on one or more frames."""

    thing: int
    frame_idxs: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """One question with its answer.

    Attributes:
        kind: What it asks for.
        question: The user's words without `<video>` or `<image>`; times as `<TEMP-xxx>`.
        answer: The right answer, times as `<TEMP-xxx>`, one `[SEG]` for each target.
        scored: Categories of the lexicon in which an answer must say the same words.
        regions: What the `<region>` marks of the question point at, in order.
        targets: The thing that each `[SEG]` of the answer is, in order.
        span: Start and end asked for, exact fractions of the clip; equal for a moment.
        options: Choices in order, where the answer is a letter.
        absent: Whether it asks for something that is not there.
        image_frame: The one frame that is shown as an image; None for the whole clip.
    """

    kind: TaskKind
    question: str
    answer: str
    scored: frozenset[str] = frozenset()
    regions: tuple[RegionPrompt, ...] = ()
    targets: tuple[int, ...] = ()
    span: tuple[float, float] | None = None
    options: tuple[str, ...] = ()
    absent: bool = False
    image_frame: int | None = None

    def __post_init__(self) -> None:
        """Check that marks and what fills them agree."""
        for mark, text, filled in (
            (REGION_MARK, self.question, self.regions),
            (SEG_MARK, self.answer, self.targets),
        ):
            if text.count(mark) != len(filled):
                raise ValueError(
                    f"{self.kind.value}: expected {len(filled)} {mark} in {text!r}, got"
                    f" {text.count(mark)}"
                )


@dataclass(frozen=True)
class Draft:
    """A question in several wordings; the wordings differ in `question` and `answer` alone.

    Attributes:
        forms: Pairs of question and answer.
        task: The rest; its own question and answer are those of the first form.
    """

    forms: tuple[tuple[str, str], ...]
    task: Task


# Written by `time_token`.
TIME_PATTERN = re.compile(r"<TEMP-(\d{3})>")


def time_token(fraction: float) -> str:
    """The token of a fraction of the clip, `<TEMP-000>` to `<TEMP-099>`.

    Raises:
        ValueError: When the fraction is not within 0 to 1.
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"fraction: expected 0 to 1, got {fraction!r}")
    return f"<TEMP-{int(fraction * (NUM_TIME_TOKENS - 1) + 0.5):03d}>"


def span_text(span: tuple[float, float]) -> str:
    """A span as `{<TEMP-aaa><TEMP-bbb>}`."""
    return "{" + time_token(span[0]) + time_token(span[1]) + "}"
