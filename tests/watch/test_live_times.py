"""Stream time of cameras with clocks that are not as they should be, over hours of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from ufvideo_sdk.watch.sources.live_times import LiveTimes
from ufvideo_sdk.watch.sources.section_times import PacketTime

_TICK = Fraction(1, 40000)
_WALL_S = 1.8e9


@dataclass
class Camera:
    """Sends a packet at a time, of which `LiveTimes` knows only what arrives."""

    now_s: float = 1000.0
    wall_step_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.times = LiveTimes(
            follows_arrival=True,
            max_clock_error_s=5,
            clock=lambda: self.now_s,
            wall_clock=lambda: _WALL_S + self.now_s + self.wall_step_s,
        )
        self.times.begin_connection()

    def send(self, pts_s: float, arrival_s: float, reference_s: float | None = None) -> PacketTime:
        self.now_s = 1000.0 + arrival_s
        time = self.times.of(round(pts_s / _TICK), _TICK, reference_s)
        self.told += self.times.told()
        return time


def _lags(
    camera: Camera, num: int, pts_of: Callable[[int], float], arrival_of: Callable[[int], float]
) -> list[float]:
    """How far time lies behind arrival, for each packet."""
    return [arrival_of(i) - camera.send(pts_of(i), arrival_of(i)).time_s for i in range(num)]


def test_a_good_clock_is_taken_as_it_is() -> None:
    camera, rng = Camera(), random.Random(1)
    delays = [rng.expovariate(30) for _ in range(40000)]
    # Bursts of half a second at each key frame, as large ones make on a slow network.
    arrivals = [i / 25 + delays[i] + (0.5 if i % 50 < 3 else 0.0) for i in range(40000)]
    arrivals = [max(arrivals[max(i - 3, 0) : i + 1]) for i in range(40000)]
    for i, arrival_s in enumerate(arrivals):
        assert camera.send(i / 25, arrival_s).time_s == pytest.approx(i / 25, abs=1e-6)
    assert not camera.told and camera.times.error_s == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("shipped", [21.0, 24.0, 30.0])
def test_another_rate_than_the_timestamps_say_is_measured(shipped: float) -> None:
    camera, rng = Camera(), random.Random(2)
    lags = _lags(camera, 30000, lambda i: i / 25, lambda i: i / shipped + rng.uniform(0, 0.02))
    assert max(abs(lag) for lag in lags) < 1.3
    assert max(abs(lag) for lag in lags[3000:]) < 0.6
    assert camera.told and f"{shipped / 25:.2f} of the time of arrival" in camera.told[0]


def test_a_slow_drift_is_followed() -> None:
    """38 minutes in a week, as one recorder had."""
    drift = 38 / (7 * 24 * 60)
    camera = Camera()
    lags = _lags(camera, 60000, lambda i: i / 25, lambda i: i / 25 * (1 + drift))
    assert abs(lags[-1]) < 0.6


@pytest.mark.parametrize("jump_s", [1.7, -1.7, 3600.0, -3600.0])
def test_a_jump_moves_nothing(jump_s: float) -> None:
    camera = Camera()
    lags = _lags(camera, 2000, lambda i: i / 25 + (jump_s if i >= 1000 else 0), lambda i: i / 25)
    assert max(abs(lag) for lag in lags) < 0.05
    assert len(camera.told) == 1 and f"jumped by {jump_s + 0.04:+.2f} s" in camera.told[0]


@pytest.mark.parametrize("begin", [10, 1000])
def test_a_pause_of_camera_or_network_is_no_jump(begin: int) -> None:
    quiet = Camera()
    lags = _lags(
        quiet,
        2000,
        lambda i: i / 25 + (6 if i >= begin else 0),
        lambda i: i / 25 + (6 if i >= begin else 0),
    )
    assert max(abs(lag) for lag in lags) < 0.05 and not quiet.told
    # The network keeps all and sends it at once when it is back.
    late = Camera()
    times = [
        late.send(i / 25, max(i / 25, begin / 25 + 6) if i >= begin else i / 25).time_s
        for i in range(2000)
    ]
    assert times == pytest.approx([i / 25 for i in range(2000)], abs=1e-6) and not late.told


def test_a_camera_that_stops_its_clock_in_a_pause_is_set_right() -> None:
    camera = Camera()
    lags = _lags(camera, 2000, lambda i: i / 25, lambda i: i / 25 + (6 if i >= 1000 else 0))
    assert abs(lags[-1]) < 0.1 and "behind arrival" in camera.told[0]


def test_time_goes_on_over_connections_that_begin_at_0() -> None:
    camera = Camera()
    before = [camera.send(i / 25, i / 25).time_s for i in range(100)]
    camera.times.begin_connection()
    after = [camera.send(i / 25, 10 + i / 25).time_s for i in range(100)]
    assert before[-1] < after[0] == pytest.approx(10.0) and after[-1] == pytest.approx(13.96)


def test_connections_that_begin_with_the_past_do_not_put_time_forward() -> None:
    """A server may send the latest second at once, from its last key frame on."""
    camera = Camera()
    for connection in range(20):
        camera.times.begin_connection()
        begin_s = 10.0 * connection
        for i in range(150):
            camera.send(i / 25, begin_s + max(0, i - 25) / 25)
    assert camera.times.now_s() - (camera.now_s - 1000.0) < 1.1


def test_the_cameras_own_clock_is_taken_if_it_can_be_believed() -> None:
    camera = Camera()
    assert camera.send(0, 0).clock == "arrival"
    walls = []
    for i in range(1, 2000):
        # A report jumps by 1.7 s, and one later sets it right.
        jump_s = 1.7 if 500 <= i < 625 else 0.0
        time = camera.send(i / 25, i / 25, _WALL_S + 1000 + i / 25 - 2.5 + jump_s)
        walls.append((time.wall_s or 0.0) - _WALL_S - 1000 - i / 25)
        assert time.clock == "camera"
    assert walls == pytest.approx([-2.5] * len(walls), abs=1e-3) and not camera.told


def test_a_camera_in_another_time_is_not_believed_and_told_once() -> None:
    camera = Camera()
    for i in range(500):
        time = camera.send(i / 25, i / 25, 3600.0 + i / 25)
        assert time.clock == "arrival" and abs((time.wall_s or 0) - _WALL_S - camera.now_s) < 0.01
    assert len(camera.told) == 1 and "is not used" in camera.told[0]


def test_a_network_that_is_late_is_not_the_cameras_clock() -> None:
    camera = Camera()
    for i in range(2000):
        arrival_s = i / 25 if i < 1000 else max(i / 25, 50.0)
        time = camera.send(i / 25, arrival_s, _WALL_S + 1000 + i / 25)
        assert time.clock == "camera" and time.wall_s == pytest.approx(_WALL_S + 1000 + i / 25)
    assert not camera.told
