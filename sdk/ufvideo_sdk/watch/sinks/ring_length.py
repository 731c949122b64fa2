"""How many seconds of packets must be kept, so that every clip is whole."""

from __future__ import annotations

from ufvideo_sdk.watch.rules.rule import Crossing, Presence, Rule
from ufvideo_sdk.watch.rules.rules import Rules

# For the answer itself, which comes after the frames that it is about.
_ANSWER_S = 10.0
_LONGEST_RING_S = 900.0


def ring_s(rules: Rules) -> float:
    """Return the seconds of packets that clips need; 0.0 without clips.

    A clip begins `pre_roll_s` before its event, which is known later than it starts: once enough
    answers hold, for long enough. It is written when the stream has passed its end.

    Args:
        rules: Rules of a camera. Beyond 900 seconds a clip loses its beginning.
    """
    clips = rules.sinks.clips
    chosen = [rule for rule in rules.rules if clips is not None and rule.goes_to("clips")]
    if clips is None or not chosen:
        return 0.0
    needed = max(rule.pre_roll_s + _late_s(rule, rules) for rule in chosen)
    return min(needed + clips.max_s + _ANSWER_S, _LONGEST_RING_S)


def _late_s(rule: Rule, rules: Rules) -> float:
    """Seconds after which the start of an event is known."""
    schedule = rules.question(rule.question).schedule
    late_s = rule.confirmation.for_s
    if isinstance(rule.condition, Presence):
        late_s += rule.condition.dwell_s
    if isinstance(rule.condition, Crossing):
        late_s += rule.condition.settle_s
    if schedule is not None:
        # A change may be as rare as the scene wants it: then an interval is no bound.
        interval_s = schedule.force_every_s or schedule.every_s
        late_s += rule.confirmation.num_answers * interval_s
    return late_s
