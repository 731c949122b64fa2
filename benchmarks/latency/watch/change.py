"""Questions that are asked on change beside the same ones by the clock."""

from __future__ import annotations

from benchmarks.floors import Figure
from benchmarks.latency.watch.watched import FPS, street, watch_all
from training.evaluate.watch.expected import expected_of
from training.evaluate.watch.matching import Matches, events_of, match
from training.streams.street import CAST
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Asked

MOST_ASKED = 0.8
THRESHOLD, FORCED_S = 0.02, 5.0
_NAMES = [name for lane in CAST for name in lane]


def rules_of(schedule: str) -> Rules:
    """Questions whether each of the cast is there.

    Args:
        schedule: Keys of their schedule.
    """
    lines = [
        f"  {name}: {{yes_no: Is there a {name} in the video?, {schedule}}}" for name in _NAMES
    ]
    return Rules.parse("\n".join(["rules:", *lines]))


def change_figures(model: UFVideo, minutes: float) -> list[Figure]:
    """Numbers of questions and what they find.

    Args:
        model: The model.
        minutes: Of the stream.
    """
    path, truth = street(minutes)
    window_s = (model.manifest.video.num_frames - 1) / FPS
    found: dict[str, tuple[int, Matches]] = {}
    for name, schedule in (
        ("clock", "every_s: 1"),
        ("change", f"on_change: {THRESHOLD}, every_s: 1, force_every_s: {FORCED_S}"),
    ):
        rules = rules_of(schedule)
        told = watch_all(model, {"street": path}, rules).told["street"]
        facts = [fact for _, fact in told.facts]
        total = Matches()
        for rule in rules.rules:
            expected = expected_of(rules, rule, truth, window_s)
            total += match(events_of(facts, rule.name), expected)
        found[name] = len(told.of(Asked)), total
    moving_s = sum(move.end_s - move.start_s for move in truth.moves)
    detail = f"; something moves for {moving_s:.0f} s of {truth.duration_s:.0f}"
    return change_summary(found["clock"], found["change"], detail)


def change_summary(
    clock: tuple[int, Matches], change: tuple[int, Matches], detail: str
) -> list[Figure]:
    """Figures of both ways.

    Args:
        clock: Number of questions by the clock, and what they found.
        change: The same on change.
        detail: What else is told of the questions.
    """
    (by_clock, of_clock), (on_change, of_change) = clock, change
    told = f"recall {_share(of_change.recall)} against {_share(of_clock.recall)}"
    precise = f"precision {_share(of_change.precision)} against {_share(of_clock.precision)}"
    delay = f"{_seconds(of_change.delay_s)} against {_seconds(of_clock.delay_s)}"
    same = None if not of_clock.recall else (of_change.recall or 0.0) / of_clock.recall
    asked = f"{on_change} against {by_clock}{detail}"
    return [
        Figure(
            "questions on change / by the clock", on_change / by_clock, MOST_ASKED, "below", asked
        ),
        Figure("recall on change / by the clock", same, 1.0, "at least", told),
        Figure("median delay on change, s", of_change.delay_s, None, "at most", delay),
        Figure("precision on change", of_change.precision, None, "at least", precise),
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
