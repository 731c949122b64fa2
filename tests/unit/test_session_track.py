"""`Session.track` on a real file, with a tracker that sees what a script says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.conftest import SHORT, TIMES_MS
from tests.unit.tracker_stand_in import Script, Seen, TrackerStandIn
from ufvideo_sdk import (
    CancellationToken,
    InputError,
    ObjectTrack,
    StopReason,
    TrackConfig,
    TrackResult,
    masks_from_json,
)
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.tracking.native_tracker import TrackerSettings

TIMES_S = [time_ms / 1000 for time_ms in TIMES_MS]
GONE = Seen(None, 0.1, -3.0)


class Trackers(list[TrackerStandIn]):
    """The trackers that calls of a session have opened, with one script for all of them."""

    def __init__(self) -> None:
        self.by_memory: Script = lambda number, idx: Seen(number * 8)
        self.by_language: Script = lambda number, idx: Seen(number * 8)
        self.on_step: Any = lambda idx: None
        self._states: dict[bytes, int] = {}

    def open(self, settings: TrackerSettings) -> TrackerStandIn:
        tracker = TrackerStandIn(
            lambda number, idx: self.by_memory(number, idx),
            lambda number, idx: self.by_language(number, idx),
            settings=settings,
            on_step=lambda idx: self.on_step(idx),
            number_of=lambda state: self._states.setdefault(state.tobytes(), len(self._states) + 1),
        )
        self.append(tracker)
        return tracker

    @property
    def walks(self) -> list[list[int]]:
        """Frames of the steps of each tracker that made one."""
        return [tracker.steps() for tracker in self if tracker.steps()]

    @property
    def looks(self) -> list[list[int]]:
        return [tracker.looks() for tracker in self if tracker.looks()]


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trackers]:
    opened = Trackers()

    def open_tracker(call: SessionCall, model: Any, settings: TrackerSettings) -> TrackerStandIn:
        return opened.open(settings)

    monkeypatch.setattr(SessionCall, "open_tracker", open_tracker)
    yield opened


def events_of(track: ObjectTrack) -> list[tuple[str, float]]:
    return [(event.kind.value, event.time_s) for event in track.events]


def test_forwards_from_the_first_frame(session: Any, trackers: Trackers) -> None:
    found = session.track("the ball", start_s=0.0)
    assert isinstance(found, TrackResult) and len(found) == 1
    (track,) = found
    assert trackers.walks == [list(range(40))] and trackers.looks == []
    assert track.frame_idxs.tolist() == list(range(40))
    assert track.times_s.tolist() == TIMES_S
    assert track.name == "the ball" == found.question and found.text == ""
    assert track.was_prompted.tolist() == [True] + [False] * 39
    assert set(track.runs) == {Seen(8).runs}
    assert_close(track.object_scores, np.full(40, 5.0, np.float32), EXACT)
    assert events_of(track) == [("born", TIMES_S[0]), ("ended", TIMES_S[39])]
    assert found.stop_reason is StopReason.END and not found.is_cancelled
    assert found.clip is session.clip and found.stats.stages["language_model"].num_calls > 0


def test_from_the_middle_memory_goes_backwards_first(session: Any, trackers: Trackers) -> None:
    (track,) = session.track("the ball", start_s=TIMES_S[25] - 0.001)
    assert trackers.walks == [list(range(25, -1, -1)), list(range(25, 40))]
    assert track.frame_idxs.tolist() == list(range(40))
    assert np.flatnonzero(track.was_prompted).tolist() == [25]
    assert events_of(track) == [("born", TIMES_S[0]), ("ended", TIMES_S[39])]


def test_by_default_it_starts_where_the_object_is_seen_best(
    session: Any, trackers: Trackers
) -> None:
    sampled = session.segment("the ball").masks[0].frame_idxs.tolist()
    best = sampled[5]
    trackers.by_language = lambda number, idx: Seen(
        8, 0.95 if idx == best else 0.99 if idx == sampled[2] else 0.5, -1.0 if idx < 15 else 2.0
    )
    assert sampled[2] < 15 < best, "the better mask is one of a frame without the object"
    trackers.clear()
    (track,) = session.track("the ball", tracking=TrackConfig(start_margin=0.45))
    assert np.flatnonzero(track.was_prompted).tolist() == [sampled[3]], "the first that comes near"
    trackers.clear()
    (track,) = session.track("the ball")
    assert trackers.looks == [sampled]
    assert np.flatnonzero(track.was_prompted).tolist() == [best]
    trackers.by_language = lambda number, idx: Seen(8, 0.9, -50.0 + idx)
    (track,) = session.track("the ball")
    assert np.flatnonzero(track.was_prompted).tolist()[0] == sampled[-1], "nearest to present"


def test_several_objects_share_every_step(session: Any, trackers: Trackers) -> None:
    found = session.track(["the ball", "the red square"], start_s=0.0)
    assert [track.name for track in found] == ["the ball", "the red square"]
    assert trackers.walks == [list(range(40))]
    assert [set(track.runs) for track in found] == [{Seen(8).runs}, {Seen(16).runs}]
    assert found.question == "the ball, the red square"
    assert found.object_names == ("the ball", "the red square")
    assert [len(frame.objects) for frame in found.by_frame()] == [2] * 40


def test_each_object_starts_on_its_own_frame(session: Any, trackers: Trackers) -> None:
    sampled = session.segment("the ball").masks[0].frame_idxs.tolist()
    best = {1: sampled[1], 2: sampled[6]}
    trackers.by_language = lambda number, idx: Seen(number * 8, 0.9 if idx == best[number] else 0.6)
    found = session.track(["the ball", "the red square"])
    assert trackers.walks == [
        list(range(sampled[6], -1, -1)),
        list(range(sampled[1], 40)),
    ]
    for number, track in enumerate(found, start=1):
        assert track.frame_idxs.tolist() == list(range(40))
        assert np.flatnonzero(track.was_prompted).tolist() == [best[number]]


def test_ids_never_come_back(session: Any, trackers: Trackers) -> None:
    ids = [track.id for _ in range(3) for track in session.track(["a ball", "a square"])]
    assert ids == [1, 2, 3, 4, 5, 6]


def test_events_are_seconds_of_the_file(session: Any, trackers: Trackers) -> None:
    """A file of variable frame rate: what counts is how long, not how many frames."""
    away = range(20, 31)
    trackers.by_memory = lambda number, idx: GONE if idx in away else Seen(8)
    trackers.by_language = trackers.by_memory
    seconds = TIMES_S[30] - TIMES_S[20]
    for config, is_lost in (
        (TrackConfig(lost_s=seconds - 0.001), True),
        (TrackConfig(lost_s=seconds + 0.001), False),
    ):
        (track,) = session.track("the ball", start_s=0.0, tracking=config)
        lost = [("lost", TIMES_S[20]), ("found", TIMES_S[31])] if is_lost else []
        assert events_of(track) == [("born", TIMES_S[0]), *lost, ("ended", TIMES_S[39])]
    (back,) = session.track("the ball", start_s=TIMES_S[35], tracking=TrackConfig(lost_s=0.1))
    assert events_of(back) == [
        ("born", TIMES_S[0]),
        ("lost", TIMES_S[20]),
        ("found", TIMES_S[31]),
        ("ended", TIMES_S[39]),
    ], "whichever way they were walked"


def test_an_absent_object_has_no_pixels_unless_asked_for(session: Any, trackers: Trackers) -> None:
    trackers.by_memory = lambda number, idx: Seen(8, 0.9, -1.0 if idx == 5 else 5.0)
    (track,) = session.track("the ball", start_s=0.0)
    assert track[5].is_empty and not track.is_present[5] and not track[6].is_empty
    config = TrackConfig(hide_absent=False)
    (shown,) = session.track("the ball", start_s=0.0, tracking=config)
    assert shown.runs[5] == Seen(8).runs


def test_a_lost_object_is_prompted_again(session: Any, trackers: Trackers) -> None:
    trackers.by_memory = lambda number, idx: GONE if idx > 9 else Seen(8)
    trackers.by_language = lambda number, idx: GONE if 9 < idx < 25 else Seen(48)
    config = TrackConfig(lost_s=0.1, retry_s=0.0)
    (track,) = session.track("the ball", start_s=0.0, tracking=config)
    kinds = [event.kind.value for event in track.events]
    assert kinds[:3] == ["born", "lost", "found"]
    assert track.events[2].frame_idx == 25 and track.was_prompted[25]
    assert track.runs[25] == Seen(48).runs
    (left,) = session.track("the ball", start_s=0.0, tracking=config, reprompt=None)
    assert [event.kind.value for event in left.events] == ["born", "lost", "ended"]


def test_verify_asks_for_a_second_opinion(session: Any, trackers: Trackers) -> None:
    trackers.by_memory = lambda number, idx: Seen(8 if idx < 12 else 60)
    trackers.by_language = lambda number, idx: Seen(8)
    (track,) = session.track("the ball", start_s=0.0, verify_s=0.2)
    drift = next(event for event in track.events if event.kind == "drift")
    assert drift.frame_idx >= 12 and drift.time_s - TIMES_S[12] < 0.5
    assert track.was_prompted[drift.frame_idx + 1]
    assert "drift" not in [event.kind for event in session.track("the ball", start_s=0.0)[0].events]


def test_settings_reach_the_tracker(session: Any, trackers: Trackers) -> None:
    config = TrackConfig(max_prompted=2)
    session.track("ball", start_s=0.0, memory="distractor", num_memories=3, tracking=config)
    assert {tracker.settings for tracker in trackers} == {TrackerSettings("distractor", 3, 2)}


def test_frames_are_walked_in_the_order_of_time(session: Any, trackers: Trackers) -> None:
    (track,) = session.track("ball", start_s=0.0, frames=[9, 3, 30, 12])
    assert trackers.walks == [[3, 9, 12, 30]]
    assert track.frame_idxs.tolist() == [3, 9, 12, 30]
    (track,) = session.track("ball", frames=range(0, 40, 4), start_s=TIMES_S[5])
    assert np.flatnonzero(track.was_prompted).tolist() == [2], "frame 8 is the first from then on"


def test_a_segmentation_names_an_object_too(session: Any, trackers: Trackers) -> None:
    segmented = session.segment("the ball")
    assert segmented.seg_hidden_states.shape[0] == 1
    found = session.track(segmented, start_s=0.0)
    assert found[0].name == "the ball"
    first = session.track("the ball", start_s=0.0)
    assert found[0].runs == first[0].runs, "the same state"


def test_an_answer_names_its_objects(segmenting: Any, trackers: Trackers) -> None:
    answer = segmenting.ask("segment", config=SHORT)
    assert len(answer.seg_hidden_states) == len(answer.masks) == 1
    with pytest.raises(ValueError, match="read-only"):
        answer.seg_hidden_states[0, 0] = 1
    found = segmenting.track([answer, "the ball"], start_s=0.0)
    assert [track.name for track in found] == ["object 1", "the ball"]
    assert found.stats.num_prefill_tokens > 0


def test_masks_come_in_the_order_of_the_frames(session: Any, trackers: Trackers) -> None:
    seen: list[Any] = []

    def on_masks(result: TrackResult, found: Any, pixels: Any) -> None:
        assert len(result) == 0 and result.object_names == () and result.object_name(1) == "square"
        assert pixels.shape == (64, 96, 3) and pixels.dtype == np.uint8
        seen.append(found)

    options = {"start_s": TIMES_S[20], "on_masks": on_masks}
    found = session.track(["ball", "square"], **options)
    assert [each.frame_idx for each in seen] == list(range(40))
    assert seen == list(found.by_frame())


def test_progress_counts_prompts_looks_and_both_passes(session: Any, trackers: Trackers) -> None:
    told: list[tuple[int, int]] = []
    session.track("the ball", on_progress=lambda done, total: told.append((done, total)))
    phases = [list(group) for _, group in itertools.groupby(told, lambda each: each[1])]
    assert all(phase[0][0] == 0 and phase[-1][0] == phase[-1][1] for phase in phases)
    assert [len(phase) - 1 for phase in phases[-2:]] == [8, phases[-1][0][1]]
    assert phases[-1][0][1] > 40


@pytest.mark.parametrize("by", ["token", "session"])
def test_a_cancel_keeps_the_frames_that_are_done(session: Any, trackers: Trackers, by: str) -> None:
    (whole,) = session.track("the ball", start_s=TIMES_S[10])
    token = CancellationToken()
    ends = iter([False] * 30 + [True] * 100)

    def on_step(idx: int) -> None:
        if next(ends):
            token.cancel() if by == "token" else session.cancel()

    trackers.on_step = on_step
    found = session.track("the ball", start_s=TIMES_S[10], cancel=token)
    assert found.is_cancelled and found.stop_reason is StopReason.CANCELLED
    (track,) = found
    # 11 frames backwards, then 19 from the start on.
    assert track.frame_idxs.tolist() == list(range(29))
    assert track.runs == whole.runs[:29]
    assert track.events[-1].kind == "ended" and track.events[-1].frame_idx == 28
    trackers.on_step = lambda idx: None
    assert session.track("the ball", start_s=TIMES_S[10])[0].runs == whole.runs


def test_a_cancel_backwards_keeps_what_lies_before_the_start(
    session: Any, trackers: Trackers
) -> None:
    token = CancellationToken()
    trackers.on_step = lambda idx: token.cancel() if idx == 4 else None
    (track,) = session.track("the ball", start_s=TIMES_S[10], cancel=token)
    assert track.frame_idxs.tolist() == list(range(5, 11))


def test_cancelled_before_it_begins(session: Any, trackers: Trackers) -> None:
    token = CancellationToken()
    token.cancel()
    found = session.track("the ball", cancel=token)
    assert found.is_cancelled and len(found) == 0 and trackers.walks == []


def test_a_callback_may_end_it_with_its_own_error(session: Any, trackers: Trackers) -> None:
    def on_masks(*_: Any) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        session.track("the ball", on_masks=on_masks)
    assert session.track("the ball")


def test_results_survive_json_copies_and_slices(session: Any, trackers: Trackers) -> None:
    trackers.by_memory = lambda number, idx: GONE if 10 < idx < 30 else Seen(number * 8)
    trackers.by_language = lambda number, idx: GONE if 10 < idx < 30 else Seen(number * 8)
    found = session.track(["the ball", "the red square"], start_s=0.0)
    assert masks_from_json(found.to_json()) == tuple(found)
    assert found.to_dict()["masks"][1]["events"][1]["kind"] == "lost"
    assert [event.time_s for event in found.events] == sorted(e.time_s for e in found.events)


def test_it_shows_and_saves_itself(session: Any, trackers: Trackers, tmp_path: Any) -> None:
    found = session.track(["the ball", "the red square"])
    for name in ("out.mp4", "out.png", "out.json"):
        found.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 500
    found.save_masks(tmp_path / "masks")
    assert len(list((tmp_path / "masks" / "object_2").iterdir())) == 40
    assert "the red square" in found._repr_html_()
    assert {each["track_id"] for each in found.to_coco()["annotations"]} == {1, 2}
    assert repr(found).startswith("TrackResult('the ball, the red square', 2 masks on 40 frames")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"target": 3}, "track: expected an expression, an answer, or a sequence"),
        ({"target": []}, "track: expected an expression, an answer, or a sequence"),
        ({"target": ["ball", 3]}, r"track\[1\]: expected an expression or an answer, got int 3"),
        ({"target": ""}, "expression: expected words"),
        ({"start_s": 99.0}, "start_s: expected seconds within the frames to track"),
        ({"start_s": "now"}, "start_s: expected seconds or None"),
        ({"frames": [99]}, "frames: expected frames of the clip"),
        ({"frames": "tracked"}, 'frames: expected "sampled", "all" or indices'),
        ({"memory": 3}, "memory: expected a str, got int 3"),
        ({"num_memories": 0}, "num_memories: expected an integer of 1 or more, got int 0"),
        ({"reprompt": "often"}, 'reprompt: expected "lost"'),
        ({"verify_s": 0}, "verify_s: expected seconds above 0"),
        ({"allow_absent": 1}, "allow_absent: expected a bool"),
        ({"tracking": {"lost_s": 1}}, r"give TrackConfig\(lost_s=1\)"),
        ({"on_masks": 3}, "on_masks: expected a callable"),
        ({"lost_s": 1.0}, r"expected tracking=TrackConfig\(lost_s=1.0\)"),
    ],
)
def test_arguments_are_checked_before_anything_runs(
    session: Any, trackers: Trackers, arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        session.track(**{"target": "the ball", **arguments})
    assert trackers.walks == []


def test_answers_about_other_clips_and_without_objects_are_refused(
    session: Any, segmenting: Any, trackers: Trackers
) -> None:
    with pytest.raises(InputError, match="expected an answer about the session's own clip"):
        session.track(segmenting.segment("the ball"))
    with pytest.raises(InputError, match=r"expected an answer with a \[SEG\], got Answer"):
        session.track(session.ask("What moves?", config=SHORT))


def test_an_image_cannot_be_tracked_in(model: Any, trackers: Trackers) -> None:
    with model.open(np.zeros((64, 96, 3), np.uint8)) as image:
        with pytest.raises(InputError, match="track: expected a video, an image has one frame"):
            image.track("the ball")
        with pytest.raises(InputError, match='expected a video for "tracked", got an image'):
            image.ask("Segment the ball.", segment_frames="tracked")


def test_masks_of_an_answer_may_be_tracked(segmenting: Any, trackers: Trackers) -> None:
    # Whatever the state: a prefix that is reused rounds another way.
    trackers.by_memory = trackers.by_language = lambda number, idx: Seen(idx)
    seen: list[int] = []
    answer = segmenting.ask(
        "segment",
        segment_frames="tracked",
        config=SHORT,
        on_masks=lambda answer, found, pixels: seen.append(found.frame_idx),
    )
    idxs = segmenting.clip.frame_idxs.tolist()
    (track,) = answer.masks
    assert isinstance(track, ObjectTrack) and track.name == "object 1"
    assert track.frame_idxs.tolist() == seen == idxs
    assert track.was_prompted.sum() == 1 and track.events[0].kind == "born"
    plain = segmenting.ask("segment", config=SHORT)
    assert plain.text == answer.text and not isinstance(plain.masks[0], ObjectTrack)
    stream = segmenting.stream("segment", segment_frames="tracked", config=SHORT)
    list(stream)
    assert stream.answer.masks[0].runs == track.runs
    from ufvideo_sdk import Ask

    (many,) = segmenting.ask_many([Ask("segment", segment_frames="tracked")], config=SHORT)
    assert many.masks[0].runs == track.runs and many.masks[0].id > track.id
