"""Files of events in their folders: names, how long they are kept, and what a clip needs."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.rendered_camera import RenderedCamera, RenderedPictures
from tests.watch.test_event_files import ANSWERS, RULES, Listener, Watched
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Event, FoundObject, Frame, Tracked
from ufvideo_sdk.watch.rules.sink_settings import Keep
from ufvideo_sdk.watch.sinks.event_folder import remove_old
from ufvideo_sdk.watch.sinks.history import History
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sinks.ring_length import ring_s


def test_events_that_were_over_long_ago_are_forgotten() -> None:
    history = History(10.0)
    start = Event("start", 1, "long", 0.0, 0.0, None, 0.0, None, "", (), ())
    history.take(start)
    for number in range(2, 400):
        now_s = float(number)
        history.take(Frame(number, now_s))
        first = Event("start", number, "short", now_s, now_s, None, now_s, None, "", (), ())
        history.take(first)
        history.take(replace(first, edge="end", end_s=now_s, clip_end_s=now_s))
    events = history.past(0.0, 1e6).events
    # The one that goes on stays, and both edges of those of the latest seconds.
    assert events[0] == start and 140 <= len(events) <= 145


def test_boxes_stand_between_two_frames_where_a_picture_does() -> None:
    history = History(10.0)
    for number, left in enumerate((0.1, 0.2, 0.2)):
        time_s = 0.5 * number if number < 2 else 4.0
        history.take(Frame(number, time_s))
        box = FoundObject(7, left, 0.5, left + 0.1, 0.6)
        history.take(Tracked("walker", number, time_s, (box,)))
    past = history.past(0.0, 4.0)

    def left_at(time_s: float) -> list[float]:
        return [round(each.left, 3) for each in past.objects("walker", time_s)]

    assert (left_at(0.0), left_at(0.25), left_at(0.5)) == ([0.1], [0.15], [0.2])
    # What happens in a longer pause nobody knows.
    assert (left_at(1.4), left_at(2.0), left_at(4.0)) == ([0.2], [], [0.2])
    # Before the first frame there is none, and what is older than it is kept is gone.
    assert history.past(0.0, 4.0).objects("walker", -0.1) == ()
    for number in range(3, 60):
        history.take(Frame(number, 1.0 * number + 2.0))
        history.take(Tracked("walker", number, 1.0 * number + 2.0))
    assert len(history.past(0.0, 100.0).tracked["walker"]) <= 12


def test_a_folder_that_cannot_be_is_refused_before_the_watch(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for sink, where in (("clips", "clips"), ("snapshots", "snapshots")):
        rules = Rules.parse(f"{{sinks: {{{sink}: file}}, rules: {{r: {{track: a cat}}}}}}")
        with pytest.raises(InputError, match=f"{where}: expected a folder"):
            Outputs(rules, folder=tmp_path)


def test_how_much_a_ring_must_hold() -> None:
    def needed(rule: str, sinks: str = "{clips: c}") -> float:
        return ring_s(Rules.parse(f"{{sinks: {sinks}, rules: {{r: {{{rule}}}}}}}"))

    asked = "yes_no: Is it open?, every_s: 5"
    assert needed(asked, "{}") == 0.0
    assert needed(f"{asked}, sinks: [json_lines]") == 0.0
    # The longest clip, an answer's time, and an interval.
    assert needed(asked) == 60.0 + 10.0 + 5.0
    assert needed(f"{asked}, confirm: 2 of 3, for_s: 30, pre_roll_s: 7") == 70.0 + 15 + 30 + 7
    assert needed(f"{asked}", "{clips: {folder: c, max_s: 20}}") == 20.0 + 10.0 + 5.0
    assert needed("track: a cat, dwell_s: 40") == 70.0 + 40.0
    assert needed(f"{asked}, pre_roll_s: 3600") == 900.0


def test_names_of_files_are_plain_and_apart(tmp_path: Path) -> None:
    rules = Rules.parse(RULES.replace("SINKS", "snapshots: shots").replace("TRACKS", ""))
    outputs = Outputs(rules, folder=tmp_path)
    listener = Listener()
    outputs._publishers["webhook"] = listener
    for name in ("rtsp://host/a b", "rtsp:/host/a_b", "../../etc"):
        sink = outputs.open_camera(RenderedPictures(name), rules)
        RenderedCamera(rules, [sink], name).run(10.0, ANSWERS)
        sink.close(0.0)
    outputs.close(20.0)
    names = {path.name for message in listener.messages for path in message.snapshots}
    cameras = {name.split("-", 2)[2].partition("-0000")[0] for name in names}
    assert cameras == {"rtsp_host_a_b", "rtsp_host_a_b-2", "etc"}
    assert len({m.key for m in listener.messages}) == len(listener.messages) == 3


def aged(folder: Path, name: str, days: float, num_bytes: int = 10) -> None:
    path = folder / name
    path.write_bytes(bytes(num_bytes))
    then = time.time() - 86_400 * days
    os.utime(path, (then, then))


def test_old_files_of_events_are_removed_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    stem = "20260101T000000Z-00ff-door-000001-visitor"
    aged(folder, f"{stem}-start-1.jpg", 3.0)
    aged(folder, f"{stem}.mp4", 0.5)
    aged(folder, "holiday.jpg", 400.0)
    aged(folder, f"{stem}.txt", 400.0)
    watched = Watched(tmp_path, "snapshots: {folder: shots, keep_days: 2}")
    # Already when the watch begins.
    assert not (folder / f"{stem}-start-1.jpg").exists()
    watched.run().close()
    names = {path.name for path in folder.iterdir()}
    assert names >= {f"{stem}.mp4", "holiday.jpg", f"{stem}.txt"} and len(names) == 6


def test_beyond_its_size_a_folder_loses_its_oldest_files(tmp_path: Path) -> None:
    for number in range(1, 6):
        aged(tmp_path, f"20260101T000000Z-00ff-door-00000{number}-r.mp4", 10.0 - number, 400)
    newest = tmp_path / "20260101T000000Z-00ff-door-000006-r.mp4"
    newest.write_bytes(bytes(500))
    remove_old(tmp_path, Keep(gigabytes=1.4e-6), [newest])
    assert sorted(path.name[-10:] for path in tmp_path.iterdir()) == [
        "0004-r.mp4",
        "0005-r.mp4",
        "0006-r.mp4",
    ]
    # What was written just now stays, were it alone too large.
    remove_old(tmp_path, Keep(gigabytes=1e-9), [newest])
    assert list(tmp_path.iterdir()) == [newest]
    remove_old(tmp_path, Keep())
    assert list(tmp_path.iterdir()) == [newest]


def test_which_rules_have_an_event_at_a_time() -> None:
    history = History(10.0)
    start = Event("start", 1, "door", 4.0, 2.0, None, 2.0, None, "why", (1,), ())
    end = replace(start, edge="end", known_s=9.0, end_s=6.0, clip_end_s=6.0)
    other = replace(start, id=2, rule="gate", start_s=5.0, known_s=5.0)
    for event in (start, other, end):
        history.take(event)
    past = history.past(0.0, 20.0)
    active = [past.active_rules(time_s) for time_s in (1.0, 2.0, 5.0, 6.0, 7.0)]
    assert active == [set(), {"door"}, {"door", "gate"}, {"door", "gate"}, {"gate"}]
    # What is known at a time is another matter: the stream knows nothing of its future.
    assert [[e.id for e in past.open_events(t)] for t in (3.0, 4.0, 8.0, 9.0)] == [
        [],
        [1],
        [1, 2],
        [2],
    ]
