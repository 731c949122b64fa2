"""Events that were told beside events that should be."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from training.evaluate.watch.expected import Expected
from training.streams.stream_truth import Span
from ufvideo_sdk.watch import Event
from ufvideo_sdk.watch.engine.facts import Fact

_FEWEST_FOR_P95 = 20


@dataclass(frozen=True)
class FoundEvent:
    """An event that was told.

    Attributes:
        start_s: When it starts, seconds of the stream.
        end_s: When it ends.
        known_s: When it was known that it started.
        ended_known_s: When it was known that it ended.
    """

    start_s: float
    end_s: float
    known_s: float
    ended_known_s: float


@dataclass(frozen=True)
class Matches:
    """What became of the events of one rule, or of several.

    Attributes:
        num_expected: Events that should be told.
        num_right: Those of them that were.
        num_wrong: Events that were told and should not be, such as an event told twice.
        num_optional: Events that might be told, and were.
        delays_s: From the start of each event that was told to when it was known.
        end_delays_s: The same of its end.
    """

    num_expected: int = 0
    num_right: int = 0
    num_wrong: int = 0
    num_optional: int = 0
    delays_s: tuple[float, ...] = field(default=(), repr=False)
    end_delays_s: tuple[float, ...] = field(default=(), repr=False)

    def __add__(self, other: Matches) -> Matches:
        return Matches(
            self.num_expected + other.num_expected,
            self.num_right + other.num_right,
            self.num_wrong + other.num_wrong,
            self.num_optional + other.num_optional,
            self.delays_s + other.delays_s,
            self.end_delays_s + other.end_delays_s,
        )

    @property
    def precision(self) -> float | None:
        """The part of told events that are right; None if none was told."""
        told = self.num_right + self.num_wrong
        return self.num_right / told if told else None

    @property
    def recall(self) -> float | None:
        """The part of events that were told; None if there was none."""
        return self.num_right / self.num_expected if self.num_expected else None

    @property
    def delay_s(self) -> float | None:
        """Median of the delays."""
        return statistics.median(self.delays_s) if self.delays_s else None

    @property
    def late_s(self) -> float | None:
        """95th percentile of the delays; None if they are too few for one."""
        few = len(self.delays_s) < _FEWEST_FOR_P95
        return None if few else float(np.percentile(self.delays_s, 95))

    @property
    def end_delay_s(self) -> float | None:
        """Median of the ends' delays."""
        return statistics.median(self.end_delays_s) if self.end_delays_s else None


def events_of(facts: Iterable[Fact], rule: str) -> list[FoundEvent]:
    """Return the events of a rule, in the order of their starts."""
    starts: dict[int, Event] = {}
    found = []
    for fact in facts:
        if isinstance(fact, Event) and fact.rule == rule:
            if fact.edge == "start":
                starts[fact.id] = fact
            elif fact.end_s is not None:
                start = starts.pop(fact.id)
                # Of a located event the end knows better when it started.
                known = (start.known_s, fact.known_s)
                found.append(FoundEvent(fact.start_s, fact.end_s, *known))
    found += [FoundEvent(s.start_s, s.known_s, s.known_s, s.known_s) for s in starts.values()]
    return sorted(found, key=lambda event: event.start_s)


def match(found: Sequence[FoundEvent], expected: Expected) -> Matches:
    """Match the events of a rule with those that it should tell, one with one, in order of time.

    Args:
        found: What was told.
        expected: What should be.
    """
    is_open = [True] * len(expected.spans)
    delays_s: list[float] = []
    end_delays_s: list[float] = []
    num_wrong = num_optional = 0
    for event in found:
        numbers = [i for i, span in enumerate(expected.spans) if _meets(event, span, expected)]
        free = next((i for i in numbers if is_open[i]), None)
        if free is not None:
            is_open[free] = False
            start_s, end_s = expected.spans[free]
            delays_s.append(event.known_s - start_s)
            end_delays_s.append(event.ended_known_s - end_s)
        elif any(_meets(event, span, expected) for span in expected.optional):
            num_optional += 1
        else:
            num_wrong += 1
    return Matches(
        len(expected.spans),
        is_open.count(False),
        num_wrong,
        num_optional,
        tuple(delays_s),
        tuple(end_delays_s),
    )


def _meets(event: FoundEvent, span: Span, expected: Expected) -> bool:
    """Whether an event lies where a span is."""
    return (
        event.start_s <= span[1] + expected.after_s and event.end_s >= span[0] - expected.before_s
    )
