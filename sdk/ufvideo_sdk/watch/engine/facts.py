"""Facts: what an engine is told, and what it tells. Each is one line of the log.

All times are stream time in seconds. Frames are numbered as the stream takes them. Boxes are
[left, top, right, bottom] in fractions of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ufvideo_sdk.validation.strict_json import Each, FieldError, Instance, Integer, OneOf
from ufvideo_sdk.watch.engine.fact_fields import (
    MAX_ITEMS,
    Change,
    Checked,
    Choice,
    Fraction,
    Idx,
    Idxs,
    Name,
    OptionalSeconds,
    Seconds,
    Words,
)

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Opened(Checked):
    """The first fact: what the others follow from.

    Attributes:
        version: Version of the log's format.
        camera: Name of the camera; no credential is part of it.
        rules_name: Name of the file of rules.
        rules: Its text.
    """

    version: Annotated[int, Integer(FORMAT_VERSION, FORMAT_VERSION)]
    camera: Name
    rules_name: Name
    rules: Words


@dataclass(frozen=True)
class Frame(Checked):
    """A frame was taken.

    Attributes:
        frame_idx: Its number, above that of every frame before.
        time_s: Its time, later than that of every frame before.
        change: How much it differs from the frame before, from 0.0, not at all, to 1.0; None if
            that was not measured.
    """

    frame_idx: Idx
    time_s: Seconds
    change: Change = None


@dataclass(frozen=True)
class Asked(Checked):
    """A question that was due goes to the model.

    Attributes:
        question: Its name.
        frame_idx: The newest frame that it is about.
        time_s: The time of that frame.
        window_start_s: The time of the oldest frame that it is about.
    """

    question: Name
    frame_idx: Idx
    time_s: Seconds
    window_start_s: Seconds


@dataclass(frozen=True)
class Dropped(Checked):
    """A question that was due is given up for this turn.

    Attributes:
        question: Its name.
        frame_idx: The newest frame at that time.
        time_s: The time of that frame.
        cause: Why, such as "budget".
    """

    question: Name
    frame_idx: Idx
    time_s: Seconds
    cause: Name


@dataclass(frozen=True)
class Failed(Checked):
    """The oldest open asking of a question gets no answer.

    Attributes:
        question: Its name.
        frame_idx: The newest frame that it is about, as it was asked.
        cause: Why, such as "cancelled".
    """

    question: Name
    frame_idx: Idx
    cause: Name


@dataclass(frozen=True)
class FoundSpan(Checked):
    """A span of an answer.

    Attributes:
        start_s: When it starts.
        end_s: When it ends.
    """

    start_s: Seconds
    end_s: Seconds

    def __post_init__(self) -> None:
        """Check the order too."""
        super().__post_init__()
        if self.end_s < self.start_s:
            problem = FieldError("end_s", f"expected start_s or later, got {self.end_s}")
            raise self._refused(problem)


@dataclass(frozen=True)
class FoundObject(Checked):
    """An object on a frame.

    Attributes:
        id: Its number among the tracks of the stream; of an object that is not tracked its number
            in the answer.
        left: Left edge of its box, a fraction of the picture's width.
        top: Top edge, a fraction of the picture's height.
        right: Right edge.
        bottom: Bottom edge.
    """

    id: Idx
    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Its box."""
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True)
class Answered(Checked):
    """The answer to the oldest open asking of a question.

    Attributes:
        question: Its name.
        frame_idx: The newest frame that it is about, as it was asked.
        text: What the model wrote.
        choice: Which of the question's choices it is; None of a question without choices.
        spans: Spans of a `locate`, in stream time.
        objects: Objects of a `segment` on its newest frame; those without a pixel are left out.
    """

    question: Name
    frame_idx: Idx
    text: Words
    choice: Choice = None
    spans: Annotated[tuple[FoundSpan, ...], Each(Instance(FoundSpan), 0, MAX_ITEMS)] = ()
    objects: Annotated[tuple[FoundObject, ...], Each(Instance(FoundObject), 0, MAX_ITEMS)] = ()

    @property
    def said(self) -> str:
        """The answer in one line for people: what was found says more than the model's words."""
        if self.choice is not None:
            return self.choice
        if self.spans:
            return ", ".join(f"{span.start_s:.1f} s to {span.end_s:.1f} s" for span in self.spans)
        if self.objects:
            return f"{len(self.objects)} object{'s' if len(self.objects) > 1 else ''}"
        return " ".join(self.text.split()) or "-"


