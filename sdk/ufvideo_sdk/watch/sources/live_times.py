"""Stream time of a camera: its timestamps, compared with when they arrive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ufvideo_sdk.watch.sources.section_times import PacketTime

# A step of the timestamps that arrival does not confirm, beyond which they have jumped.
_JUMP_S = 1.0
# Lag is the least of a second's packets: a network delays, and never brings anything early.
_BUCKET_S = 1.0
_NUM_BUCKETS = 10
_MIN_BUCKETS = 5
# The newest seconds say how far time is off now: bursts at key frames are shorter.
_RECENT_BUCKETS = 3
_FIRST_S = 2.0
# Below this a difference is jitter; above it time is corrected, over so many seconds.
_MAX_ERROR_S = 0.5
_CORRECTION_S = 10.0
_MAX_CORRECTION = 0.3
# Time that is so far behind, and stays there, is set in one step: what is missing will not come.
_STEP_ERROR_S = 1.0
_STEADY = 0.05
# After a pause what comes may be late, which says nothing of the clock.
_PAUSE_S = 1.0
_CLOSE_S = 0.1
# Rates of a camera that are taken for its clock and not for measurement noise.
_RATE_NOISE = 0.02
_RATES = (0.2, 5.0)
_LEAST_STEP_S = 0.001
# A camera's report comes every five seconds or so.
_STEADY_AGAIN_S = 12.0


@dataclass(frozen=True)
class _Bucket:
    """The packet of a second that was least late.

    Attributes:
        arrival_s: When it came, seconds since the first.
        lag_s: How far its time lies behind that.
        wall_offset_s: This machine's time of day when it came, less its time.
    """

    arrival_s: float
    lag_s: float
    wall_offset_s: float


class LiveTimes:
    """Times of a camera's packets, over all of its connections; a `SectionTimes`.

    Stream time runs with the camera's timestamps as long as they run with the time of arrival.
    Where they jump, arrival decides; where they run at another rate, that is measured and
    corrected.
    """

    def __init__(
        self,
        *,
        follows_arrival: bool,
        max_clock_error_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin before the first packet.

        Args:
            follows_arrival: Whether timestamps are compared with arrival.
            max_clock_error_s: A camera whose clock differs more from this machine's is not
                believed.
            clock: Says when a packet comes, in seconds that never go back.
            wall_clock: This machine's time of day, seconds since 1970 in UTC.
        """
        self._now, self._wall_now = clock, wall_clock
        self._follows_arrival = follows_arrival
        self._max_clock_error_s = max_clock_error_s
        self._origin_s: float | None = None
        self._is_new_connection = True
        self._anchor_pts_s = self._anchor_s = 0.0
        self._rate = 1.0
        self._latest_s = 0.0
        self._last_pts_s = self._last_arrival_s = self._least_lag_s = 0.0
        self._base_lag_s: float | None = None
        self._connected_s = 0.0
        self._wall_offset_s: float | None = None
        self._least: _Bucket | None = None
        self._buckets: deque[_Bucket] = deque(maxlen=_NUM_BUCKETS)
        self._told: list[str] = []
        self._told_rate = 1.0
        self._tells_disbelief = True
        self._camera_offset_s: float | None = None
        self._unsteady_since_s: float | None = None
        self.clock = "arrival"
        self.error_s: float | None = None

    def begin_connection(self, *, corrects: bool = True) -> None:
        """Another connection begins: its timestamps say nothing of those before.

        Args:
            corrects: Whether its packets come one by one, so that their rate can be measured.
        """
        self._is_new_connection = True
        self._corrects = corrects and self._follows_arrival

    def now_s(self) -> float:
        """Stream time of a picture that would come now; never before one that has come."""
        if self._origin_s is None:
            return 0.0
        elapsed_s = self._now() - self._origin_s
        return max(self._latest_s, elapsed_s - (self._base_lag_s or 0.0))

    def told(self) -> list[str]:
        """What has been noticed of the clock since the last call."""
        told, self._told = self._told, []
        return told

    def of(self, pts: int, time_base: Fraction, reference_s: float | None) -> PacketTime:
        """The times of a packet that came just now; see `SectionTimes`."""
        now_s, wall_s, pts_s = self._now(), self._wall_now(), float(pts * time_base)
        if self._origin_s is None:
            self._origin_s = now_s
        arrival_s = now_s - self._origin_s
        jump_s = 0.0
        if self._is_new_connection:
            self._begin(pts_s, arrival_s)
        elif self._has_jumped(pts_s, arrival_s):
            step_s = pts_s - self._last_pts_s
            self._told.append(f"timestamps jumped by {step_s:+.2f} s; time goes on with arrival")
            passed_s = max(arrival_s - self._last_arrival_s, _LEAST_STEP_S)
            self._anchor(pts_s, self._latest_s + passed_s)
            jump_s = step_s - passed_s
        time_s = self._time_of(pts_s)
        if arrival_s - self._last_arrival_s > _PAUSE_S:
            self._least = None
            self._buckets.clear()
        self._latest_s = max(self._latest_s, time_s)
        self._last_pts_s, self._last_arrival_s = pts_s, arrival_s
        lag_s = arrival_s - time_s
        self._least_lag_s = min(self._least_lag_s, lag_s)
        self._measure(_Bucket(arrival_s, lag_s, wall_s - time_s), pts_s)
        arrival_wall_s = wall_s - max(lag_s - (self._base_lag_s or self._least_lag_s), 0.0)
        if reference_s is not None and self._follows_arrival:
            self._follow_camera(time_s, reference_s, reference_s - arrival_wall_s)
        self.clock = "arrival" if self._camera_offset_s is None else "camera"
        offset_s = self._wall_offset_s if self._camera_offset_s is None else self._camera_offset_s
        wall_s = wall_s if offset_s is None else time_s + offset_s
        return PacketTime(time_s, wall_s, self.clock, jump_s)

    def _begin(self, pts_s: float, arrival_s: float) -> None:
        # As the very first one: a camera that begins with a second of the past does so each time.
        is_first = self._last_arrival_s == 0.0 and self._latest_s == 0.0
        self._anchor(pts_s, 0.0 if is_first else max(arrival_s, self._latest_s + _LEAST_STEP_S))
        self._is_new_connection = False
        self._camera_offset_s = self._unsteady_since_s = None
        self._rate = self._told_rate = 1.0
        self._base_lag_s = None
        self._least_lag_s = arrival_s - self._anchor_s
        self._connected_s = arrival_s

    def _anchor(self, pts_s: float, time_s: float) -> None:
        self._anchor_pts_s, self._anchor_s = pts_s, time_s
        self._least = None
        self._buckets.clear()

    def _has_jumped(self, pts_s: float, arrival_s: float) -> bool:
        """Whether timestamps step where arrival does not, less what is usually between them.

        Not compared with the packet before: after a pause that one may have been late.
        """
        step_s = pts_s - self._last_pts_s
        if not self._follows_arrival:
            return step_s < -_JUMP_S
        usual_s = self._least_lag_s if self._base_lag_s is None else self._base_lag_s
        lag_s = arrival_s - self._time_of(pts_s)
        return abs(step_s) > _JUMP_S and abs(lag_s - usual_s) > _JUMP_S

    def _time_of(self, pts_s: float) -> float:
        return self._anchor_s + (pts_s - self._anchor_pts_s) * self._rate

    def _measure(self, packet: _Bucket, pts_s: float) -> None:
        """Follow how late packets are, and correct the rate where it is off."""
        least = self._least
        if least is None or packet.lag_s < least.lag_s:
            self._least = (
                packet
                if least is None
                else _Bucket(least.arrival_s, packet.lag_s, packet.wall_offset_s)
            )
        if least is None or packet.arrival_s - least.arrival_s < _BUCKET_S:
            return
        self._buckets.append(least)
        self._least = packet
        recent = list(self._buckets)[-_RECENT_BUCKETS:]
        offset_s = min(bucket.wall_offset_s for bucket in recent)
        if self._wall_offset_s is None or abs(offset_s - self._wall_offset_s) > _MAX_ERROR_S:
            self._wall_offset_s = offset_s
        lag_s = min(bucket.lag_s for bucket in recent)
        if self._base_lag_s is None:
            if packet.arrival_s - self._connected_s >= _FIRST_S:
                self._base_lag_s = lag_s
            return
        self.error_s = lag_s - self._base_lag_s
        if self._corrects and len(self._buckets) >= _RECENT_BUCKETS:
            self._correct(self.error_s, pts_s)

    def _correct(self, error_s: float, pts_s: float) -> None:
        slope = _slope(self._buckets)
        now_s = self._time_of(pts_s)
        if error_s > _STEP_ERROR_S and abs(slope) < _STEADY:
            self._told.append(f"time was {error_s:.2f} s behind arrival, and is set to it")
            self._anchor(pts_s, now_s + error_s)
            return
        is_corrected = self._rate != 1.0
        if len(self._buckets) < _MIN_BUCKETS:
            return
        if abs(slope) > _RATE_NOISE:
            # It goes on growing: what counts is how far it is off by now.
            error_s += slope * _RECENT_BUCKETS * _BUCKET_S
        if abs(error_s) < (2 * _CLOSE_S if is_corrected else _MAX_ERROR_S):
            return
        measured = self._rate / max(1.0 - slope, 0.1)
        if abs(measured - 1.0) < _RATE_NOISE:
            measured = 1.0
        correction = min(max(error_s / _CORRECTION_S, -_MAX_CORRECTION), _MAX_CORRECTION)
        self._rate = min(max(measured * (1.0 + correction), _RATES[0]), _RATES[1])
        self._anchor(pts_s, now_s)
        if abs(measured - self._told_rate) > _RATE_NOISE:
            self._told_rate = measured
            self._told.append(
                f"timestamps run at {1 / measured:.2f} of the time of arrival; time follows arrival"
            )

    def _follow_camera(self, time_s: float, reference_s: float, error_s: float) -> None:
        """Follow the camera's own clock, if it can be believed and as far as it is steady.

        Args:
            time_s: Stream time of a packet.
            reference_s: What the camera says of its time of day.
            error_s: How far that is from this machine's.
        """
        if abs(error_s) > self._max_clock_error_s:
            if self._tells_disbelief and self._base_lag_s is not None:
                self._tells_disbelief = False
                self._told.append(
                    f"the camera's clock differs by {error_s:+.1f} s from this machine's and is not"
                    " used"
                )
            self._camera_offset_s = None
            return
        offset_s = reference_s - time_s
        held_s = self._camera_offset_s
        if held_s is None or abs(offset_s - held_s) < _MAX_ERROR_S:
            self._camera_offset_s, self._unsteady_since_s = offset_s, None
        elif self._unsteady_since_s is None:
            # Its clock or its timestamps have jumped: one of its next reports may set that right.
            self._unsteady_since_s = time_s
        elif time_s - self._unsteady_since_s > _STEADY_AGAIN_S:
            self._camera_offset_s, self._unsteady_since_s = offset_s, None


def _slope(buckets: deque[_Bucket]) -> float:
    """How fast the lag grows, seconds a second, by least squares."""
    mean_arrival = sum(b.arrival_s for b in buckets) / len(buckets)
    mean_lag = sum(b.lag_s for b in buckets) / len(buckets)
    spread = sum((b.arrival_s - mean_arrival) ** 2 for b in buckets)
    together = sum((b.arrival_s - mean_arrival) * (b.lag_s - mean_lag) for b in buckets)
    return together / spread if spread > 0 else 0.0
