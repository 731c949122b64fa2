"""What the demonstration asks, and how an answer is compared with the truth."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.rle import decode_masks
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.session.session import Session
from ufvideo_sdk.validation.short_text import counted
from ufvideo_sdk.video.regions import Region

# From these overlaps on (IoU) a time and a mask count as right.
RIGHT_TIME = 0.5
RIGHT_MASKS = 0.8
# A model that babbles is cut off.
_SHORT = GenerationConfig(max_new_tokens=40)


@dataclass(frozen=True)
class Comparison:
    """One question, what the model answered, and the truth.

    Attributes:
        question: What was asked.
        answer: What the model answered, for a person.
        truth: What is right.
        is_right: Whether the answer counts as right.
        overlap: IoU with the truth, 0 to 1; None for an answer in words.
        spans: Times that the model found.
        masks: Masks that the model found.
        said: The whole answer; None for a time or masks, which come without words.
    """

    question: str
    answer: str
    truth: str
    is_right: bool
    overlap: float | None = None
    spans: tuple[TimeSpan, ...] = ()
    masks: tuple[MaskTrack, ...] = ()
    said: Answer | None = None


@dataclass(frozen=True)
class WordsQuestion:
    """A question that is answered in words.

    Attributes:
        question: The question.
        where: Where its region lies, for a person; empty without a region.
        region: What its `<region>` stands for.
        truth: The right answer.
        words: What an answer must say, in this order.
        other_words: What it must not say: other words of the same categories.
    """

    question: str
    where: str
    region: Region | None
    truth: str
    words: tuple[str, ...]
    other_words: tuple[str, ...]

    @classmethod
    def read(cls, values: Mapping[str, Any], size: tuple[int, int]) -> WordsQuestion:
        """Make the question of its entry in the truth's file."""
        region = None
        if values["region"] is not None:
            height, width = size
            masks = decode_masks([values["region"]["counts"]], height=height, width=width)
            region = Region(np.array([values["region"]["frame_idx"]]), masks)
        return cls(
            values["question"],
            "" if values["region"] is None else values["region"]["where"],
            region,
            values["truth"],
            tuple(values["words"]),
            tuple(values["other_words"]),
        )

    def ask(self, session: Session, cancel: CancellationToken | None) -> Comparison:
        """Ask it and compare the words that matter."""
        regions = () if self.region is None else (self.region,)
        said = session.ask(self.question, regions=regions, config=_SHORT, cancel=cancel)
        is_right = self.is_said(said.text) and not said.spans and not said.masks
        asked = f"{self.question} ({self.where})" if self.where else self.question
        return Comparison(asked, said.text, self.truth, is_right, said=said)

    def is_said(self, text: str) -> bool:
        """Whether a text says the right words in their order, and none of the others."""
        known = sorted({*self.words, *self.other_words}, key=len, reverse=True)
        pattern = rf"(?<![\w-])({'|'.join(map(re.escape, known))})(?![\w-])"
        return re.findall(pattern, text.lower()) == list(self.words)


@dataclass(frozen=True)
class EventQuestion:
    """When something happens.

    Attributes:
        event: What happens.
        truth: When.
    """

    event: str
    truth: TimeSpan

    def ask(self, session: Session, cancel: CancellationToken | None) -> Comparison:
        """Locate it and compare the times."""
        spans = tuple(session.locate(self.event, cancel=cancel))
        overlap = time_overlap(spans[0], self.truth) if len(spans) == 1 else 0.0
        return Comparison(
            f"When does this happen: {self.event}?",
            ", ".join(map(str, spans)) or "no time",
            str(self.truth),
            overlap >= RIGHT_TIME,
            overlap=overlap,
            spans=spans,
        )


@dataclass(frozen=True)
class MaskQuestion:
    """Where something is, on every frame.

    Attributes:
        expression: What to segment, without an article.
        truth: Its masks, COCO run-length codes, one for each frame of the clip.
    """

    expression: str
    truth: tuple[str, ...]

    def ask(self, session: Session, cancel: CancellationToken | None) -> Comparison:
        """Segment it and compare the masks."""
        tracks = tuple(session.segment(self.expression, frames="all", cancel=cancel))
        overlap = mean_mask_overlap(tracks[0], self.truth) if len(tracks) == 1 else 0.0
        num_frames = len(tracks[0]) if tracks else 0
        return Comparison(
            f"Segment the {self.expression} on every frame.",
            f"masks on {counted(num_frames, 'frame')}",
            f"masks on {counted(len(self.truth), 'frame')}",
            overlap >= RIGHT_MASKS,
            overlap=overlap,
            masks=tracks,
        )


Question = WordsQuestion | EventQuestion | MaskQuestion


def read_questions(path: Path) -> list[Question]:
    """Read the questions and the truth from the file that ships, in the order of asking."""
    content = json.loads(path.read_text(encoding="utf-8"))
    height, width = content["size"]
    questions: list[Question] = []
    for values in content["questions"]:
        if values["kind"] == "words":
            questions.append(WordsQuestion.read(values, (height, width)))
        elif values["kind"] == "event":
            span = TimeSpan(values["start_s"], values["end_s"])
            questions.append(EventQuestion(values["event"], span))
        else:
            questions.append(MaskQuestion(values["expression"], tuple(values["counts"])))
    return questions


def time_overlap(first: TimeSpan, second: TimeSpan) -> float:
    """Intersection over union of two spans; 0 if one ends before the other begins."""
    shared = min(first.end_s, second.end_s) - max(first.start_s, second.start_s)
    union = max(first.end_s, second.end_s) - min(first.start_s, second.start_s)
    return max(shared, 0.0) / union if union > 0 else 1.0


def mean_mask_overlap(track: MaskTrack, truth: Sequence[str]) -> float:
    """Mean intersection over union of masks and true masks; two empty masks count as 1.

    Args:
        track: The masks, one for each frame of the clip.
        truth: COCO run-length codes of the true masks, as many.
    """
    if len(track) != len(truth):
        return 0.0
    overlaps = []
    for found, counts in zip(track, truth, strict=True):
        pixels = found.pixels()
        right = decode_masks([counts], height=track.height, width=track.width)[0]
        union = np.count_nonzero(pixels | right)
        overlaps.append(np.count_nonzero(pixels & right) / union if union else 1.0)
    return float(np.mean(overlaps))