@dataclass(frozen=True)
class Tracked(Checked):
    """The tracked objects of a question on one frame.

    Attributes:
        question: Its name.
        frame_idx: The frame; its number is above that of the question's `Tracked` before.
        time_s: Its time.
        objects: The objects that are there, each id once.
    """

    question: Name
    frame_idx: Idx
    time_s: Seconds
    objects: Annotated[tuple[FoundObject, ...], Each(Instance(FoundObject), 0, MAX_ITEMS)] = ()

    def __post_init__(self) -> None:
        """Check the ids too."""
        super().__post_init__()
        ids = [each.id for each in self.objects]
        if len(set(ids)) < len(ids):
            problem = FieldError("objects", f"expected each id once, got {ids}")
            raise self._refused(problem)


@dataclass(frozen=True)
class Gap(Checked):
    """Frames are missing: nothing is known of the time between.

    Attributes:
        start_s: The time of the last frame before.
        end_s: The time of the first frame after, or the latest time without one so far.
        cause: Why, such as "stalled".
    """

    start_s: Seconds
    end_s: Seconds
    cause: Name


@dataclass(frozen=True)
class Ended(Checked):
    """The stream is over; the last fact that an engine is told.

    Attributes:
        time_s: The time of its last frame, or later.
        cause: Why, such as "end of the stream".
    """

    time_s: Seconds
    cause: Name


@dataclass(frozen=True)
class Due(Checked):
    """A question is due. It stays so until it is asked or dropped.

    Attributes:
        question: Its name.
        frame_idx: The frame at which it became due.
        time_s: The time of that frame.
        why: "first", "every", "change" or "forced".
    """

    question: Name
    frame_idx: Idx
    time_s: Seconds
    why: Annotated[str, OneOf(("first", "every", "change", "forced"))]


@dataclass(frozen=True)
class Judged(Checked):
    """What an answer, or the objects of a frame, mean for a rule.

    Attributes:
        rule: Its name.
        frame_idx: The newest frame that the answer is about.
        time_s: The time of that frame.
        holds: Whether the condition holds.
        found: What was found, in words.
        num_holding: Of the latest answers, how many hold.
        num_answers: How many these answers are.
        state: "quiet": no event. "waiting": enough answers hold, but not for long enough. "start",
            "on" and "end" of an event. "cool-down": not counted, because an event has just ended.
    """

    rule: Name
    frame_idx: Idx
    time_s: Seconds
    holds: Annotated[bool, Instance(bool)]
    found: Words
    num_holding: Idx
    num_answers: Idx
    state: Annotated[str, OneOf(("quiet", "waiting", "start", "on", "end", "cool-down"))]


@dataclass(frozen=True)
class Crossed(Checked):
    """A tracked object has crossed a line.

    Attributes:
        rule: Name of the rule that counts.
        line: Name of the line.
        object_id: The object.
        direction: "in", "out", or "any" of a line without an inside.
        frame_idx: The first frame on which it is on the other side.
        time_s: The time of that frame.
        num_in: How many crossings in so far; of a line without an inside all of them.
        num_out: How many crossings out so far.
    """

    rule: Name
    line: Name
    object_id: Idx
    direction: Annotated[str, OneOf(("in", "out", "any"))]
    frame_idx: Idx
    time_s: Seconds
    num_in: Idx
    num_out: Idx


@dataclass(frozen=True)
class Event(Checked):
    """An edge of an event: its start or its end, which have the same id.

    Attributes:
        edge: "start" or "end".
        id: Its number: 1, 2 and so on in the order of the starts.
        rule: Name of the rule.
        known_s: The time at which the edge was known.
        start_s: When the event starts. Of a `locate` the end may have an earlier one than the
            start, as spans are merged.
        end_s: When it ends; None at its start.
        clip_start_s: When its clip starts: `pre_roll_s` before it.
        clip_end_s: When its clip ends: `post_roll_s` after it; None at its start.
        reason: Why this edge, in words.
        frame_idxs: The frames that are evidence of it, ascending.
        object_ids: Tracked objects that take part, ascending.
    """

    edge: Annotated[str, OneOf(("start", "end"))]
    id: Annotated[int, Integer(1)]
    rule: Name
    known_s: Seconds
    start_s: Seconds
    end_s: OptionalSeconds
    clip_start_s: Seconds
    clip_end_s: OptionalSeconds
    reason: Words
    frame_idxs: Idxs
    object_ids: Idxs


Input = Frame | Asked | Dropped | Failed | Answered | Tracked | Gap | Ended
Output = Due | Judged | Crossed | Event
Fact = Opened | Input | Output
