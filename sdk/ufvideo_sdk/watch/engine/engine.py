"""From facts about a stream to questions that are due and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ufvideo_sdk.errors import InputError, StateError
from ufvideo_sdk.questions.question import QuestionKind
from ufvideo_sdk.validation.arguments import check_instance, described
from ufvideo_sdk.watch.engine.facts import (
    FORMAT_VERSION,
    Answered,
    Asked,
    Dropped,
    Due,
    Ended,
    Event,
    Failed,
    Frame,
    Gap,
    Input,
    Opened,
    Output,
    Tracked,
)
from ufvideo_sdk.watch.engine.question_clock import QuestionClock
from ufvideo_sdk.watch.engine.rule_state import RuleState
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.rules.rules import Rules

Told = tuple[Output, ...]


class Engine:
    """Tells what is due and what happened on one camera; see the package for the whole contract.

    A fact that is refused changes nothing.
    """

    def __init__(self, rules: Rules) -> None:
        """Begin before the first frame.

        Args:
            rules: What is asked, and what makes an event.

        Raises:
            InputError: When they are no rules.
        """
        check_instance(rules, "rules", Rules)
        self._rules = rules
        self._num_events = 0
        self._frame: Frame | None = None
        self._is_over = False
        self._questions = {each.name: each for each in rules.questions}
        self._clocks = {
            each.name: QuestionClock(each.schedule)
            for each in rules.questions
            if each.schedule is not None
        }
        self._last_tracked: dict[str, int] = {}
        self._states = [
            RuleState(rule, self._next_id, is_tracked=rule.question not in self._clocks)
            for rule in rules.rules
        ]
        self._handlers: dict[type, Callable[[Any], Told]] = {
            Frame: self._take_frame,
            Asked: self._take_asked,
            Dropped: self._take_dropped,
            Failed: self._take_failed,
            Answered: self._take_answered,
            Tracked: self._take_tracked,
            Gap: self._take_gap,
            Ended: self._take_ended,
        }

    @property
    def rules(self) -> Rules:
        """What it follows."""
        return self._rules

    @property
    def due(self) -> tuple[WatchedQuestion, ...]:
        """The questions that are due now, in the order of the file."""
        return tuple(self._questions[name] for name, clock in self._clocks.items() if clock.is_due)

    @property
    def under_way(self) -> tuple[Event, ...]:
        """The starts of the events that are under way, in the order of the rules."""
        found = (state.under_way for state in self._states)
        return tuple(event for event in found if event is not None)

    def opened(self, camera: str) -> Opened:
        """Return the first fact of a log.

        Args:
            camera: Name of the camera; no credential may be part of it.

        Raises:
            InputError: When it is no name.
        """
        return Opened(FORMAT_VERSION, camera, self._rules.name, self._rules.text)

    def take(self, fact: Input) -> Told:
        """Take one more fact.

        Args:
            fact: A Frame, Asked, Dropped, Failed, Answered, Tracked, Gap or Ended.

        Returns:
            What it tells, in the order in which it belongs into the log.

        Raises:
            InputError: When it contradicts the facts before it.
            StateError: When the stream has ended, or a question is asked that is not due.
        """
        handler = self._handlers.get(type(fact))
        if handler is None:
            names = ", ".join(kind.__name__ for kind in self._handlers)
            raise InputError(f"fact: expected one of {names}, got {described(fact)}")
        if self._is_over:
            name = type(fact).__name__
            raise StateError(f"expected no fact after the stream's end, got {name}")
        return handler(fact)

    def _next_id(self) -> int:
        self._num_events += 1
        return self._num_events

    def _take_frame(self, frame: Frame) -> Told:
        last = self._frame
        if last is not None and frame.frame_idx <= last.frame_idx:
            expected = f"a frame_idx above {last.frame_idx}"
            raise InputError(f"frame: expected {expected}, got {frame.frame_idx}")
        if last is not None and frame.time_s <= last.time_s:
            expected = f"a time_s later than {last.time_s}"
            raise InputError(f"frame: expected {expected}, got {frame.time_s}")
        self._frame = frame
        told = []
        for name, clock in self._clocks.items():
            why = clock.frame(frame)
            if why is not None:
                told.append(Due(name, frame.frame_idx, frame.time_s, why))
        return tuple(told)

    def _take_asked(self, asked: Asked) -> Told:
        clock = self._clock(asked)
        self._check_taken(asked)
        if asked.window_start_s > asked.time_s:
            raise InputError(f"asked: expected window_start_s up to time_s, got {asked}")
        self._check_due(clock, asked)
        clock.asked(asked)
        return ()

    def _take_dropped(self, dropped: Dropped) -> Told:
        clock = self._clock(dropped)
        self._check_taken(dropped)
        self._check_due(clock, dropped)
        clock.dropped(dropped.time_s)
        return ()

    def _take_failed(self, failed: Failed) -> Told:
        clock = self._clock(failed)
        self._check_asked(clock, failed)
        clock.answered()
        return ()

    def _take_answered(self, answered: Answered) -> Told:
        clock = self._clock(answered)
        self._check_asked(clock, answered)
        question = self._questions[answered.question].question
        if question.choices and answered.choice not in (None, *question.choices):
            expected = f"one of the choices {', '.join(question.choices)}"
            raise InputError(f"answered: expected {expected}, got {described(answered.choice)}")
        asked = clock.answered()
        states = self._states_of(answered.question)
        return tuple(told for state in states for told in state.answered(asked, answered))

    def _take_tracked(self, tracked: Tracked) -> Told:
        question = self._questions.get(tracked.question)
        if question is None or question.question.kind is not QuestionKind.TRACK:
            expected = "a question of the kind track"
            raise InputError(f"tracked: expected {expected}, got {described(tracked.question)}")
        self._check_taken(tracked)
        last_idx = self._last_tracked.get(tracked.question, -1)
        if tracked.frame_idx <= last_idx:
            expected = f"a frame_idx above {last_idx}"
            raise InputError(f"tracked: expected {expected}, got {tracked.frame_idx}")
        self._last_tracked[tracked.question] = tracked.frame_idx
        states = self._states_of(tracked.question)
        return tuple(told for state in states for told in state.tracked(tracked))

    def _take_gap(self, gap: Gap) -> Told:
        last_s = self._frame.time_s if self._frame is not None else gap.start_s
        if not last_s <= gap.start_s <= gap.end_s:
            raise InputError(f"gap: expected {last_s} <= start_s <= end_s, got {gap}")
        return self._interrupt(gap.end_s, gap.cause)

    def _take_ended(self, ended: Ended) -> Told:
        if self._frame is not None and ended.time_s < self._frame.time_s:
            expected = f"a time_s of {self._frame.time_s} or later"
            raise InputError(f"ended: expected {expected}, got {ended.time_s}")
        self._is_over = True
        return self._interrupt(ended.time_s, ended.cause)

    def _interrupt(self, known_s: float, cause: str) -> Told:
        return tuple(told for state in self._states for told in state.interrupt(known_s, cause))

    def _states_of(self, question: str) -> list[RuleState]:
        """The rules about a question, in the order of the file."""
        return [state for state in self._states if state.rule.question == question]

    def _check_due(self, clock: QuestionClock, fact: Asked | Dropped) -> None:
        """Refuse a turn of a question that is not due."""
        if not clock.is_due:
            expected = "a question that is due"
            raise StateError(f"{fact.kind()}: expected {expected}, got {fact.question}")

    def _check_asked(self, clock: QuestionClock, fact: Answered | Failed) -> None:
        """Refuse the end of an asking that is not the oldest one."""
        kind, oldest = fact.kind(), clock.oldest_asked
        if oldest is None:
            raise StateError(f"{kind}: expected a question that was asked, got {fact.question}")
        if fact.frame_idx != oldest.frame_idx:
            expected = f"frame_idx {oldest.frame_idx}, as it was asked"
            raise InputError(f"{kind}: expected {expected}, got {fact.frame_idx}")

    def _clock(self, fact: Asked | Dropped | Failed | Answered) -> QuestionClock:
        clock = self._clocks.get(fact.question)
        if clock is None:
            known = ", ".join(self._clocks) or "none"
            expected = f"a question that is asked ({known})"
            raise InputError(f"{fact.kind()}: expected {expected}, got {fact.question!r}")
        return clock

    def _check_taken(self, fact: Asked | Dropped | Tracked) -> None:
        """Refuse a frame that has not been taken."""
        frame = self._frame
        if frame is None or fact.frame_idx > frame.frame_idx or fact.time_s > frame.time_s:
            latest = f"{frame.frame_idx} at {frame.time_s} s" if frame is not None else "none"
            raise InputError(
                f"{fact.kind()}: expected a frame that was taken (the latest is {latest}), got"
                f" {fact.frame_idx} at {fact.time_s} s"
            )
