"""What a data set asks, and what is right: one record for each question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Reason(str, Enum):
    """Why a sample counts 0, whatever was answered."""

    MALFORMED = "malformed record"
    DUPLICATE = "duplicate id"
    MISSING_VIDEO = "missing video"
    UNREADABLE_VIDEO = "unreadable video"
    UNREADABLE_TRUTH = "unreadable truth"
    ERROR = "error while it was asked"
    NO_ANSWER = "no answer"
    NO_OPTION = "no option in the answer"
    NO_SPAN = "no span in the answer"
    REVERSED_SPAN = "span ends before it starts"
    NUM_MASKS = "another number of masks"
    MISSING_FRAME = "a frame without a mask"
    WRONG_SHAPE = "a mask of another size"


class Pixels(Protocol):
    """A mask whose pixels are made when asked for, such as `ObjectMask`."""

    def pixels(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W]."""


ObjectFrames = Mapping[int, "Pixels | None"]
"""Masks of one object by index of the frame; None where the data set has null."""


@dataclass(frozen=True)
class Span:
    """When something happens.

    Attributes:
        start: Its start.
        end: Its end, not before the start.
        is_fraction: Whether both are parts of the video, 0 to 1; else they are seconds.
    """

    start: float
    end: float
    is_fraction: bool


@dataclass(frozen=True, eq=False)
class Record:
    """One question of a data set.

    Attributes:
        key: Its name, which no other record of the data set has.
        id: What the publisher's file calls it; two records may have the same.
        video: The file of the video, or the folder of its frames.
        video_name: What the video is called: records of one video resemble each other.
        question: The words for the model; `<region>` and `<TEMP-xxx>` stand for what they name.
        expression: What a question of referring segmentation names, as the publisher's file has it.
        group: A task, a type of question or an annotator, by which scores are told apart.
        frames: Files of the frames, in order, if the video is a folder of them.
        bounds_s: The part of the video that is asked about, in seconds.
        options: Words of the options, without their letters.
        answer: The right answer as the publisher's file has it.
        answer_idx: Position of the right option.
        reference: The right words.
        span: The right span.
        objects: Masks of each object by frame, in the order of the publisher's file: those that
            are pointed at and those that are right.
        region_idxs: Frames on which the objects are pointed at.
        scored_idxs: Frames that are to be segmented, and scored.
        void: Pixels that do not count, by frame.
        annotation_files: Pictures that the objects' masks are read from, by frame.
        problem: Why it cannot be asked; None if it can.
        problem_text: What is wrong, for a person.
    """

    key: str
    id: str = ""
    video: Path = Path()
    video_name: str = ""
    question: str = ""
    expression: str = ""
    group: str = ""
    frames: tuple[Path, ...] = ()
    bounds_s: tuple[float, float] | None = None
    options: tuple[str, ...] = ()
    answer: str = ""
    answer_idx: int | None = None
    reference: str | None = None
    span: Span | None = None
    objects: tuple[ObjectFrames, ...] = ()
    region_idxs: tuple[int, ...] = ()
    scored_idxs: tuple[int, ...] = ()
    void: Mapping[int, Pixels] = field(default_factory=dict)
    annotation_files: Mapping[int, Path] = field(default_factory=dict)
    problem: Reason | None = None
    problem_text: str = ""


@dataclass(frozen=True)
class DataSet:
    """The records of a data set, those with problems included.

    Attributes:
        benchmark: Name of the benchmark, as in `BENCHMARKS`.
        records: In the order of the publisher's files.
        has_truth: Whether the publisher gives what is right; else a server scores it.
        multi_frame: Whether objects are pointed at on all frames that have a mask.
    """

    benchmark: str
    records: tuple[Record, ...]
    has_truth: bool = True
    multi_frame: bool = False

    @property
    def problems(self) -> tuple[Record, ...]:
        """The records that cannot be asked."""
        return tuple(record for record in self.records if record.problem is not None)

    def summary(self) -> list[str]:
        """What the data set has and what is missing, a line each; at most 20 records by name."""
        videos = {record.video_name for record in self.records}
        lines = [f"{self.benchmark}: records: {len(self.records):,}, videos: {len(videos):,}"]
        counts = Counter(record.problem.value for record in self.problems if record.problem)
        lines += [f"{reason}: {count:,}" for reason, count in counts.most_common()]
        shown = self.problems[:20]
        lines += [f"  {record.key}: {record.problem_text}" for record in shown]
        if len(self.problems) > len(shown):
            lines.append(f"  and {len(self.problems) - len(shown):,} more")
        if not self.has_truth:
            lines.append("the publisher gives no truth: a server scores the answers")
        return lines


@dataclass(frozen=True)
class UnionMask:
    """The pixels of several masks together.

    Attributes:
        parts: Masks of one size.
    """

    parts: tuple[Pixels, ...]

    def pixels(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W]."""
        return np.asarray(np.logical_or.reduce([part.pixels() for part in self.parts]), np.bool_)
