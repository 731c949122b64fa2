"""One camera that is watched: its capture, its window of the model, its recording and its sinks."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CapacityError, StateError
from ufvideo_sdk.watch.engine.facts import Event, Fact
from ufvideo_sdk.watch.recording.recorder import Recorder
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.sink import Sink
from ufvideo_sdk.watch.sources.capture import (
    Capture,
    CaptureEnded,
    CaptureGap,
    CaptureItem,
    CaptureNotice,
    TakenFrame,
)
from ufvideo_sdk.watch.watcher.asking import cause_of
from ufvideo_sdk.watch.watcher.budget import CAUSE, Budget, machine_use
from ufvideo_sdk.watch.watcher.camera_event import CameraEvent, CameraNotice
from ufvideo_sdk.watch.watcher.camera_state import CameraState
from ufvideo_sdk.watch.watcher.camera_view import CameraView
from ufvideo_sdk.watch.watcher.follower import Follower

# Frames of a live camera that one turn looks at, so that others have theirs.
_MOST_FRAMES = 64
# Where looking at a frame takes as long as until the next one comes, a turn would never end.
_LONGEST_LOOK_S = 0.5
STOPPED = "stopped"


@dataclass
class CameraParts:
    """What a camera is made of.

    Attributes:
        name: Its name.
        rules: Its rules.
        view: Its window of the model.
        state: What is shown of it.
        capture: What is read.
        recorder: Its recording; None: it is not recorded.
        sinks: Who is told its facts.
        is_real_time: Whether a file is played no faster than real time.
    """

    name: str
    rules: Rules
    view: CameraView
    state: CameraState
    capture: Capture
    recorder: Recorder | None
    sinks: Sequence[Sink]
    is_real_time: bool = False


class Camera:
    """Takes turns with other cameras: what waits is looked at, then what is due is asked."""

    def __init__(self, parts: CameraParts, budget: Budget, cancel: CancellationToken) -> None:
        """Tell the first fact.

        Args:
            parts: What it is made of; it is closed with the camera.
            budget: How much of the machine may be used.
            cancel: What ends questions early.
        """
        self.parts = parts
        self.state = parts.state
        self.told: deque[CameraEvent | CameraNotice] = deque()
        self.is_over = False
        self._budget = budget
        self._cancel = cancel
        self._waiting: CaptureItem | None = None
        # A file that is not played in real time: it loses nothing by waiting.
        self._waits_for_us = False
        self._dropped: Counter[str] = Counter()
        self._is_tracking_lost = False
        self._stride = 1
        # When the newest frame came, seconds since 1970; None: its clock is another one.
        self._arrived_s: float | None = None
        self.recorder = parts.recorder
        self.follower = Follower(parts.name, parts.rules, parts.view, self._tell)
        self.follower.open()

    def wait(self, timeout_s: float) -> None:
        """Wait until something comes from the capture."""
        if self._waiting is None and not self.is_over:
            self._waiting = self._taken(timeout_s)

    def turn(self) -> bool:
        """Look at what waits, and ask what is due; False if nothing has come."""
        if self.is_over or self.holds_back:
            return False
        num_frames = num_items = 0
        began_s = time.monotonic()
        while num_frames < _MOST_FRAMES:
            item = self._taken(0.0)
            if item is None:
                break
            num_items += 1
            self._handle(item)
            if self.is_over:
                return True
            if isinstance(item, TakenFrame):
                num_frames += 1
                # A file waits for its reader: each of its frames has a turn of its own.
                self._waits_for_us = item.clock == "file" and not self.parts.is_real_time
                if self._waits_for_us or self._is_overdue(began_s):
                    break
        if num_frames:
            self._ask_due()
            self._look_after_recording()
        return num_items > 0

    def _is_overdue(self, began_s: float) -> bool:
        """Whether a turn is long enough already and has something to ask."""
        is_long = time.monotonic() - began_s >= _LONGEST_LOOK_S
        return is_long and self.parts.view.can_ask and bool(self.follower.due)

    @property
    def holds_back(self) -> bool:
        """Whether it waits for the budget, and its source for it."""
        return self._waits_for_us and self._budget.is_in_debt

    def finish(self, cause: str) -> None:
        """End the camera if it has not ended by itself."""
        if not self.is_over:
            self.is_over = True
            last_s = self.follower.last_s or 0.0
            self._tell_drops(last_s)
            self.follower.ended(last_s, cause)

    def close(self, timeout_s: float) -> None:
        """Close the capture, the sinks and the recording.

        Args:
            timeout_s: Longest wait for a sink.
        """
        self.parts.capture.close()
        for sink in self.parts.sinks:
            sink.close(timeout_s)
        if self.parts.recorder is not None:
            self.parts.recorder.close()
        self.parts.view.close()

    def notice(self, kind: str, text: str) -> None:
        """Tell something that a person wants to know."""
        self._notice(CaptureNotice(kind, self.follower.last_s or 0.0, text))

    def _taken(self, timeout_s: float) -> CaptureItem | None:
        item, self._waiting = self._waiting, None
        if item is not None:
            return item
        try:
            return self.parts.capture.take(timeout_s)
        except CapacityError as error:
            self.notice("memory", cause_of(error))
            return None

    def _handle(self, item: CaptureItem) -> None:
        if isinstance(item, TakenFrame):
            self._frame(item)
        elif isinstance(item, CaptureGap):
            self._tell_drops(item.start_s)
            self.follower.gap(item.start_s, item.end_s, item.cause)
        elif isinstance(item, CaptureNotice):
            self._notice(item)
        elif isinstance(item, CaptureEnded):
            # What has waited for a whole window is asked about what there is.
            if self.follower.view.has_window:
                self._ask(self.follower.due)
            self.is_over = True
            self._tell_drops(item.time_s)
            self.follower.ended(item.time_s, item.cause)

    def _frame(self, taken: TakenFrame) -> None:
        last_s = self.follower.last_s
        if last_s is not None and taken.time_s <= last_s:
            self._drop_frame("late")
            return
        if not self._waits_for_us:
            self._say_stride()
            if not self._budget.takes_frame():
                self._drop_frame(CAUSE)
                return
        self.state.taken(taken)
        self._arrived_s = taken.wall_s if taken.clock == "arrival" else None
        recorder = self.recorder
        on_frame = None if recorder is None else lambda idx: recorder.frame(idx, taken)
        if not self.follower.frame(taken, on_frame):
            return
        error = self.follower.track(self._cancel)
        if error is not None and not self._is_tracking_lost:
            self.notice("tracking", cause_of(error))
        self._is_tracking_lost = error is not None

    def _drop_frame(self, cause: str) -> None:
        self._dropped[cause] += 1
        self.state.dropped[cause] += 1

    def _ask_due(self) -> None:
        due = self.follower.due
        if not due or not self.parts.view.can_ask:
            return
        names = [each.name for each in due]
        num_asked = len(due) if self._waits_for_us else self._budget.affordable(names)
        for each in due[num_asked:]:
            self.follower.drop(each, CAUSE)
        self._ask(due[:num_asked])

    def _ask(self, questions: Sequence[WatchedQuestion]) -> None:
        if not questions:
            return
        before_s = machine_use().used_s
        self.follower.ask(questions, self._cancel)
        if self._arrived_s is not None:
            self.follower.clock.add("delay", max(time.time() - self._arrived_s, 0.0))
        self._budget.spent([q.name for q in questions], machine_use().used_s - before_s)

    def _say_stride(self) -> None:
        """Say when frames give way to the budget, and when they no longer do."""
        stride, before = self._budget.stride, self._stride
        if stride == before:
            return
        self._stride = stride
        if stride == 1:
            self.notice(CAUSE, "every frame is looked at again")
        else:
            self.notice(CAUSE, f"frames give way: one of {stride} is looked at")

    def _look_after_recording(self) -> None:
        """Say when the recording could not go on."""
        recorder = self.recorder
        if recorder is not None and recorder.problem is not None:
            problem, self.recorder = recorder.problem, None
            recorder.close()
            self.notice("disk", f"the recording has ended: {problem}")

    def _tell(self, fact: Fact) -> None:
        """The recording first, then everyone else."""
        recorder = self.recorder
        if recorder is not None:
            recorder.fact(fact)
        self.state.fact(fact)
        for sink in self.parts.sinks:
            sink.take(fact)
        if isinstance(fact, Event):
            time_s = fact.start_s if fact.end_s is None else fact.end_s
            self.told.append(CameraEvent(self.parts.name, fact, self.state.wall_s(time_s)))

    def _notice(self, notice: CaptureNotice) -> None:
        recorder = self.recorder
        if recorder is not None:
            recorder.notice(notice)
        self.state.notice(notice)
        for sink in self.parts.sinks:
            sink.notice(notice)
        made = CameraNotice(self.parts.name, notice.kind, notice.time_s, notice.text)
        self.told.append(made)

    def _tell_drops(self, time_s: float) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        try:
            dropped = dict(self.parts.capture.stats.dropped_by)
        except StateError:
            dropped = {}
        for cause, num_frames in self._dropped.items():
            dropped[cause] = dropped.get(cause, 0) + num_frames
        for cause, num_frames in dropped.items():
            if num_frames:
                recorder.drops(cause, num_frames, time_s)
