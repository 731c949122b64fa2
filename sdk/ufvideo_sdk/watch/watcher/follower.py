"""Follows one camera: frames to the model, what is due to the model, and every fact to who asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CapacityError, InferenceError, InputError, UFVideoError
from ufvideo_sdk.questions.question import QuestionKind
from ufvideo_sdk.watch.engine.engine import Engine
from ufvideo_sdk.watch.engine.facts import (
    Dropped,
    Ended,
    Event,
    Fact,
    Gap,
    Input,
)
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sources.capture import TakenFrame
from ufvideo_sdk.watch.watcher.asking import batches_of, cause_of
from ufvideo_sdk.watch.watcher.camera_view import CameraView
from ufvideo_sdk.watch.watcher.stage_clock import StageClock

_MAX_CAUSE = 256


class Follower:
    """Tells an engine what happens, and a listener every fact in the order of the log.

    A live camera and a replay are followed by the same code: they differ in who decides which
    questions are asked and when.
    """

    def __init__(
        self, camera: str, rules: Rules, view: CameraView, tell: Callable[[Fact], None]
    ) -> None:
        """Begin before the first frame.

        Args:
            camera: Name of the camera.
            rules: What is asked, and what makes events.
            view: The camera's window of the model.
            tell: Is called with every fact.
        """
        self.view = view
        self.clock = StageClock()
        self._camera = camera
        self._engine = Engine(rules)
        self._tell = tell
        self._last_s: float | None = None
        self._last_idx = -1

    @property
    def due(self) -> tuple[WatchedQuestion, ...]:
        """The questions that are due now, in the order of the file."""
        return self._engine.due

    def question(self, name: str) -> WatchedQuestion:
        """Return a question by its name.

        Raises:
            InputError: When the rules have none of that name.
        """
        try:
            return self._engine.rules.question(name)
        except KeyError:
            raise InputError(f"rules: expected the question {name!r}, found none") from None

    @property
    def under_way(self) -> tuple[Event, ...]:
        """Starts of the events that are under way."""
        return self._engine.under_way

    @property
    def last_s(self) -> float | None:
        """Stream time of the newest frame; None before the first one."""
        return self._last_s

    def open(self) -> None:
        """Tell the first fact."""
        self._tell(self._engine.opened(self._camera))

    def frame(self, taken: TakenFrame, on_frame: Callable[[int], None] | None = None) -> bool:
        """Look at a frame.

        Args:
            taken: The frame.
            on_frame: Is called with the frame's number before the fact is told.

        Returns:
            Whether it was looked at. A frame that makes a graph fail, or for which memory runs
            out, is a gap.
        """
        if not self.view.fits(taken.pixels):
            self.gap(self._last_s or 0.0, taken.time_s, "another size")
        try:
            with self.clock.timed("push"):
                fact = self.view.push(taken)
        except (CapacityError, InferenceError) as error:
            self.gap(self._last_s or 0.0, taken.time_s, cause_of(error))
            return False
        if on_frame is not None:
            on_frame(fact.frame_idx)
        self._last_s, self._last_idx = taken.time_s, fact.frame_idx
        self.take(fact)
        return True

    def track(self, cancel: CancellationToken) -> UFVideoError | None:
        """Carry tracked objects on; an error is returned, and the next call goes on."""
        try:
            with self.clock.timed("track"):
                told = self.view.track(cancel)
        except UFVideoError as error:
            self.view.recover()
            return error
        for fact in told:
            self.take(fact)
        return None

    def ask(
        self,
        questions: Sequence[WatchedQuestion],
        cancel: CancellationToken,
    ) -> None:
        """Ask questions that are due about the window as it is.

        Args:
            questions: In the order of the file.
            cancel: What ends them early.
        """
        for batch in batches_of(questions):
            for each in batch:
                self.take(self.view.asked(each))
            with self.clock.timed("ask"):
                results = self.view.ask(batch, cancel)
            for result in results:
                self.take(result)

    def drop(self, question: WatchedQuestion, cause: str) -> None:
        """Give up a question that is due for this turn."""
        self.take(Dropped(question.name, self._last_idx, self._last_s or 0.0, cause))

    def gap(self, start_s: float, end_s: float, cause: str) -> None:
        """Frames are missing: the window and the tracks begin anew."""
        start_s = start_s if self._last_s is None else max(start_s, self._last_s)
        self.view.begin_anew()
        self.take(Gap(start_s, max(start_s, end_s), cause[:_MAX_CAUSE] or "unknown"))

    def ended(self, time_s: float, cause: str) -> None:
        """The stream is over."""
        last_s = time_s if self._last_s is None else self._last_s
        self.take(Ended(max(time_s, last_s), cause[:_MAX_CAUSE] or "unknown"))

    def take(self, fact: Input) -> None:
        """Tell the engine and the listener a fact, and the listener what follows."""
        told = self._engine.take(fact)
        self._tell(fact)
        for each in told:
            self._tell(each)


def tracked_of(rules: Rules) -> tuple[WatchedQuestion, ...]:
    """The questions of the kind `track`."""
    return tuple(each for each in rules.questions if each.question.kind is QuestionKind.TRACK)
