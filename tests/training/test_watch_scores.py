"""Scores of watched streams, from facts made by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from training.evaluate.watch.__main__ import main
from training.evaluate.watch.chunks import CHUNK_S, joined, read_chunks, watch_chunks
from training.evaluate.watch.expected import Expected, expected_of
from training.evaluate.watch.matching import FoundEvent, Matches, events_of, match
from training.evaluate.watch.report import Floor, RuleScore, floors_of, table, to_json, track_lines
from training.evaluate.watch.tracks import track_scores
from training.streams import StreamTruth, TruthMove, TruthTrack, write_stream
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine.facts import Ended, Fact, FoundObject, Frame, Input, Tracked

RULES = Rules.load(Path("training/streams/street.yaml"))
TRUTH = StreamTruth(
    seed=1,
    duration_s=60.0,
    numbers=((0.0, 1), (10.0, 2), (12.0, 3), (17.0, 2), (30.0, 1)),
    tracks=(
        TruthTrack("red circle", 10.0, 20.0, ((10.0, 0.0, 0.2), (20.0, 1.0, 0.2))),
        TruthTrack("red circle", 24.0, 30.0, ((24.0, 0.9, 0.2), (30.0, 0.9, 0.2))),
        TruthTrack("red circle", 31.0, 33.0, ((31.0, 0.9, 0.2), (33.0, 0.9, 0.2))),
    ),
    moves=(
        TruthMove("yellow star", "right", 5.0, 6.0, True),
        TruthMove("yellow star", "right", 9.0, 10.0, False),
        TruthMove("yellow star", "left", 12.0, 13.0, True),
    ),
)


def expected(rule: str, window_s: float = 2.0) -> Expected:
    found = next(each for each in RULES.rules if each.name == rule)
    return expected_of(RULES, found, TRUTH, window_s)


def event(start_s: float, end_s: float, known_s: float) -> FoundEvent:
    return FoundEvent(start_s, end_s, known_s, end_s + 1)


def test_times_that_no_window_tells_apart_are_one() -> None:
    found = expected("red circle")
    assert found.kind == "yes_no" and found.interval_s == 1.0
    # 24 to 30 and 31 to 33: a window of two seconds always holds one of them.
    assert found.spans == ((10.0, 20.0), (24.0, 33.0))
    assert found.after_s == 2.0
    assert expected("red circle", 8.0).spans == ((10.0, 33.0),)


def test_short_times_need_not_be_told() -> None:
    assert expected("crowd").spans == ((12.0, 17.0),)
    assert expected("crowd", 12.0).optional == ((12.0, 17.0),)


def test_only_ways_between_two_stops_must_be_located() -> None:
    found = expected("star goes right")
    assert found.spans == ((5.0, 6.0),) and found.optional == ((9.0, 10.0),)


def test_zones_and_lines_follow_from_the_path() -> None:
    zone = expected("circle in corner")
    (first, second, third) = zone.spans
    assert first == pytest.approx((10 + 6.6 + 1, 20), abs=0.05)
    assert second == pytest.approx((25, 30), abs=0.05)
    # Two seconds there, of which it must have been there for one.
    assert third == pytest.approx((32, 33), abs=0.05)
    assert zone.optional == ()
    assert expected("circle at gate").spans == (pytest.approx((15, 15), abs=0.05),)


def test_words_that_the_truth_does_not_know_are_refused() -> None:
    text = "rules: {a: {yes_no: Is it raining?, every_s: 1}}"
    rules = Rules.parse(text)
    with pytest.raises(ValueError, match="Is it raining"):
        expected_of(rules, rules.rules[0], TRUTH, 2.0)


SPANS = Expected("a", "yes_no", ((10.0, 20.0), (30.0, 40.0)), ((50.0, 51.0),), 0.0, 2.0, 1.0)


def test_each_event_is_told_once() -> None:
    told = [event(11, 19, 11.5), event(31, 35, 32), event(50.5, 51, 51)]
    found = match(told, SPANS)
    assert (found.num_right, found.num_wrong, found.num_optional) == (2, 0, 1)
    assert found.delays_s == (1.5, 2.0) and found.end_delays_s == (0.0, -4.0)
    assert found.precision == found.recall == 1.0 and found.delay_s == 1.75


def test_a_second_event_of_one_span_is_wrong() -> None:
    found = match([event(11, 13, 12), event(15, 19, 16)], SPANS)
    assert (found.num_right, found.num_wrong) == (1, 1)
    assert found.precision == 0.5 and found.recall == 0.5


def test_an_event_behind_its_window_is_wrong() -> None:
    assert match([event(21.9, 23, 22)], SPANS).num_right == 1
    assert match([event(22.1, 23, 22)], SPANS).num_wrong == 1
    assert match([event(5, 9.9, 6)], SPANS).num_wrong == 1


def test_nothing_told_has_no_precision_and_no_delay() -> None:
    found = match([], SPANS)
    assert found.precision is None and found.delay_s is None and found.recall == 0
    assert Matches().recall is None


def tracked(boxes: Sequence[tuple[float, int]]) -> list[Fact]:
    """Facts of an engine that sees an object along x, one frame every half second."""
    engine = Engine(RULES)
    facts: list[Fact] = [engine.opened("street")]

    def tell(fact: Input) -> None:
        facts.extend([fact, *engine.take(fact)])

    for number, (x, idx) in enumerate(boxes):
        time_s = number / 2
        tell(Frame(number, time_s))
        at = () if x < 0 else (FoundObject(idx, max(x - 0.05, 0), 0.1, min(x + 0.05, 1), 0.3),)
        tell(Tracked("the red circle", number, time_s, at))
    tell(Ended(len(boxes) / 2, "the end"))
    return facts


def test_tracks_zones_and_lines_are_scored() -> None:
    there = [(0.1 * (t - 10), 1) if 10 <= t <= 20 else (-1.0, 1) for t in np.arange(0, 23, 0.5)]
    scores = track_scores(tracked(there), RULES, TRUTH)
    assert scores.num_tracks["the red circle"] == (1, 3)
    assert scores.crossings["circle at gate"] == ({"in": 1, "out": 0}, {"in": 1, "out": 0})
    # Of 2.4 s, 5 s and 1 s the first one.
    assert scores.zones["circle in corner"] == pytest.approx(2.4 / 8.4, abs=0.1)
    facts = tracked(there)
    assert match(events_of(facts, "circle at gate"), expected("circle at gate")).num_right == 1
    lines = track_lines([scores, scores])
    assert "tracks of the red circle: 2, true 6" in lines
    assert "circle at gate, in: 2, true 2" in lines


def test_floors_are_of_all_events_together() -> None:
    right = RuleScore(SPANS, match([event(11, 19, 11.5), event(31, 35, 32)], SPANS))
    assert all(floor.holds for floor in floors_of([right]))
    late = RuleScore(SPANS, match([event(11, 19, 12.1), event(31, 35, 32.1)], SPANS))
    assert [floor.holds for floor in floors_of([late])] == [True, True, False]
    wrong = RuleScore(SPANS, match([event(1, 2, 1), event(11, 19, 11.5)], SPANS))
    assert [floor.holds for floor in floors_of([wrong])] == [False, False, True]
    assert not any(floor.holds for floor in floors_of([]))
    assert "yes_no" in "\n".join(table([right], "nano"))
    told = to_json([right], floors_of([right]))
    assert told["all"] == dict(told["kinds"])["yes_no"]  # type: ignore[call-overload]
    assert str(Floor("recall", 0.5, 0.95)) == "recall: 0.500, at least 0.95: FAILS"


def test_neighbouring_chunks_are_one_event() -> None:
    told = [event(0, 9.9, 9.9), event(10, 19.9, 19.9), event(30, 39.9, 39.9)]
    assert [(e.start_s, e.end_s, e.known_s) for e in joined(told, 0.5)] == [
        (0, 19.9, 9.9),
        (30, 39.9, 39.9),
    ]


def test_chunks_of_a_file_are_asked_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "street.mp4"
    truth = write_stream(200009003, 40, path)
    chunks = list(read_chunks(path, 8.0))
    assert [round(float(chunk.times_s[0])) for chunk in chunks] == [0, 10, 20, 30]
    assert len(chunks[0].frames) == pytest.approx(8 * CHUNK_S, abs=1)
    run = watch_chunks(UFVideo.load(), path, RULES, 8.0)
    assert run.num_answers == 4 * 7 and run.num_frames == 4 * 16 and len(run.answer_s) == 4
    assert set(run.events) == {r.name for r in RULES.rules if "corner" not in r.name} - {
        "circle at gate"
    }
    for events in run.events.values():
        assert all(0 <= e.start_s <= e.end_s <= truth.duration_s + 0.1 for e in events)


@pytest.mark.slow
def test_command_watches_a_stream_beside_chunks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "scores.json"
    given = ["--files", "--minutes", "0.75", "--streams", "1", "--json", str(scores)]
    status = main([*given, "--keep", str(tmp_path)])
    output = capsys.readouterr().out
    told = json.loads(scores.read_text(encoding="utf-8"))
    assert status == (0 if all(floor["holds"] for floor in told["floors"]) else 1)
    assert told["all"]["num_right"] >= 5 and told["all"]["recall"] > 0.8
    for words in ("watched, 1.9 s window", "chunks of 10 s", "chunks, joined", "tracks of"):
        assert words in output
    assert len(list(tmp_path.glob("*.mp4"))) == 1
