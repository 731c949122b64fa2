"""What is told of a camera that does not send, and how long that is waited for."""

from __future__ import annotations

import random

import pytest

from ufvideo_sdk.watch.sources import CaptureGap, CaptureNotice, CaptureOptions
from ufvideo_sdk.watch.sources.item_queue import ItemQueue
from ufvideo_sdk.watch.sources.live_health import LiveHealth
from ufvideo_sdk.watch.sources.retry import Backoff


class Camera:
    """A camera whose time is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.queue = ItemQueue(2.0)
        self.health = LiveHealth(self.queue, lambda: self.now_s, lambda: self.now_s)
        self.health.begin_connection()

    def send(self, now_s: float) -> bool:
        self.now_s = now_s
        return self.health.frame_came(now_s, 0.04)

    def told(self) -> list[object]:
        told = []
        while (item := self.queue.take(0.0)) is not None:
            told.append(item)
        return told


def test_a_gap_is_told_when_it_is_noticed_and_when_it_ends() -> None:
    camera = Camera()
    assert camera.send(0.0) and camera.send(1.0)
    camera.now_s = 3.0
    camera.health.went_wrong("stalled", "stalled", "no picture")
    camera.health.went_wrong("stalled", "stalled", "no picture")
    camera.now_s = 5.0
    camera.health.went_wrong("lost", "connection lost", "it ended")
    # Told missing already.
    assert not camera.send(4.9)
    assert camera.send(8.0)
    assert camera.told() == [
        CaptureNotice("stalled", 3.0, "no picture"),
        CaptureGap(1.0, 3.0, "stalled"),
        CaptureNotice("lost", 5.0, "it ended"),
        CaptureGap(3.0, 5.0, "connection lost"),
        CaptureGap(5.0, 8.0, "connection lost"),
        CaptureNotice("resumed", 8.0, "pictures come again"),
    ]
    assert camera.health.trouble is None


def test_a_camera_that_never_sent_has_no_gap() -> None:
    camera = Camera()
    camera.health.went_wrong("lost", "connection lost", "nobody there")
    assert camera.send(9.0)
    assert [type(item) for item in camera.told()] == [CaptureNotice, CaptureNotice]


def test_pauses_are_usual_when_several_came_and_not_those_between_connections() -> None:
    camera = Camera()
    for number in range(3):
        camera.health.begin_connection()
        camera.send(30.0 * number)
    assert camera.health.usual_pause_s() is None
    for number in range(3):
        camera.send(100.0 + 6.0 * number)
    assert camera.health.usual_pause_s() == 6.0
    camera.send(200.0)
    assert camera.health.usual_pause_s() == 6.0


def test_waits_double_up_to_a_bound_with_jitter() -> None:
    options = CaptureOptions(retry_s=0.25, max_retry_s=1.5, refused_retry_s=30)
    backoff = Backoff(options, random.Random(0))
    waits = [backoff.next_s() for _ in range(8)]
    for wait, most in zip(waits, (0.25, 0.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5), strict=True):
        assert 0.8 * most <= wait <= most
    assert len(set(waits)) == 8
    assert 24 <= backoff.next_s(is_refused=True) <= 30
    backoff.succeeded()
    assert backoff.next_s() == pytest.approx(0.225, abs=0.025)
