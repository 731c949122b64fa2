"""From the scores of an object, frame by frame, to what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.results.track_event import TrackEvent, TrackEventKind
from ufvideo_sdk.runtime.track_config import TrackConfig


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
        self._is_drifting = False
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
        return self._is_drifting

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
        if self._is_lost or abs(frame.time_s - since.time_s) < self._config.lost_s:
            return []
        self._is_lost = True
        self._is_drifting = False
        # An object that was never seen cannot be lost; it is looked for all the same.
        return [self._event(TrackEventKind.LOST, since)] if self._is_born else []

    def _doubt(self, frame: ObjectFrame) -> list[TrackEvent]:
        if frame.was_prompted or frame.is_refuted is False:
            self._is_drifting = False
        is_doubtful = frame.iou_score < self._config.drift_iou
        if not is_doubtful:
            # What the model refuted stays so until it is prompted again.
            self._is_drifting = self._is_drifting and self._doubtful_since is None
            self._doubtful_since = None
        elif self._doubtful_since is None:
            self._doubtful_since = frame
        if self._is_drifting:
            return []
        if frame.is_refuted:
            self._is_drifting = True
            return [self._event(TrackEventKind.DRIFT, frame)]
        since = self._doubtful_since
        if since is None or abs(frame.time_s - since.time_s) < self._config.drift_s:
            return []
        self._is_drifting = True
        return [self._event(TrackEventKind.DRIFT, since)]

    def _event(self, kind: TrackEventKind, frame: ObjectFrame) -> TrackEvent:
        return TrackEvent(kind, frame.time_s, frame.frame_idx, self._track_id)
