"""From the facts of a recording to those of its replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Ended,
    Failed,
    Frame,
    Gap,
    Input,
    Tracked,
)
from ufvideo_sdk.watch.recording.recorded_frames import RecordedFrame
from ufvideo_sdk.watch.watcher.camera import STOPPED
from ufvideo_sdk.watch.watcher.follower import Follower


@dataclass
class ReplayReport:
    """What a replay found.

    Attributes:
        differences: What this machine or package differs in from the recording's; none: the bytes
            are those of the recording.
        num_frames: Frames that were looked at.
        num_missing: Frames whose packets are there no more: facts about them are the log's.
        num_changed: Frames whose pixels are not those that were looked at.
        stream_s: Seconds of the stream.
        is_as_logged: Whether questions were asked and dropped as the log says.
        is_broken_off: Whether the recording ends without the end of its stream, as of a process
            that was killed.
    """

    differences: list[str] = field(default_factory=list)
    num_frames: int = 0
    num_missing: int = 0
    num_changed: int = 0
    stream_s: float = 0.0
    is_as_logged: bool = True
    is_broken_off: bool = False


class FramesByIndex:
    """Frames of a recording by their number, which rises."""

    def __init__(self, frames: Iterator[RecordedFrame]) -> None:
        """Begin before the first frame."""
        self._frames = frames

    def frame(self, frame_idx: int) -> RecordedFrame:
        """Return a frame.

        Raises:
            InputError: When it is not among those that were taken.
        """
        for frame in self._frames:
            if frame.frame_idx == frame_idx:
                return frame
            if frame.frame_idx > frame_idx:
                break
        raise InputError(f"recording: expected frame {frame_idx} among those that were taken")


class _Facts:
    """What both ways of replaying have in common."""

    def __init__(
        self,
        follower: Follower,
        frames: FramesByIndex,
        report: ReplayReport,
        cancel: CancellationToken,
    ) -> None:
        """Begin before the first fact.

        Args:
            follower: Asks the model and tells the facts.
            frames: Of the recording.
            report: Is filled.
            cancel: What ends a question early.
        """
        self._follower = follower
        self._frames = frames
        self._report = report
        self._cancel = cancel

    def _recorded(self, fact: Frame) -> RecordedFrame:
        found = self._frames.frame(fact.frame_idx)
        self._report.num_frames += 1
        self._report.stream_s = fact.time_s
        self._report.num_missing += found.taken is None
        self._report.num_changed += found.taken is not None and not found.is_same
        return found


class AskedAnew(_Facts):
    """Asks its own questions, as a machine would that is fast enough."""

    def take(self, fact: Input) -> None:
        """Take what the camera gave from a fact of the log."""
        if isinstance(fact, Frame):
            self._frame(fact)
        elif isinstance(fact, Gap):
            self._follower.gap(fact.start_s, fact.end_s, fact.cause)
        elif isinstance(fact, Ended):
            if fact.cause != STOPPED and self._follower.view.has_window:
                self._ask()
            self._follower.ended(fact.time_s, fact.cause)

    def finish(self) -> None:
        """The log is over."""

    def _frame(self, fact: Frame) -> None:
        taken = self._recorded(fact).taken
        if taken is None:
            self._follower.view.begin_anew(fact.frame_idx + 1)
            return
        if not self._follower.frame(taken):
            return
        error = self._follower.track(self._cancel)
        if error is not None:
            raise error
        if self._follower.view.can_ask:
            self._ask()

    def _ask(self) -> None:
        due = self._follower.due
        if due:
            self._follower.ask(due, self._cancel)


class AsLogged(_Facts):
    """Asks what the log says was asked, and drops what it says was dropped.

    Where packets are there no more, what needs them is the log's.
    """

    def __init__(
        self,
        follower: Follower,
        frames: FramesByIndex,
        report: ReplayReport,
        cancel: CancellationToken,
    ) -> None:
        """Begin before the first fact; see the base."""
        super().__init__(follower, frames, report, cancel)
        # A batch of questions, and the tracked objects of a frame, are each one call of the model.
        self._asked: list[Asked] = []
        self._results: list[Answered | Failed] = []
        self._tracked: list[Tracked] = []
        # Number of the first frame since the window began anew, there; and whether all of its
        # frames are here.
        self._first_idx: int | None = None
        self._is_whole = True
        self._has_begun_late = False

    def take(self, fact: Input) -> None:
        """Do again what a fact of the log says."""
        if isinstance(fact, Tracked):
            if self._tracked and self._tracked[0].frame_idx != fact.frame_idx:
                self._carry_on()
            self._tracked.append(fact)
            return
        self._carry_on()
        if isinstance(fact, Asked):
            self._asked.append(fact)
        elif isinstance(fact, (Answered, Failed)) and self._asked:
            self._results.append(fact)
            if len(self._results) == len(self._asked):
                self._ask()
        elif isinstance(fact, Frame):
            self._frame(fact)
        elif isinstance(fact, Gap):
            self._follower.view.begin_anew()
            self._first_idx, self._is_whole = None, True
            self._follower.take(fact)
        else:
            self._follower.take(fact)

    def finish(self) -> None:
        """The log is over; it may break off within a batch."""
        self._carry_on()
        self._ask()

    def _frame(self, fact: Frame) -> None:
        if self._first_idx is None:
            self._first_idx = fact.frame_idx
        taken, view = self._recorded(fact).taken, self._follower.view
        is_second = (fact.frame_idx - self._first_idx) % 2 == 1
        is_first_here = not self._is_whole and not view.num_frames
        # The aligner joins frames in pairs: the first one here must be the first of a pair.
        if taken is None or (is_first_here and is_second):
            self._is_whole = False
            view.begin_anew(fact.frame_idx + 1)
            self._follower.take(fact)
        elif is_first_here:
            # How much it differs from the frame before is not known here.
            view.push(taken)
            self._follower.take(fact)
        else:
            self._follower.frame(taken)

    def _ask(self) -> None:
        asked, results = self._asked, self._results
        self._asked, self._results = [], []
        if not asked:
            return
        questions = [self._follower.question(each.question) for each in asked]
        view = self._follower.view
        is_here = view.has_window and all(
            view.asked(question) == each for question, each in zip(questions, asked, strict=True)
        )
        for each in asked:
            self._follower.take(each)
        answers = results
        if results and is_here and not all(isinstance(each, Failed) for each in results):
            answers = view.ask(questions, self._cancel)
        for logged, answer in zip(results, answers, strict=False):
            self._follower.take(logged if isinstance(logged, Failed) else answer)

    def _carry_on(self) -> None:
        logged, self._tracked = self._tracked, []
        if not logged:
            return
        told = logged
        if self._is_whole:
            names = {each.question for each in logged}
            found = self._follower.view.track(self._cancel)
            told = [each for each in found if each.question in names]
        for each in told:
            self._follower.take(each)
