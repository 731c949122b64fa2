"""From the scores of an object, frame by frame, to what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.results.track_event import TrackEvent, TrackEventKind
from ufvideo_sdk.runtime.track_config import TrackConfig

# Differences of times are not exact: 0.7 - 0.2 is below 0.5. Far below any frame's duration.
_ROUNDING_S = 1e-6


def has_lasted(since_s: float | None, time_s: float, duration_s: float) -> bool:
    """Whether two times, in either order, lie as far apart as a duration; None: long ago."""
    return since_s is None or abs(time_s - since_s) >= duration_s - _ROUNDING_S


@dataclass(frozen=True)
class ObjectFrame:
    """One object on one frame.

    Attributes:
        frame_idx: Index of the frame in the source.
        time_s: Its presentation time in seconds.
        runs: The mask as a COCO run-length code.
        iou_score: Predicted IoU of the mask.
        object_score: Logit of the object's presence.
        was_prompted: Whether language named the object here.
        is_refuted: Whether the model named other pixels when it was asked (`verify_s`); None: it
            was not asked, or did not see the object.
    """

    frame_idx: int
    time_s: float
    runs: str
    iou_score: float
    object_score: float
    was_prompted: bool
    is_refuted: bool | None = None


class EventDetector:
    """Tells events of one object from its frames, which come in the order of a pass.

    In a pass backwards times fall: durations are counted either way.
    """

    def __init__(self, track_id: int, config: TrackConfig) -> None:
        """Begin before the first frame."""
        self._track_id = track_id
        self._config = config
        self._is_born = False
        self._is_lost = False
        # Two reasons to drift: masks have been doubtful for too long, or the model named others.
        self._is_unsure = False
        self._is_refuted = False
        # Since when the object is not there, and since when its masks are doubtful.
        self._absent_since: ObjectFrame | None = None
        self._doubtful_since: ObjectFrame | None = None
        self._last: ObjectFrame | None = None

    @property
    def is_born(self) -> bool:
        """Whether the object has been seen."""
        return self._is_born

    @property
    def is_missing(self) -> bool:
        """Whether the object is lost, or has not been seen for as long as that takes."""
        return self._is_lost

    @property
    def is_drifting(self) -> bool:
        """Whether its mask is not to be trusted."""
        return self._is_unsure or self._is_refuted

    def is_present(self, frame: ObjectFrame) -> bool:
        """Whether the object is there on a frame."""
        return frame.object_score > self._config.present_score

    def push(self, frame: ObjectFrame) -> list[TrackEvent]:
        """The events that the next frame tells; those of a duration have the time it began."""
        self._last = frame
        if not self.is_present(frame):
            self._doubtful_since = None
            return self._absent(frame)
        self._absent_since = None
        if self._is_lost and self._is_born and frame.iou_score < self._config.drift_iou:
            # Something is there; a mask that does not fit is no reason to believe it is the object.
            return []
        events = []
        if not self._is_born:
            events.append(self._event(TrackEventKind.BORN, frame))
        elif self._is_lost:
            events.append(self._event(TrackEventKind.FOUND, frame))
        self._is_born, self._is_lost = True, False
        return events + self._doubt(frame)

    def end(self) -> list[TrackEvent]:
        """The event of the track's end, on its last frame; none without a frame."""
        return [] if self._last is None else [self._event(TrackEventKind.ENDED, self._last)]

    def _absent(self, frame: ObjectFrame) -> list[TrackEvent]:
        if self._absent_since is None:
            self._absent_since = frame
        since = self._absent_since
        if self._is_lost or not has_lasted(since.time_s, frame.time_s, self._config.lost_s):
            return []
        self._is_lost = True
        self._is_unsure = self._is_refuted = False
        # An object that was never seen cannot be lost; it is looked for all the same.
        return [self._event(TrackEventKind.LOST, since)] if self._is_born else []

    def _doubt(self, frame: ObjectFrame) -> list[TrackEvent]:
        if frame.was_prompted:
            # What was doubtful before is another mask.
            self._is_unsure = self._is_refuted = False
            self._doubtful_since = None
        if frame.is_refuted is False:
            self._is_refuted = False
        if frame.iou_score >= self._config.drift_iou:
            self._is_unsure = False
            self._doubtful_since = None
        elif self._doubtful_since is None:
            self._doubtful_since = frame
        was_drifting = self.is_drifting
        since = self._doubtful_since
        if since is not None and has_lasted(since.time_s, frame.time_s, self._config.drift_s):
            self._is_unsure = True
        if frame.is_refuted:
            # It stays so until the object is prompted again, or the model agrees.
            self._is_refuted = True
            since = frame
        if was_drifting or not self.is_drifting or since is None:
            return []
        return [self._event(TrackEventKind.DRIFT, since)]

    def _event(self, kind: TrackEventKind, frame: ObjectFrame) -> TrackEvent:
        return TrackEvent(kind, frame.time_s, frame.frame_idx, self._track_id)
