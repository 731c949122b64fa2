"""Events of tracks: zones, lines, counts, worked out by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch.engine.facts import Crossed, Event, FoundObject, Judged, Tracked

PARTS = """
zones: {left: [0, 0, 0.5, 1]}
lines:
  gate: {points: [[0.2, 0.5], [0.8, 0.5]], inside: below}
  post: {points: [[0.5, 0.2], [0.5, 0.8]]}
"""
IN, OUT = (0.25, 0.5), (0.75, 0.5)
Frames = list[dict[str, tuple[float, ...]]]


def timeline(keys: str, frames: Frames, step_s: float = 1.0) -> Timeline:
    """Frames of one rule, `step_s` apart, then the end of the stream."""
    line = Timeline(f"{PARTS}rules: {{car: {{track: the car, {keys}}}}}")
    for number, boxes in enumerate(frames):
        line.track("car", number * step_s, **boxes)  # type: ignore[arg-type]
    line.end(len(frames) * step_s)
    return line


NONE: dict[str, tuple[float, ...]] = {}
ZONES = [
    ("in: left", [{"o1": OUT}, {"o1": IN}, {"o1": IN}, {"o1": OUT}], [(1.0, 2.0, 1.0, 3.0)]),
    ("in: left", [{"o1": OUT}, {"o1": OUT}], []),
    # Without a zone it is the whole picture.
    ("at_least: 2", [{"o1": IN}, {"o1": IN, "o2": OUT}, {"o2": OUT}], [(1.0, 1.0, 1.0, 2.0)]),
    ("in: left, at_least: 2", [{"o1": IN, "o2": IN}, {"o1": IN}], [(0.0, 0.0, 0.0, 1.0)]),
    ("in: left, at_most: 0", [{"o1": IN}, {"o1": OUT}, NONE], [(1.0, 2.0, 1.0, 3.0)]),
    # Not seen for less than 1.5 s: still there. Then it has left, and its event ends where it did.
    (
        "in: left, lost_s: 1.5",
        [{"o1": IN}, NONE, {"o1": IN}, NONE, NONE],
        [(0.0, 3.0, 0.0, 4.0)],
    ),
    # Two objects, one after the other: neither stays for two seconds.
    ("in: left, dwell_s: 2", [{"o1": IN}, {"o1": IN}, {"o2": IN}, {"o2": IN}], []),
    ("in: left, dwell_s: 2", [{"o1": IN}, {"o1": IN}, {"o1": IN}], [(2.0, 2.0, 2.0, 3.0)]),
    # Leaving and coming back begins anew.
    ("in: left, dwell_s: 2", [{"o1": IN}, {"o1": IN}, {"o1": OUT}, {"o1": IN}, {"o1": IN}], []),
    # `for_s` is of the zone, whoever is in it.
    ("in: left, for_s: 2", [{"o1": IN}, {"o1": IN, "o2": IN}, {"o2": IN}], [(0.0, 2.0, 2.0, 3.0)]),
    ("in: left, confirm: 2 of 2", [{"o1": IN}, {"o1": OUT}, {"o1": IN}, {"o1": OUT}], []),
]


@pytest.mark.parametrize(("keys", "frames", "events"), ZONES)
def test_objects_in_zones_make_events(
    keys: str, frames: Frames, events: list[tuple[float, float, float, float]]
) -> None:
    assert timeline(keys, frames).events == events


def test_the_anchor_decides_where_an_object_is() -> None:
    rules = "zones: {floor: [0, 0.5, 1, 1]}\nrules: {car: {track: the car, in: floor%s}}"
    box = (0.0, 0.0, 1.0, 0.75)
    for anchor, num_events in (("", 0), (", anchor: center", 0), (", anchor: bottom", 1)):
        line = Timeline(rules % anchor)
        line.track("car", 0.0, o1=box)
        assert len(line.edges) == num_events, anchor


def test_who_takes_part_is_told_and_judgements_are_told_when_they_change() -> None:
    line = timeline("in: left", [{"o7": IN}, {"o7": IN}, {"o7": IN, "o9": IN}, {"o9": IN}, NONE])
    start, end = (fact for fact in line.log if isinstance(fact, Event))
    assert start.object_ids == (7,) and end.object_ids == (7, 9)
    assert start.reason == "1 object is in left"
    judged = [
        (fact.time_s, fact.found, fact.state) for fact in line.log if isinstance(fact, Judged)
    ]
    assert judged == [
        (0.0, "1 object is in left", "start"),
        (1.0, "1 object is in left", "on"),
        (2.0, "2 objects are in left", "on"),
        (3.0, "1 object is in left", "on"),
        (4.0, "0 objects are in left", "end"),
    ]


ABOVE, BELOW, BESIDE = (0.5, 0.4), (0.5, 0.6), (0.1, 0.6)
# Frames a second apart; crossings as (time, object, direction); events as (start, end).
LINES = [
    ("", [{"o1": ABOVE}, {"o1": BELOW}], [(1.0, 1, "in")], [(1.0, 1.0)]),
    ("", [{"o1": BELOW}, {"o1": ABOVE}], [(1.0, 1, "out")], [(1.0, 1.0)]),
    ("direction: out", [{"o1": ABOVE}, {"o1": BELOW}], [(1.0, 1, "in")], []),
    # Around the end of the line is no crossing.
    ("", [{"o1": (0.1, 0.4)}, {"o1": BESIDE}], [], []),
    # A point on the line belongs to the side it came from.
    ("", [{"o1": ABOVE}, {"o1": (0.5, 0.5)}, {"o1": ABOVE}], [], []),
    ("", [{"o1": ABOVE}, {"o1": (0.5, 0.5)}, {"o1": BELOW}], [(2.0, 1, "in")], [(2.0, 2.0)]),
    # It crosses while nobody sees it.
    ("", [{"o1": ABOVE}, NONE, {"o1": BELOW}], [(2.0, 1, "in")], [(2.0, 2.0)]),
    # Another id is another object.
    ("", [{"o1": ABOVE}, {"o2": BELOW}], [], []),
    # Both on one frame are one event.
    (
        "",
        [{"o1": ABOVE, "o2": BELOW}, {"o1": BELOW, "o2": ABOVE}],
        [(1.0, 1, "in"), (1.0, 2, "out")],
        [(1.0, 1.0)],
    ),
    # It comes back within two seconds; later it stays.
    ("settle_s: 2", [{"o1": ABOVE}, {"o1": BELOW}, {"o1": ABOVE}, {"o1": ABOVE}], [], []),
    (
        "settle_s: 2",
        [{"o1": ABOVE}, {"o1": BELOW}, {"o1": BELOW}, {"o1": BELOW}],
        [(1.0, 1, "in")],
        [(1.0, 1.0)],
    ),
    (
        "cool_down_s: 2",
        [{"o1": ABOVE}, {"o1": BELOW}, {"o1": ABOVE}, {"o1": BELOW}],
        [(1.0, 1, "in"), (2.0, 1, "out"), (3.0, 1, "in")],
        [(1.0, 1.0), (3.0, 3.0)],
    ),
]


@pytest.mark.parametrize(("keys", "frames", "crossings", "events"), LINES)
def test_crossings(
    keys: str,
    frames: Frames,
    crossings: list[tuple[float, int, str]],
    events: list[tuple[float, float]],
) -> None:
    line = timeline(", ".join(filter(None, ("crosses: gate", keys))), frames)
    crossed = [fact for fact in line.log if isinstance(fact, Crossed)]
    assert [(each.time_s, each.object_id, each.direction) for each in crossed] == crossings
    assert [event[:2] for event in line.events] == events
    assert [edge[:2] for edge in line.edges] == [
        (edge, idx + 1) for idx in range(len(events)) for edge in ("start", "end")
    ]


def test_crossings_are_counted_by_direction() -> None:
    frames: Frames = [{"o1": ABOVE}, {"o1": BELOW}, {"o1": ABOVE}, {"o1": BELOW}]
    crossed = [f for f in timeline("crosses: gate", frames).log if isinstance(f, Crossed)]
    assert [(each.num_in, each.num_out) for each in crossed] == [(1, 0), (1, 1), (2, 1)]
    start = next(f for f in timeline("crosses: gate", frames).log if isinstance(f, Event))
    assert start.reason == "object 1 crossed gate in" and start.object_ids == (1,)


def test_a_line_without_an_inside_counts_all() -> None:
    frames: Frames = [{"o1": (0.4, 0.5)}, {"o1": (0.6, 0.5)}, {"o1": (0.4, 0.5)}]
    crossed = [f for f in timeline("crosses: post", frames).log if isinstance(f, Crossed)]
    assert [(each.direction, each.num_in, each.num_out) for each in crossed] == [
        ("any", 1, 0),
        ("any", 2, 0),
    ]


def test_after_a_gap_nobody_knows_where_an_object_came_from() -> None:
    line = Timeline(f"{PARTS}rules: {{car: {{track: the car, crosses: gate}}}}")
    line.track("car", 0.0, o1=ABOVE)
    line.gap(0.0, 5.0)
    line.track("car", 6.0, o1=BELOW)
    assert line.edges == []


def test_objects_that_are_gone_are_forgotten() -> None:
    line = Timeline(f"{PARTS}rules: {{car: {{track: the car, crosses: gate}}}}")
    line.track("car", 0.0, o1=ABOVE)
    line.track("car", 61.0)
    line.track("car", 62.0, o1=BELOW)
    assert line.edges == []


def test_tracks_that_contradict_the_facts_are_refused() -> None:
    line = Timeline(f"{PARTS}rules: {{car: {{track: the car}}, a: {{yes_no: Is it?, every_s: 1}}}}")
    line.frame(0.0)
    thing = FoundObject(1, 0.0, 0.0, 1.0, 1.0)
    for fact, words in (
        (Tracked("a", 0, 0.0), "a question of the kind track"),
        (Tracked("car", 1, 1.0), "a frame that was taken"),
    ):
        with pytest.raises(InputError, match=words):
            line.engine.take(fact)
    with pytest.raises(InputError, match="tracked: objects: expected each id once"):
        Tracked("car", 0, 0.0, (thing, thing))
    line.take(Tracked("car", 0, 0.0))
    with pytest.raises(InputError, match="frame_idx above 0, got 0"):
        line.engine.take(Tracked("car", 0, 0.0))
