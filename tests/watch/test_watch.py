"""Cameras that are watched: turns, gaps, ends, notices and status."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.scripted import END, ScriptedCapture, clip_frames, opener, taken
from ufvideo_sdk import (
    CapacityError,
    ConfigError,
    InferenceError,
    InputError,
    StateError,
    Stream,
    demo_clip,
)
from ufvideo_sdk.watch import (
    CameraEvent,
    CaptureOptions,
    Retention,
    Rules,
    WatchOptions,
    WindowOptions,
    open_watch,
    watch,
)
from ufvideo_sdk.watch.engine.fact_log import read_facts
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Ended, Failed, Frame, Gap, Tracked
from ufvideo_sdk.watch.sources import CaptureGap, CaptureNotice

PRESENCE = """
rules:
  triangle: {text: What does the purple triangle do?, matches: ., every_s: 1}
"""
OPTIONS = WatchOptions(capture=CaptureOptions(sample_fps=8.0))


def recorded(options_folder: Path, *items: Any, rules: str = PRESENCE, nano: Any) -> list[Any]:
    """The facts of a script."""
    capture = ScriptedCapture(items)
    options = WatchOptions(record=options_folder, window=WindowOptions(first_frames=4))
    list(watch(nano, opener(capture), Rules.parse(rules), options=options))
    assert capture.is_closed
    (log,) = options_folder.glob("camera/*/facts.jsonl")
    return list(read_facts(log))


def test_a_file_is_watched_to_its_end(nano: Any) -> None:
    events = list(watch(nano, demo_clip(), Rules.parse(PRESENCE), options=OPTIONS))
    assert [(each.camera, each.rule, each.edge, each.id) for each in events] == [
        ("camera", "triangle", "start", 1),
        ("camera", "triangle", "end", 1),
    ]
    assert "end of the file" in str(events[1])
    assert events[1].end_s == events[1].event.end_s
    assert '"rule":"triangle"' in events[0].to_json()


def test_on_event_is_called_and_its_error_ends_the_watch(nano: Any) -> None:
    told: list[CameraEvent] = []
    rules = Rules.parse(PRESENCE)
    assert watch(nano, demo_clip(), rules, options=OPTIONS, on_event=told.append) is None
    assert [each.edge for each in told] == ["start", "end"]

    capture = ScriptedCapture([taken(p, i / 8) for i, p in enumerate(clip_frames())])

    def fails(_: CameraEvent) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watch(nano, opener(capture), rules, options=OPTIONS, on_event=fails)
    assert capture.is_closed


def test_questions_wait_for_a_whole_window_and_at_the_end_ask_about_what_there_is(
    nano: Any, tmp_path: Path
) -> None:
    frames = clip_frames()
    short = [taken(p, i / 8) for i, p in enumerate(frames[:7])]
    capture = ScriptedCapture([*short, END])
    options = WatchOptions(record=tmp_path)
    list(watch(nano, opener(capture), Rules.parse(PRESENCE), options=options))
    (log,) = tmp_path.glob("camera/*/facts.jsonl")
    asked = [fact for fact in read_facts(log) if isinstance(fact, Asked)]
    # Of seven frames the last one has no pair.
    assert [(each.frame_idx, each.window_start_s) for each in asked] == [(5, 0.0)]


def test_frames_that_wait_are_looked_at_before_a_question_is_asked(
    nano: Any, tmp_path: Path
) -> None:
    frames = clip_frames()
    items = [taken(p, i / 8) for i, p in enumerate(frames[:20])]
    facts = recorded(tmp_path, *items[:6], None, *items[6:], None, END, nano=nano)
    asked = [fact.frame_idx for fact in facts if isinstance(fact, Asked)]
    # It was due at frame 13.
    assert asked == [5, 19]


def test_questions_have_their_turn_where_frames_never_cease_to_wait(
    nano: Any, tmp_path: Path
) -> None:
    class Pressing(ScriptedCapture):
        """The next frame comes while one is looked at."""

        def take(self, timeout_s: float) -> Any:
            threading.Event().wait(0.06)
            return super().take(timeout_s)

    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:40])]
    capture = Pressing([*items, END])
    options = WatchOptions(record=tmp_path, window=WindowOptions(first_frames=4))
    list(watch(nano, opener(capture), Rules.parse(PRESENCE), options=options))
    (log,) = tmp_path.glob("camera/*/facts.jsonl")
    asked = [fact.time_s for fact in read_facts(log) if isinstance(fact, Asked)]
    # Of five seconds, each second or so; not once, when frames cease to come.
    assert len(asked) >= 3


def test_a_gap_begins_the_window_anew_and_numbers_go_on(nano: Any, tmp_path: Path) -> None:
    frames = clip_frames()
    first = [taken(p, i / 8) for i, p in enumerate(frames[:8])]
    gap = CaptureGap(0.9, 20.0, "connection lost")
    second = [taken(p, 20.0 + i / 8, section=1) for i, p in enumerate(frames[8:16])]
    facts = recorded(tmp_path, *first, None, gap, *second, None, END, nano=nano)
    gaps = [fact for fact in facts if isinstance(fact, Gap)]
    assert [(each.start_s, each.end_s, each.cause) for each in gaps] == [
        (0.9, 20.0, "connection lost")
    ]
    assert [fact.frame_idx for fact in facts if isinstance(fact, Frame)] == list(range(16))
    asked = [fact for fact in facts if isinstance(fact, Asked)]
    assert [each.window_start_s for each in asked] == [0.0, 20.0]
    changes = [fact.change for fact in facts if isinstance(fact, Frame)]
    assert [index for index, change in enumerate(changes) if change is None] == [0, 8]


def test_a_frame_of_another_size_is_a_gap(nano: Any, tmp_path: Path) -> None:
    frames = clip_frames()
    small = [frame[::2, ::2].copy() for frame in frames[6:12]]
    items = [taken(p, i / 8) for i, p in enumerate([*frames[:6], *small])]
    facts = recorded(tmp_path, *items, None, END, nano=nano)
    (gap,) = [fact for fact in facts if isinstance(fact, Gap)]
    assert (gap.start_s, gap.end_s, gap.cause) == (0.625, 0.75, "another size")
    assert any(isinstance(fact, Ended) for fact in facts)


def test_tracked_objects_are_told_on_every_frame(nano: Any, tmp_path: Path) -> None:
    rules = "rules:\n  there: {track: the purple triangle}\n"
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[10:34])]
    facts = recorded(tmp_path, *items, END, rules=rules, nano=nano)
    tracked = [fact for fact in facts if isinstance(fact, Tracked)]
    # Two frames make a window, in which the object is looked for.
    assert [each.frame_idx for each in tracked] == list(range(1, 24))
    assert sum(bool(each.objects) for each in tracked) > 4
    assert {each.objects[0].id for each in tracked if each.objects} == {1}


def test_cameras_take_turns_in_their_order(nano: Any, tmp_path: Path) -> None:
    frames = clip_frames()
    captures = {
        name: ScriptedCapture([*(taken(p, i / 8) for i, p in enumerate(frames[:16])), END])
        for name in ("door", "yard")
    }
    events = list(
        watch(
            nano,
            {name: opener(capture) for name, capture in captures.items()},
            Rules.parse(PRESENCE),
            options=WatchOptions(record=tmp_path, window=WindowOptions(first_frames=2)),
        )
    )
    assert [(each.camera, each.edge) for each in events] == [
        ("door", "start"),
        ("door", "end"),
        ("yard", "start"),
        ("yard", "end"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["door", "yard"]


def test_notices_are_told_and_shown_and_kept(nano: Any, tmp_path: Path) -> None:
    notices: list[Any] = []
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:4])]
    capture = ScriptedCapture([*items, CaptureNotice("dark", 0.4, "nothing is seen"), END])
    told = watch(
        nano,
        opener(capture),
        Rules.parse(PRESENCE),
        options=WatchOptions(record=tmp_path),
        on_notice=notices.append,
    )
    assert [each.edge for each in told] == ["start", "end"]
    assert [str(each) for each in notices] == ["camera: 0.40 s: dark: nothing is seen"]
    (camera,) = told.watch.status.cameras
    assert [each.kind for each in camera.notices] == ["dark"]
    (log,) = tmp_path.glob("camera/*/capture.jsonl")
    assert '"what":"notice","kind":"dark","time_s":0.4' in log.read_text()
    assert '"what":"drops","cause":"grid","num_frames":3' in log.read_text()


def test_stop_from_another_thread_ends_what_is_under_way(nano: Any, tmp_path: Path) -> None:
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames())]
    capture = ScriptedCapture(items, endless=True)
    run = open_watch(
        nano,
        opener(capture),
        Rules.parse(PRESENCE),
        options=WatchOptions(record=tmp_path),
    )
    edges = []
    for told in run:
        edges.append(told.edge)
        if told.edge == "start":
            threading.Timer(0.2, run.stop).start()
    assert edges == ["start", "end"]
    assert capture.is_closed
    (log,) = tmp_path.glob("camera/*/facts.jsonl")
    (ended,) = [fact for fact in read_facts(log) if isinstance(fact, Ended)]
    assert ended.cause == "stopped"
    with pytest.raises(StateError, match="has not begun"):
        iter(run)


def test_leaving_the_loop_finishes_what_is_under_way(nano: Any, tmp_path: Path) -> None:
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames())]
    capture = ScriptedCapture(items, endless=True)
    rules = Rules.parse(PRESENCE)
    events = watch(nano, opener(capture), rules, options=WatchOptions(record=tmp_path))
    for event in events:
        assert event.edge == "start"
        break
    events.close()
    assert capture.is_closed
    (log,) = tmp_path.glob("camera/*/events.jsonl")
    assert log.read_text().count('"edge":"end"') == 1


def test_a_status_says_what_happens(nano: Any) -> None:
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:24])]
    capture = ScriptedCapture(items, endless=True)
    run = open_watch(nano, opener(capture), Rules.parse(PRESENCE))
    for told in run:
        status = run.status
        if told.edge == "start":
            (camera,) = status.cameras
            assert (camera.state, camera.name, camera.source) == ("live", "camera", "a script")
            assert camera.num_frames == 24
            assert camera.looked_at_rate == pytest.approx(8.0)
            assert camera.wall_s == 1000.0 + 23 / 8
            assert [each.question for each in camera.answers] == ["triangle"]
            assert {"push", "ask", "vision_encoder"} <= {each.name for each in camera.stages}
            assert [each.rule for each in camera.under_way] == ["triangle"]
            assert status.memory_bytes > 0
            assert status.machine_share is not None and 0 <= status.machine_share <= 1.5
            run.stop()
    (camera,) = run.status.cameras
    assert camera.state == "ended"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "1 to 64 cameras"),
        (3, "expected a source, a list"),
        ({"a/b": "x.mp4"}, "name of a camera"),
        ({".hidden": "x.mp4"}, "name of a camera"),
        ({"a": 3}, "sources: a: expected a file"),
        ("missing.mp4", "missing.mp4"),
    ],
)
def test_sources_that_are_none_are_refused(nano: Any, sources: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(watch(nano, sources, Rules.parse(PRESENCE)))


def test_options_and_rules_that_do_not_hold_are_refused(nano: Any) -> None:
    rules = Rules.parse(PRESENCE)
    with pytest.raises(ConfigError, match="budget: expected a part of the machine"):
        watch(nano, "x.mp4", rules, options=WatchOptions(budget=1.5))
    with pytest.raises(ConfigError, match="close_timeout_s"):
        WatchOptions(close_timeout_s=-1)
    with pytest.raises(ConfigError, match="max_bytes: expected 1 MiB"):
        Retention(max_bytes=5)
    with pytest.raises(InputError, match=r"rules\['b'\]"):
        watch(nano, {"a": "x.mp4", "b": "y.mp4"}, {"a": rules})
    with pytest.raises(InputError, match="expected cameras of sources, got c"):
        watch(nano, {"a": "x.mp4"}, {"a": rules, "c": rules})


def test_a_source_that_cannot_be_opened_closes_those_before_it(nano: Any, tmp_path: Path) -> None:
    capture = ScriptedCapture([], endless=True)
    sources = {"first": opener(capture), "second": tmp_path / "missing.mp4"}
    with pytest.raises(InputError, match=r"missing\.mp4"):
        list(watch(nano, sources, Rules.parse(PRESENCE)))
    assert capture.is_closed


def test_a_question_that_fails_is_a_fact_and_the_next_one_is_asked(
    nano: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = """
