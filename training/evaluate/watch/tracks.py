"""Zones, lines and numbers of tracks beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.evaluate.watch.expected import crossings_of, name_of, stays_of
from training.streams import StreamTruth
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Crossed, Fact, Judged, Tracked
from ufvideo_sdk.watch.rules.rule import Crossing, Presence, Rule

_STEP_S = 0.1


@dataclass(frozen=True)
class TrackScores:
    """What was tracked beside what is true.

    Attributes:
        num_tracks: Of each question the tracks that it had, and those that it should have: one for
            each time that the thing is there.
        crossings: Of each rule about a line the crossings "in" and "out" that were counted, and
            those that there were.
        zones: Of each rule about a zone the part of time that is right: for how long both say that
            somebody is there, over how long one does.
    """

    num_tracks: dict[str, tuple[int, int]] = field(default_factory=dict)
    crossings: dict[str, tuple[dict[str, int], dict[str, int]]] = field(default_factory=dict)
    zones: dict[str, float] = field(default_factory=dict)


def track_scores(facts: Sequence[Fact], rules: Rules, truth: StreamTruth) -> TrackScores:
    """Score everything that was tracked.

    Args:
        facts: Of one camera, in order.
        rules: That it was watched by.
        truth: What is true of the stream.
    """
    scores = TrackScores()
    for question in rules.questions:
        if question.schedule is None:
            ids = {
                each.id
                for fact in facts
                if isinstance(fact, Tracked) and fact.question == question.name
                for each in fact.objects
            }
            present = truth.present(name_of(question))
            scores.num_tracks[question.name] = len(ids), len(present)
    for rule in rules.rules:
        if isinstance(rule.condition, Crossing):
            scores.crossings[rule.name] = _crossings(facts, rules, rule, truth)
        elif isinstance(rule.condition, Presence):
            scores.zones[rule.name] = _zone_overlap(facts, rules, rule, truth)
    return scores


def _crossings(
    facts: Sequence[Fact], rules: Rules, rule: Rule, truth: StreamTruth
) -> tuple[dict[str, int], dict[str, int]]:
    condition = rule.condition
    assert isinstance(condition, Crossing)
    counted = [f.direction for f in facts if isinstance(f, Crossed) and f.rule == rule.name]
    name = name_of(rules.question(rule.question))
    true = [
        direction
        for track in truth.tracks
        if track.name == name
        for _, direction in crossings_of(track, condition)
    ]
    return _by_direction(counted), _by_direction(true)


def _by_direction(directions: Sequence[str]) -> dict[str, int]:
    return {each: directions.count(each) for each in ("in", "out")}


def _zone_overlap(facts: Sequence[Fact], rules: Rules, rule: Rule, truth: StreamTruth) -> float:
    """Intersection over union of the times at which somebody has been in the zone for long enough.

    A fact about a rule is told when something changes, and holds until the next one.
    """
    condition = rule.condition
    assert isinstance(condition, Presence)
    times_s = np.arange(0, truth.duration_s, _STEP_S)
    name = name_of(rules.question(rule.question))
    true = np.zeros(len(times_s), np.bool_)
    for track in truth.tracks:
        if track.name == name:
            for start_s, end_s in stays_of(track, condition):
                true |= (times_s >= start_s + condition.dwell_s) & (times_s <= end_s)
    told = [f for f in facts if isinstance(f, Judged) and f.rule == rule.name]
    found = np.zeros(len(times_s), np.bool_)
    ends_s = [*(fact.time_s for fact in told[1:]), truth.duration_s]
    for fact, end_s in zip(told, ends_s, strict=False):
        if fact.holds:
            found |= (times_s >= fact.time_s) & (times_s < end_s)
    either = np.count_nonzero(true | found)
    return float(np.count_nonzero(true & found) / either) if either else 1.0
