"""Objects carried along frames in one direction, and prompted again where language sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CancelledError
from ufvideo_sdk.results.rle import mask_iou
from ufvideo_sdk.results.track_event import TrackEvent
from ufvideo_sdk.tracking.event_detector import EventDetector, ObjectFrame, has_lasted
from ufvideo_sdk.tracking.native_tracker import NativeTracker, TrackedFrame
from ufvideo_sdk.tracking.prompting import Prompting
from ufvideo_sdk.tracking.source import PromptSource, SourceFrame
from ufvideo_sdk.tracking.target import Target

State = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """One object on the next frame of a pass.

    Attributes:
        track_id: Whose it is.
        frame: The object on the frame.
        events: What the frame tells.
    """

    track_id: int
    frame: ObjectFrame
    events: tuple[TrackEvent, ...]


class _Object:
    """One object of a pass."""

    def __init__(self, track_id: int, target: Target, start_idx: int, prompting: Prompting) -> None:
        self.track_id = track_id
        self.target = target
        self.start_idx = start_idx
        self.prompting = prompting
        self.detector = EventDetector(track_id, prompting.config)
        # Its number in the native tracker; None before it is named and seen.
        self.object_id: int | None = None
        self.prompted_s: float | None = None
        self.tried_s: float | None = None
        self.verified_s: float | None = None

    def is_due(self, time_s: float) -> bool:
        """Whether it is to be prompted again on a frame, if language sees it there."""
        every_s, retry_s = self.prompting.every_s, self.prompting.config.retry_s
        between_s = retry_s if every_s is None else min(retry_s, every_s)
        if not has_lasted(self.tried_s, time_s, between_s):
            return False
        if self.object_id is None:
            return True
        if every_s is not None and has_lasted(self.prompted_s, time_s, every_s):
            return True
        return self.prompting.is_for_lost and self.is_wanting

    @property
    def is_wanting(self) -> bool:
        """Whether its memory has lost it, or no longer fits."""
        return self.detector.is_missing or self.detector.is_drifting

    def is_trusted(self, seen: TrackedFrame, position: int) -> bool:
        """Whether language sees it on a frame, with a mask that fits."""
        config = self.prompting.config
        is_there = float(seen.object_scores[position]) > config.present_score
        return is_there and float(seen.iou_scores[position]) >= config.reprompt_iou


@dataclass(frozen=True, eq=False)
class _Moment:
    """A step under way: the frame, what ends it, and where states come from."""

    frame: SourceFrame
    cancel: CancellationToken
    source: PromptSource | None


class TrackingPass:
    """Objects on frames that come one by one, forwards or backwards, with one native tracker."""

    def __init__(self, tracker: NativeTracker, *, is_backwards: bool = False) -> None:
        """Begin without an object.

        Args:
            tracker: Carries the objects; no one else uses it.
            is_backwards: Whether frames come latest first.
        """
        self.tracker = tracker
        self._is_backwards = is_backwards
        self._objects: list[_Object] = []
        # What the tracker found on a frame whose second opinions failed: it has remembered it.
        self._unfinished: tuple[int, dict[int, ObjectFrame]] | None = None

    def add(self, track_id: int, target: Target, start_idx: int, prompting: Prompting) -> None:
        """Track an object from a frame on, or from the first one behind it that comes.

        Args:
            track_id: Its number.
            target: What names it; without a state it is looked for until language names it.
            start_idx: Index of the frame that it is prompted on.
            prompting: When it is prompted again.
        """
        self._objects.append(_Object(track_id, target, start_idx, prompting))

    def remove(self, track_id: int) -> list[TrackEvent]:
        """Drop an object, while others go on; the event of its end."""
        (dropped,) = [each for each in self._objects if each.track_id == track_id]
        if dropped.object_id is not None:
            self.tracker.remove(dropped.object_id)
        self._objects.remove(dropped)
        return dropped.detector.end()

    @property
    def track_ids(self) -> list[int]:
        """Numbers of the objects."""
        return [each.track_id for each in self._objects]

    def step(
        self, frame: SourceFrame, cancel: CancellationToken, source: PromptSource | None = None
    ) -> list[Step]:
        """Carry the objects on to the next frame.

        Args:
            frame: The frame.
            cancel: What ends it early.
            source: Where the model is asked again for an object's state; None: states stay.

        Returns:
            The objects that have begun and were named, in the order they were added.

        Raises:
            CancelledError: When it was cancelled; no object's memory has changed, and the same
                frame can be tracked again. As after any error.
        """
        at = _Moment(frame, cancel, source)
        begun = [each for each in self._objects if self._has_begun(each, frame)]
        if self._unfinished is None or self._unfinished[0] != frame.frame_idx:
            self._prompt_due(begun, at)
            if all(each.object_id is None for each in begun):
                return []
            found = self.tracker.step(frame.pixels, frame.frame_idx, cancel=cancel)
            self._unfinished = (frame.frame_idx, _frames_of(found, frame))
        frames = self._unfinished[1]
        carried = [each for each in begun if each.object_id in frames]
        try:
            refuted = self._verify(carried, frames, at)
        except CancelledError:
            # The step stands: what memory says of the frame is not lost.
            refuted = {}
        self._unfinished = None
        steps = []
        for each in carried:
            assert each.object_id is not None
            own = replace(frames[each.object_id], is_refuted=refuted.get(each.track_id))
            events = tuple(each.detector.push(own))
            steps.append(Step(each.track_id, own, events))
        return steps

    def _has_begun(self, each: _Object, frame: SourceFrame) -> bool:
        if self._is_backwards:
            return frame.frame_idx <= each.start_idx
        return frame.frame_idx >= each.start_idx

    def _prompt_due(self, begun: Sequence[_Object], at: _Moment) -> None:
        """Name the objects whose turn it is."""
        due = []
        for each in begun:
            is_first = each.object_id is None and each.tried_s is None
            state = each.target.seg_hidden_state if is_first else None
            if is_first and state is not None:
                each.object_id = self.tracker.add(state)
                each.prompted_s = each.verified_s = at.frame.time_s
            elif each.is_due(at.frame.time_s):
                due.append(each)
        if due:
            self._try(due, at)

    def _try(self, due: Sequence[_Object], at: _Moment) -> None:
        """Prompt those that language sees on the frame."""
        named = _named(due, at)
        seen = self._seen(named, at)
        for each in due:
            each.tried_s = at.frame.time_s
        for position, (each, state) in enumerate(named):
            if each.is_trusted(seen, position):
                self._prompt(each, state)
                each.prompted_s = each.verified_s = at.frame.time_s

    def _prompt(self, each: _Object, state: State) -> None:
        if each.object_id is not None and (each.is_wanting or not each.detector.is_born):
            # Its memory holds frames without it, or another object: it begins with an empty one.
            self.tracker.remove(each.object_id)
            each.object_id = None
        if each.object_id is None:
            each.object_id = self.tracker.add(state)
        else:
            self.tracker.prompt(each.object_id, state)

    def _verify(
        self, carried: Sequence[_Object], frames: dict[int, ObjectFrame], at: _Moment
    ) -> dict[int, bool]:
        """Whether language names other pixels than memory, by track.

        Only of objects whose turn it is, that memory sees, and that language sees as well. If the
        model says that the object is not there, that refutes its mask.
        """
        due = []
        for each in carried:
            assert each.object_id is not None
            own, verify_s = frames[each.object_id], each.prompting.verify_s
            if verify_s is None or not has_lasted(each.verified_s, at.frame.time_s, verify_s):
                continue
            if not own.was_prompted and each.detector.is_present(own):
                due.append(each)
        named = _named(due, at)
        seen = self._seen(named, at)
        for each in due:
            each.verified_s = at.frame.time_s
        refuted = {each.track_id: True for each in due}
        for position, (each, _) in enumerate(named):
            del refuted[each.track_id]
            if each.is_trusted(seen, position):
                assert each.object_id is not None
                iou = mask_iou(seen.runs[position], frames[each.object_id].runs)
                refuted[each.track_id] = iou < each.prompting.config.verify_iou
        return refuted

    def _seen(self, named: Sequence[tuple[_Object, State]], at: _Moment) -> TrackedFrame:
        """What states name on a frame by themselves."""
        if not named:
            return _Nothing()
        states = np.stack([state for _, state in named])
        return self.tracker.decode_prompts(
            states, at.frame.pixels, at.frame.frame_idx, cancel=at.cancel
        )


class _Nothing:
    """A frame without an object."""

    object_ids: Sequence[int] = ()
    runs: Sequence[str] = ()
    iou_scores = object_scores = np.empty(0, np.float32)
    was_prompted: Sequence[bool] = ()


def _named(asked: Sequence[_Object], at: _Moment) -> list[tuple[_Object, State]]:
    """The objects that language names now, and their states."""
    named = []
    for each in asked:
        state = each.target.state_now(at.source)
        if state is not None:
            named.append((each, state))
    return named


def _frames_of(found: TrackedFrame, frame: SourceFrame) -> dict[int, ObjectFrame]:
    """What the native tracker found, by its own number of the object."""
    rows = zip(
        found.object_ids,
        found.runs,
        found.iou_scores,
        found.object_scores,
        found.was_prompted,
        strict=True,
    )
    return {
        object_id: ObjectFrame(
            frame.frame_idx, frame.time_s, runs, float(iou), float(score), bool(was_prompted)
        )
        for object_id, runs, iou, score, was_prompted in rows
    }
