"""`Session.locate(window_s=)`: an event in a recording of minutes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ufvideo_sdk import CancellationToken, InputError, UFVideo, demo_clip
from ufvideo_sdk.demo.files import TRUTH_NAME

WINDOW_S = 6.0
BEFORE_S, AFTER_S = 97.3, 41.0


@pytest.fixture(scope="module")
def nano() -> Any:
    return UFVideo.load()


@pytest.fixture(scope="module")
def recording(nano: Any) -> Any:
    """The demo clip in the middle of two and a half minutes in which nothing moves."""
    clip = nano.open(demo_clip()).clip
    frames, times = clip.read(clip.frame_idxs), clip.timestamps_s
    fps = (len(times) - 1) / (times[-1] - times[0])
    before, after = int(BEFORE_S * fps), int(AFTER_S * fps)
    pictures = [*[frames[0]] * before, *frames, *[frames[-1]] * after]
    return nano.open(pictures, timestamps_s=np.arange(len(pictures)) / fps)


def truth_of(event: str, recording: Any) -> tuple[float, float]:
    for question in json.loads(demo_clip().with_name(TRUTH_NAME).read_text())["questions"]:
        if question.get("event") == event:
            fps = 1 / recording.clip.timestamps_s[1]
            begin_s = int(BEFORE_S * fps) / fps
            return begin_s + question["start_s"], begin_s + question["end_s"]
    raise AssertionError(event)


def test_an_event_of_seconds_is_found_in_minutes(nano: Any, recording: Any) -> None:
    event = "the purple triangle moves up"
    start_s, end_s = truth_of(event, recording)
    result = recording.locate(event, window_s=WINDOW_S, allow_absent=True)
    (span,) = result
    both = min(end_s, span.end_s) - max(start_s, span.start_s)
    assert both / (max(end_s, span.end_s) - min(start_s, span.start_s)) > 0.6
    assert result.text.startswith("{<TEMP-") and not result.is_absent
    # A frame each 6 / 16 s, and none of them twice, whatever the number of windows.
    num_frames = recording.clip.timestamps_s[-1] * nano.manifest.video.num_frames / WINDOW_S
    stages = result.stats.stages
    assert stages["vision_encoder"].num_items == pytest.approx(num_frames, abs=2)
    assert stages["aligner"].num_calls == stages["vision_encoder"].num_items // 2
    windows = 2 * recording.clip.timestamps_s[-1] / WINDOW_S
    assert len(result.stats.token_ms) > windows


def test_an_absent_event_is_found_nowhere(recording: Any) -> None:
    result = recording.locate("the red square moves left", window_s=WINDOW_S, allow_absent=True)
    assert len(result) == 0 and result.is_absent


def test_a_short_clip_is_one_window(nano: Any) -> None:
    session = nano.open(demo_clip())
    (span,) = session.locate("the purple triangle moves up", window_s=60.0, allow_absent=True)
    frames = session.clip.read(session.clip.frame_idxs)
    assert 0 <= span.start_s < span.end_s <= session.clip.timestamps_s[-1]
    short = nano.open(frames[:2], fps=8.0)
    assert len(short.locate("the ring moves", window_s=1.0, allow_absent=True)) <= 1


def test_progress_and_cancelling(nano: Any, recording: Any) -> None:
    calls: list[tuple[int, int]] = []
    before = nano.memory_use().total_bytes
    recording.locate(
        "the ring moves",
        window_s=30.0,
        allow_absent=True,
        on_progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(done, calls[0][1]) for done in range(calls[0][1] + 1)]
    token = CancellationToken()

    def cancel(done: int, _: int) -> None:
        if done == 2:
            token.cancel()

    result = recording.locate(
        "the ring moves", window_s=30.0, allow_absent=True, cancel=token, on_progress=cancel
    )
    assert result.is_cancelled
    cancelled = CancellationToken()
    cancelled.cancel()
    assert recording.locate("it", window_s=9, allow_absent=True, cancel=cancelled).is_cancelled
    assert nano.memory_use().total_bytes == before, "nothing of the search is kept"


def test_what_cannot_be_searched(nano: Any, recording: Any) -> None:
    for options, message in (
        ({"window_s": 6.0}, "window_s: expected allow_absent=True"),
        ({"window_s": 0, "allow_absent": True}, "window_s: expected seconds above 0, got int 0"),
        ({"window_s": "6", "allow_absent": True}, "window_s: expected seconds above 0"),
        ({"window_s": float("inf"), "allow_absent": True}, "window_s: expected seconds above 0"),
    ):
        with pytest.raises(InputError, match=message):
            recording.locate("the ring moves", **options)
    with pytest.raises(InputError, match="event"):
        recording.locate("", window_s=6.0, allow_absent=True)
    image = nano.open(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="an image has no times"):
        image.locate("the ring moves", window_s=6.0, allow_absent=True)
