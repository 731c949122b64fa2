"""When one question is due."""

from __future__ import annotations

from ufvideo_sdk.tracking.event_detector import has_lasted
from ufvideo_sdk.watch.engine.facts import Asked, Frame
from ufvideo_sdk.watch.rules.rule import Schedule


class QuestionClock:
    """Decides at each frame whether a question is due, from stream time and changes alone.

    A question that is due stays so until it is asked or dropped, and is not due again meanwhile.
    Intervals count from the frame that it was asked about or dropped at.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Begin before the first frame."""
        self._schedule = schedule
        self._is_due = False
        self._last_s: float | None = None
        self._peak_change = 0.0
        self._unanswered: list[Asked] = []

    @property
    def is_due(self) -> bool:
        """Whether it is due and has neither been asked nor dropped."""
        return self._is_due

    @property
    def oldest_asked(self) -> Asked | None:
        """The asking that is answered next."""
        return self._unanswered[0] if self._unanswered else None

    def frame(self, frame: Frame) -> str | None:
        """Return why it becomes due at a frame: "first", "every", "change", "forced"; or None."""
        if frame.change is not None:
            self._peak_change = max(self._peak_change, frame.change)
        if self._is_due:
            return None
        why = self._why(frame.time_s)
        self._is_due = why is not None
        return why

    def asked(self, asked: Asked) -> None:
        """It was asked."""
        self._turn(asked.time_s)
        self._unanswered.append(asked)

    def dropped(self, time_s: float) -> None:
        """It was due and is given up for this turn."""
        self._turn(time_s)

    def answered(self) -> Asked:
        """Remove the oldest asking, which has its answer or will have none, and return it."""
        return self._unanswered.pop(0)

    def _turn(self, time_s: float) -> None:
        self._is_due = False
        self._last_s = time_s
        self._peak_change = 0.0

    def _why(self, time_s: float) -> str | None:
        schedule, last_s = self._schedule, self._last_s
        if last_s is None:
            return "first"
        is_time = has_lasted(last_s, time_s, schedule.every_s)
        if schedule.on_change is None:
            return "every" if is_time else None
        if is_time and self._peak_change >= schedule.on_change:
            return "change"
        forced_s = schedule.force_every_s
        is_forced = forced_s is not None and has_lasted(last_s, time_s, forced_s)
        return "forced" if is_forced else None
