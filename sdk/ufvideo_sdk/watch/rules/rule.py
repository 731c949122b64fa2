"""What a file of rules says, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ufvideo_sdk.questions.question import Question
from ufvideo_sdk.questions.shapes import Area, Line


@dataclass(frozen=True)
class Schedule:
    """When a question is asked; all times are stream time.

    Attributes:
        every_s: Seconds from one asking to the next; with `on_change` the shortest interval, 0.0
            for no bound.
        on_change: It is asked when the largest `Frame.change` since it was asked reaches this;
            None: every `every_s`, whatever changes.
        force_every_s: With `on_change`: seconds after which it is asked without a change too.
    """

    every_s: float
    on_change: float | None = None
    force_every_s: float | None = None


@dataclass(frozen=True)
class WatchedQuestion:
    """A question of the file.

    Attributes:
        name: Its name; a question that is written in a rule has the rule's name.
        question: What is asked.
        schedule: When; None for a question of the kind `track`, which is carried on every frame.
    """

    name: str
    question: Question
    schedule: Schedule | None


@dataclass(frozen=True)
class Confirmation:
    """How often a condition must hold until an event starts.

    Attributes:
        num_holding: How many of the latest answers must hold.
        num_answers: How many latest answers are counted.
        for_s: Seconds for which the condition must have held.
    """

    num_holding: int = 1
    num_answers: int = 1
    for_s: float = 0.0


@dataclass(frozen=True)
class AnswerIs:
    """Holds if the answer is one of some texts, whatever their letter case.

    Attributes:
        texts: The texts, of the question's choices.
    """

    texts: tuple[str, ...]


@dataclass(frozen=True)
class NumberIs:
    """Holds if a number lies within bounds.

    Attributes:
        at_least: Lower bound; None without one.
        at_most: Upper bound; None without one.
    """

    at_least: int | None
    at_most: int | None

    def holds(self, number: int) -> bool:
        """Whether a number lies within the bounds."""
        is_enough = self.at_least is None or number >= self.at_least
        return is_enough and (self.at_most is None or number <= self.at_most)

    def __str__(self) -> str:
        """As people say it: "at least 2"."""
        if self.at_least == self.at_most:
            return f"exactly {self.at_least}"
        low = f"at least {self.at_least}" if self.at_least is not None else ""
        high = f"at most {self.at_most}" if self.at_most is not None else ""
        return " and ".join(filter(None, (low, high)))


@dataclass(frozen=True)
class TextHas:
    """Holds if the answer contains one of some texts or matches an expression.

    Attributes:
        contains: Texts, compared whatever their letter case; none if there is an expression.
        matches: A regular expression that is searched for; None if there are texts.
    """

    contains: tuple[str, ...]
    matches: re.Pattern[str] | None


@dataclass(frozen=True)
class Spans:
    """Makes an event of the spans of a located event, merged over overlapping windows.

    Attributes:
        merge_gap_s: Spans with at most so many seconds between them are one event.
    """

    merge_gap_s: float


@dataclass(frozen=True)
class Presence:
    """Holds if so many objects are in a zone.

    Attributes:
        zone: The zone; None: anywhere in the picture.
        zone_name: Its name in the file; empty without one.
        number: How many objects.
        anchor: Which point of an object's box counts, "center" or "bottom".
        dwell_s: An object counts when it has been in the zone for so many seconds (`track` only).
        lost_s: An object that is not seen for so many seconds has left (`track` only).
    """

    zone: Area | None
    zone_name: str
    number: NumberIs
    anchor: str
    dwell_s: float = 0.0
    lost_s: float = 0.0


@dataclass(frozen=True)
class Crossing:
    """Makes an event of each crossing of a line.

    Attributes:
        line: The line.
        line_name: Its name in the file.
        direction: "in", "out" or "any".
        anchor: Which point of an object's box counts, "center" or "bottom".
        settle_s: A crossing counts when the object has stayed on the other side for so long.
    """

    line: Line
    line_name: str
    direction: str
    anchor: str
    settle_s: float


Condition = AnswerIs | NumberIs | TextHas | Spans | Presence | Crossing


@dataclass(frozen=True)
class Rule:
    """What makes an event.

    Attributes:
        name: Its name in the file.
        question: Name of its question (`WatchedQuestion.name`).
        condition: What must hold.
        confirmation: How often.
        cool_down_s: After an event's end no other one starts for so many seconds.
        pre_roll_s: So many seconds before an event belong to its clip.
        post_roll_s: So many seconds after it.
        sinks: Names of the sinks that its events go to; None: to all of the file.
        cameras: Names of the cameras that it is about; empty: all of them.
    """

    name: str
    question: str
    condition: Condition
    confirmation: Confirmation
    cool_down_s: float
    pre_roll_s: float
    post_roll_s: float
    sinks: tuple[str, ...] | None = None
    cameras: tuple[str, ...] = ()

    def goes_to(self, sink: str) -> bool:
        """Whether its events go to a sink of the file."""
        return self.sinks is None or sink in self.sinks
