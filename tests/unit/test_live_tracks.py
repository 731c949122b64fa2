"""Tracks of a stream: they are carried on when they are read, all of them together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.unit.tracker_stand_in import HEIGHT, WIDTH, Seen, TrackerStandIn, state_of
from ufvideo_sdk import CancellationToken, CancelledError, InputError, StateError, TrackConfig
from ufvideo_sdk.tracking import live_track
from ufvideo_sdk.tracking.live_track import LiveTrack
from ufvideo_sdk.tracking.live_tracks import LiveTracks
from ufvideo_sdk.tracking.native_tracker import TrackerSettings
from ufvideo_sdk.tracking.prompting import prompting_of
from ufvideo_sdk.tracking.source import NewFrames, SourceFrame
from ufvideo_sdk.tracking.target import Target

SETTINGS = TrackerSettings("sam2", 7, 4)
GONE = Seen(None, 0.1, -3.0)


class Source:
    """A stream of four frames a second whose window holds the last eight."""

    height, width = HEIGHT, WIDTH

    def __init__(self) -> None:
        self.num_frames = 0
        self.trackers: list[TrackerStandIn] = []
        self.script: Any = lambda number, idx: Seen(number * 8)
        self.named: Any = lambda expression: state_of(len(expression))
        self.asked: list[tuple[str, bool]] = []
        self.cancel = CancellationToken()
        self.on_step: Any = lambda idx: None

    def push(self, num_frames: int) -> None:
        self.num_frames += num_frames

    @contextmanager
    def track_call(self, cancel: CancellationToken | None) -> Iterator[Source]:
        if self.num_frames == 0:
            raise StateError("stream: expected a frame")
        self.cancel = CancellationToken() if cancel is None else cancel.child()
        yield self

    def frames_after(self, frame_idx: int) -> NewFrames:
        oldest = max(self.num_frames - 8, 0)
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        first = max(oldest, frame_idx + 1)
        frames = [SourceFrame(i, i / 4, pixels) for i in range(first, self.num_frames)]
        return NewFrames(frames, max(oldest - frame_idx - 1, 0))

    def open_tracker(self, settings: TrackerSettings) -> TrackerStandIn:
        script = lambda number, idx: self.script(number, idx)  # noqa: E731
        tracker = TrackerStandIn(script, script, settings, on_step=lambda idx: self.on_step(idx))
        self.trackers.append(tracker)
        return tracker

    def seg_hidden_state(self, expression: str, *, allow_absent: bool) -> Any:
        self.asked.append((expression, allow_absent))
        return self.named(expression)


@pytest.fixture
def source() -> Source:
    source = Source()
    source.push(4)
    return source


@pytest.fixture
def tracks(source: Source) -> LiveTracks:
    return LiveTracks(source, itertools.count(1))


def begin(tracks: LiveTracks, name: str = "car", **options: Any) -> LiveTrack:
    settings = options.pop("settings", SETTINGS)
    config = options.pop("config", TrackConfig())
    prompting = prompting_of(options.pop("reprompt", "lost"), None, config)
    target = options.pop("target", Target(name, None, name))
    return tracks.begin(target, settings, prompting, **options)


def test_it_begins_on_the_newest_frame_and_goes_on(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks)
    assert source.trackers[0].calls == [], "nothing is computed but the question"
    assert source.asked == [("car", False)]
    read = track.read()
    assert read.frame_idxs.tolist() == [3] and read.was_prompted.tolist() == [True]
    assert (read.id, read.name) == (track.id, track.name) == (1, "car")
    assert [event.kind for event in read.events] == ["born"]
    source.push(3)
    read = track.read()
    assert read.frame_idxs.tolist() == [4, 5, 6] and read.times_s.tolist() == [1.0, 1.25, 1.5]
    assert read.events == () and len(track.read()) == 0
    assert set(read.runs) == {Seen(24).runs}
    assert source.asked == [("car", False)], "memory asks nobody"


def test_tracks_share_a_tracker_and_one_reading_carries_all(
    source: Source, tracks: LiveTracks
) -> None:
    car, person = begin(tracks), begin(tracks, "person")
    source.push(2)
    assert car.read().frame_idxs.tolist() == [3, 4, 5]
    (tracker,) = source.trackers
    assert tracker.steps() == [3, 4, 5]
    assert person.read().frame_idxs.tolist() == [3, 4, 5] and tracker.steps() == [3, 4, 5]
    assert (car.id, person.id) == (1, 2) and tracks.memory_bytes == 200
    car.end()
    assert tracks.memory_bytes == 100


def test_one_that_begins_later_begins_on_its_own_frame(source: Source, tracks: LiveTracks) -> None:
    car = begin(tracks)
    source.push(2)
    person = begin(tracks, "person")
    source.push(1)
    assert car.read().frame_idxs.tolist() == [3, 4, 5, 6]
    assert person.read().frame_idxs.tolist() == [5, 6]
    late = begin(tracks, "late")
    assert late.read().frame_idxs.tolist() == [], "its frame is tracked already: the next one"
    source.push(1)
    read = late.read()
    assert read.frame_idxs.tolist() == [7] and read.was_prompted.all()


def test_a_start_within_the_window(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks, start_s=0.4)
    assert track.read().frame_idxs.tolist() == [2, 3]
    for wrong in (9.0, "soon"):
        with pytest.raises(InputError, match="start_s: expected"):
            begin(tracks, start_s=wrong)


def test_one_ends_while_the_other_goes_on(source: Source, tracks: LiveTracks) -> None:
    car, person = begin(tracks), begin(tracks, "person")
    car.read()
    source.push(1)
    car.end()
    car.end()
    assert car.is_ended and car.events[-1].kind == "ended" and car.events[-1].frame_idx == 3
    source.push(1)
    assert person.read().frame_idxs.tolist() == [3, 4, 5]
    left = car.read()
    assert len(left) == 0 and [event.kind for event in left.events] == ["ended"]
    assert ("remove", 1) in source.trackers[0].calls
    with person:
        pass
    assert person.is_ended
    again = begin(tracks, "third")
    assert again.id == 3 and len(source.trackers) == 2, "an id never comes back"


def test_frames_that_left_the_window_are_counted(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks)
    track.read()
    source.push(10)
    late = begin(tracks, "late")
    assert track.read().frame_idxs.tolist() == list(range(6, 14))
    assert track.num_skipped == 2
    assert late.read().frame_idxs.tolist() == [13] and late.num_skipped == 0


def test_what_nobody_reads_is_bounded(
    source: Source, tracks: LiveTracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_track, "MAX_UNREAD_FRAMES", 5)
    car, person = begin(tracks), begin(tracks, "person")
    for _ in range(10):
        source.push(1)
        car.read()
    assert person.read().frame_idxs.tolist() == list(range(9, 14)) and person.num_skipped == 6
    assert car.num_skipped == 0


def test_a_lost_object_asks_the_model_again(source: Source, tracks: LiveTracks) -> None:
    source.script = lambda number, idx: GONE if 4 < idx < 14 else Seen(8)
    track = begin(tracks)
    for _ in range(14):
        source.push(1)
        track.read()
    kinds = [(event.kind.value, event.frame_idx) for event in track.events]
    assert kinds == [("born", 3), ("lost", 5), ("found", 14)]
    assert len(source.asked) > 1 and repr(track) == "LiveTrack(1, 'car', under way, 3.50 s: found)"


def test_an_object_that_is_not_there_yet_is_waited_for(source: Source, tracks: LiveTracks) -> None:
    source.named = lambda expression: None if source.num_frames < 8 else state_of(1)
    track = begin(tracks, target=Target("car", None, "car", allow_absent=True))
    assert len(track.read()) == 0 and not track.events
    source.push(2)
    assert len(track.read()) == 0
    source.push(2)
    read = track.read()
    # Looked for each half second: on frames 3, 5 and 7.
    assert read.frame_idxs.tolist() == [7] and read.events[0].kind == "born"
    assert {allow_absent for _, allow_absent in source.asked} == {True}


def test_other_settings_have_a_tracker_of_their_own(source: Source, tracks: LiveTracks) -> None:
    cheap = begin(tracks, settings=TrackerSettings("sam2", 1, 1))
    good = begin(tracks)
    assert len(source.trackers) == 2
    cheap.read()
    assert [tracker.steps() for tracker in source.trackers] == [[3], [3]]
    assert (cheap.id, good.id) == (1, 2) and len(good.read()) == 1


def test_a_cancelled_reading_is_taken_up_by_the_next(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks)
    source.push(3)
    token = CancellationToken()
    source.on_step = lambda idx: token.cancel() if idx == 5 else None
    assert track.read(cancel=token).frame_idxs.tolist() == [3, 4]
    source.on_step = lambda idx: None
    assert track.read().frame_idxs.tolist() == [5, 6]


def test_a_cancelled_begin_leaves_nothing(source: Source, tracks: LiveTracks) -> None:
    def cancelled(expression: str) -> Any:
        raise CancelledError("stream: expected to go on")

    source.named = cancelled
    with pytest.raises(CancelledError):
        begin(tracks)
    source.named = lambda expression: state_of(1)
    assert begin(tracks).read().id == 1


def test_the_stream_ends_its_tracks(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks)
    track.read()
    tracks.close()
    assert track.is_ended and track.events[-1].kind == "ended"
    assert [event.kind for event in track.read().events] == ["ended"]
    track.end()
    with pytest.raises(StateError, match="expected an open stream, it is closed"):
        begin(tracks)


def test_a_track_that_could_not_end_is_still_there(source: Source, tracks: LiveTracks) -> None:
    track = begin(tracks)
    track.read()
    tracker = source.trackers[0]
    removed = tracker.remove

    def busy(object_id: int) -> None:
        raise StateError("tracker: expected one thread at a time")

    tracker.remove = busy  # type: ignore[method-assign]
    with pytest.raises(StateError, match="one thread"):
        track.end()
    tracker.remove = removed  # type: ignore[method-assign]
    source.push(1)
    assert not track.is_ended and len(track.read()) == 1
    track.end()
    assert track.is_ended and track.events[-1].kind == "ended"


def test_a_track_may_begin_before_one_that_was_not_read(source: Source, tracks: LiveTracks) -> None:
    new = begin(tracks)
    old = begin(tracks, "person", start_s=0.25)
    assert old.read().frame_idxs.tolist() == [1, 2, 3]
    assert new.read().frame_idxs.tolist() == [3] and new.num_skipped == old.num_skipped == 0