rules:
  what: {text: What does the purple triangle do?, matches: ., every_s: 1}
  moves: {locate: the purple triangle moves up, every_s: 1}
"""
    asked = Stream.ask_many
    errors = [InferenceError("language_model: expected finite logits"), None]

    def fails(self: Stream, *arguments: Any, **options: Any) -> Any:
        error = errors.pop(0) if errors else None
        if error is not None:
            raise error
        return asked(self, *arguments, **options)

    monkeypatch.setattr(Stream, "ask_many", fails)
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:20])]
    facts = recorded(tmp_path, *items[:6], None, *items[6:], None, END, rules=rules, nano=nano)
    results = [
        (type(fact).__name__, fact.question, fact.frame_idx)
        for fact in facts
        if isinstance(fact, (Answered, Failed))
    ]
    assert results == [
        ("Failed", "what", 5),
        ("Answered", "moves", 5),
        ("Answered", "what", 19),
        ("Answered", "moves", 19),
    ]
    (failed,) = [fact for fact in facts if isinstance(fact, Failed)]
    assert failed.cause == "InferenceError: language_model: expected finite logits"


def test_an_object_that_cannot_be_tracked_is_a_notice(
    nano: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise CapacityError("expected memory for a tracker")

    monkeypatch.setattr(Stream, "segment", fails)
    notices: list[Any] = []
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:12])]
    events = watch(
        nano,
        opener(ScriptedCapture([*items, END])),
        Rules.parse("rules:\n  there: {track: the purple triangle}\n"),
        on_notice=notices.append,
    )
    assert list(events) == []
    # Tried again with every pair of frames half a second later, and said once in a row.
    assert {each.kind for each in notices} == {"tracking"}
    assert "CapacityError: expected memory for a tracker" in notices[0].text


def test_a_frame_for_which_there_is_no_memory_is_a_gap(
    nano: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = Stream.push
    counts = iter(range(100))

    def fails(self: Stream, *arguments: Any, **options: Any) -> None:
        if next(counts) == 4:
            raise CapacityError("expected memory for a frame")
        pushed(self, *arguments, **options)

    monkeypatch.setattr(Stream, "push", fails)
    items = [taken(p, i / 8) for i, p in enumerate(clip_frames()[:10])]
    facts = recorded(tmp_path, *items, END, nano=nano)
    (gap,) = [fact for fact in facts if isinstance(fact, Gap)]
    assert (gap.start_s, gap.end_s) == (0.375, 0.5)
    assert [f.time_s for f in facts if isinstance(f, Frame)] == [0, 0.125, 0.25, 0.375] + [
        i / 8 for i in range(5, 10)
    ]


def test_the_delay_of_answers_is_shown_where_frames_say_when_they_came(nano: Any) -> None:
    now_s = time.time()
    items = [
        replace(taken(p, i / 8, clock="arrival"), wall_s=now_s + i / 1000)
        for i, p in enumerate(clip_frames()[:8])
    ]
    options = WatchOptions(window=WindowOptions(frames=4))
    events = watch(
        nano, opener(ScriptedCapture([*items, END])), Rules.parse(PRESENCE), options=options
    )
    list(events)
    (camera,) = events.watch.status.cameras
    (delay,) = [each for each in camera.stages if each.name == "delay"]
    assert delay.num_calls >= 1 and 0 <= delay.mean_ms < 60_000
