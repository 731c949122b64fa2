"""Timelines for tests of the engine: frames, answers and tracks at given times."""

from __future__ import annotations

from typing import Any

from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Dropped,
    Ended,
    Event,
    Fact,
    FoundObject,
    FoundSpan,
    Frame,
    Gap,
    Tracked,
)

Box = tuple[float, float, float, float]


class Timeline:
    """Tells an engine facts, and keeps all facts with what they told, as a log has them."""

    def __init__(self, rules: str, camera: str = "door") -> None:
        self.engine = Engine(Rules.parse(rules))
        self.log: list[Fact] = [self.engine.opened(camera)]
        self.num_frames = 0

    def take(self, fact: Any) -> list[Fact]:
        told = self.engine.take(fact)
        self.log += [fact, *told]
        return list(told)

    def frame(self, time_s: float, change: float | None = None) -> list[Fact]:
        told = self.take(Frame(self.num_frames, time_s, change))
        self.num_frames += 1
        return told

    def ask(self, question: str, time_s: float, window_s: float = 4.0) -> int:
        """Take a frame and ask about the window that ends with it."""
        self.frame(time_s)
        idx = self.num_frames - 1
        self.take(Asked(question, idx, time_s, time_s - window_s))
        return idx

    def answer(self, question: str, time_s: float, answer: str) -> list[Fact]:
        """A frame, the question, and its answer."""
        idx = self.ask(question, time_s)
        choices = self.engine.rules.question(question).question.choices
        return self.take(Answered(question, idx, answer, answer if choices else None))

    def locate(
        self, question: str, window: tuple[float, float], *spans: tuple[float, float]
    ) -> list[Fact]:
        idx = self.ask(question, window[1], window[1] - window[0])
        found = tuple(FoundSpan(*span) for span in spans)
        return self.take(Answered(question, idx, "", spans=found))

    def track(self, question: str, time_s: float, **boxes: Box | tuple[float, float]) -> list[Fact]:
        """A frame with objects by id, `o1=(x, y)`, each a point or a box."""
        self.frame(time_s)
        objects = []
        for name, place in boxes.items():
            box = place if len(place) == 4 else (*place, *place)
            objects.append(FoundObject(int(name[1:]), *box))
        return self.take(Tracked(question, self.num_frames - 1, time_s, tuple(objects)))

    def drop(self, question: str, time_s: float, cause: str = "budget") -> list[Fact]:
        self.frame(time_s)
        return self.take(Dropped(question, self.num_frames - 1, time_s, cause))

    def gap(self, start_s: float, end_s: float) -> list[Fact]:
        return self.take(Gap(start_s, end_s, "the camera stalled"))

    def end(self, time_s: float) -> list[Fact]:
        return self.take(Ended(time_s, "the stream ended"))

    @property
    def edges(self) -> list[tuple[Any, ...]]:
        """Edges as (edge, id, rule, known, start, end)."""
        return [
            (e.edge, e.id, e.rule, e.known_s, e.start_s, e.end_s)
            for e in self.log
            if isinstance(e, Event)
        ]

    @property
    def events(self) -> list[tuple[Any, ...]]:
        """Whole events as (start, end, known at start, known at end)."""
        starts = {e.id: e.known_s for e in self.log if isinstance(e, Event) and e.edge == "start"}
        return [
            (e.start_s, e.end_s, starts[e.id], e.known_s)
            for e in self.log
            if isinstance(e, Event) and e.edge == "end"
        ]
