"""Which events a rule should make of a stream whose truth is known.

An answer is about all frames of a window, so what it can tell is coarser than the truth: something
that is over is still in the window, and what is there for less than half of a window, or away for
less than a whole one, need not be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.streams import StreamTruth, TruthTrack
from training.streams.stream_truth import Span
from ufvideo_sdk.questions import QuestionKind
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.rules.rule import Crossing, NumberIs, Presence, Rule, WatchedQuestion

_IS_THERE = re.compile(r"Is there an? (?P<name>.+) in the video\?")
_HOW_MANY = "How many objects are there in the video?"
_MOVES = re.compile(r"the (?P<name>.+) moves (?P<direction>left|right)")
_NAME = re.compile(r"the (?P<name>.+)")
# A path is looked at this often, and boxes of a thing that comes in or goes behind another one have
# other middles than the thing.
_STEP_S = 0.02
_BOX_SLACK_S = 0.75


@dataclass(frozen=True)
class Expected:
    """What a rule should tell of a stream.

    Attributes:
        rule: Name of the rule.
        kind: "yes_no", "count", "locate", "zone" or "crossing".
        spans: Events that it must make, in order of time, seconds of the stream.
        optional: Events that it may make.
        before_s: How far before such a span an event may lie and still be it.
        after_s: How far behind.
        interval_s: Seconds from one asking to the next; 0.0 for what is looked at on every frame.
    """

    rule: str
    kind: str
    spans: tuple[Span, ...]
    optional: tuple[Span, ...]
    before_s: float
    after_s: float
    interval_s: float


def expected_of(rules: Rules, rule: Rule, truth: StreamTruth, window_s: float) -> Expected:
    """Return what a rule should tell.

    Args:
        rules: The file.
        rule: One of its rules.
        truth: What is true of the stream.
        window_s: Seconds that a window spans.

    Raises:
        ValueError: When its words ask for what the truth does not tell.
    """
    watched = rules.question(rule.question)
    words, kind = watched.question.words, watched.question.kind
    every_s = watched.schedule.every_s if watched.schedule is not None else 0.0
    if kind is QuestionKind.YES_NO:
        present = truth.present(_match(_IS_THERE, words)["name"])
        return _of_windows(rule.name, "yes_no", present, window_s, every_s)
    if kind is QuestionKind.COUNT and words == _HOW_MANY and isinstance(rule.condition, NumberIs):
        spans = _spans_of_number(truth, rule.condition.holds)
        return _of_windows(rule.name, "count", spans, window_s, every_s)
    if kind is QuestionKind.LOCATE:
        return _of_moves(rule.name, words, truth, every_s)
    if kind is QuestionKind.TRACK:
        tracks = [track for track in truth.tracks if track.name == name_of(watched)]
        return _of_tracks(rule, tracks)
    raise ValueError(f"{rule.name}: expected words that the truth knows, got {words!r}")


def name_of(question: WatchedQuestion) -> str:
    """Return what a question of the kind `track` follows, such as "red circle".

    Raises:
        ValueError: When its words have another form.
    """
    return _match(_NAME, question.question.words)["name"]


def _match(pattern: re.Pattern[str], words: str) -> re.Match[str]:
    found = pattern.fullmatch(words)
    if found is None:
        raise ValueError(f"expected words such as {pattern.pattern!r}, got {words!r}")
    return found


def _of_windows(
    rule: str, kind: str, spans: Sequence[Span], window_s: float, every_s: float
) -> Expected:
    """What questions about windows can tell."""
    joined: list[Span] = []
    for start_s, end_s in spans:
        if joined and start_s - joined[-1][1] < window_s + every_s:
            joined[-1] = (joined[-1][0], end_s)
        else:
            joined.append((start_s, end_s))
    shortest_s = window_s / 2 + 2 * every_s
    long = tuple(span for span in joined if span[1] - span[0] >= shortest_s)
    short = tuple(span for span in joined if span[1] - span[0] < shortest_s)
    return Expected(rule, kind, long, short, 0.0, window_s, every_s)


def _spans_of_number(truth: StreamTruth, holds: Callable[[int], bool]) -> list[Span]:
    ends_s = [time_s for time_s, _ in truth.numbers[1:]] + [truth.duration_s]
    changes = zip(truth.numbers, ends_s, strict=True)
    return [(start_s, end_s) for (start_s, number), end_s in changes if holds(number)]


def _of_moves(rule: str, words: str, truth: StreamTruth, every_s: float) -> Expected:
    """Ways between two stops; a thing that comes in or leaves moves too, if one likes."""
    match = _match(_MOVES, words)
    moves = [
        move
        for move in truth.moves
        if (move.name, move.direction) == (match["name"], match["direction"])
    ]
    spans = tuple((move.start_s, move.end_s) for move in moves if move.is_plain)
    optional = tuple((move.start_s, move.end_s) for move in moves if not move.is_plain)
    return Expected(rule, "locate", spans, optional, _BOX_SLACK_S, _BOX_SLACK_S, every_s)


def _of_tracks(rule: Rule, tracks: Sequence[TruthTrack]) -> Expected:
    condition = rule.condition
    spans: list[Span] = []
    short: list[Span] = []
    if isinstance(condition, Crossing):
        spans = [(t, t) for track in tracks for t, _ in crossings_of(track, condition)]
        return Expected(rule.name, "crossing", tuple(spans), (), _BOX_SLACK_S, _BOX_SLACK_S, 0.0)
    if not isinstance(condition, Presence):
        raise ValueError(f"{rule.name}: expected a zone or a line")
    for track in tracks:
        for start_s, end_s in stays_of(track, condition):
            # One that is about as long as it must be may be seen a little shorter.
            is_clear = end_s - start_s >= condition.dwell_s + _BOX_SLACK_S
            (spans if is_clear else short).append((start_s + condition.dwell_s, end_s))
    optional = tuple((start_s, max(start_s, end_s)) for start_s, end_s in short)
    return Expected(rule.name, "zone", tuple(spans), optional, _BOX_SLACK_S, _BOX_SLACK_S, 0.0)


def stays_of(track: TruthTrack, condition: Presence) -> Iterator[Span]:
    """When a thing is in the zone of a rule."""
    start_s: float | None = None
    last_s = track.start_s
    for time_s, point in _path(track):
        is_in = condition.zone is None or condition.zone.contains(point)
        if is_in and start_s is None:
            start_s = time_s
        if not is_in and start_s is not None:
            yield start_s, last_s
            start_s = None
        last_s = time_s
    if start_s is not None:
        yield start_s, last_s


def crossings_of(track: TruthTrack, condition: Crossing) -> Iterator[tuple[float, str]]:
    """When a thing crosses the line of a rule, and which way: "in" or "out"."""
    line = condition.line
    before: tuple[float, float] | None = None
    for time_s, point in _path(track):
        side = line.side(point)
        # A point on the line belongs to the side that it came from.
        if side == 0:
            continue
        if before is not None and side != line.side(before) and line.is_crossed(before, point):
            direction = "in" if side > 0 else "out"
            if condition.direction in ("any", direction):
                yield time_s, direction
        before = point


def _path(track: TruthTrack) -> Iterator[tuple[float, tuple[float, float]]]:
    """Times and places of a thing, in small steps."""
    times_s, xs, ys = zip(*track.points, strict=True)
    for time_s in np.arange(track.start_s, track.end_s, _STEP_S).tolist():
        x, y = np.interp(time_s, times_s, xs), np.interp(time_s, times_s, ys)
        yield time_s, (float(x), float(y))
