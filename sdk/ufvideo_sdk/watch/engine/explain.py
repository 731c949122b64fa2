"""Why an event started and ended, or why there was none at a time, in sentences.

Everything comes from the log: nothing is computed again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.short_text import counted
from ufvideo_sdk.watch.engine.facts import (
    Asked,
    Crossed,
    Dropped,
    Due,
    Ended,
    Event,
    Fact,
    Failed,
    Frame,
    Gap,
    Judged,
    Opened,
)
from ufvideo_sdk.watch.rules.rule import Crossing, Rule
from ufvideo_sdk.watch.rules.rules import Rules

_NUMBER = re.compile(r"\d{1,9}")
_TIME = re.compile(r"(\d{1,9}\.\d+|\d{1,9}(?:\.\d+)?(?=s$))s?")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")
_MOST_JUDGED = 8


@dataclass(frozen=True)
class _Log:
    """A log, sorted by what is asked of it."""

    facts: Sequence[Fact]
    rules: Rules
    starts: dict[int, Event]
    ends: dict[int, Event]


def explain(facts: Sequence[Fact], what: str) -> list[str]:
    """Explain an event, or a time at which no event may have been.

    Args:
        facts: The facts of a log.
        what: The id of an event, such as "3"; or a time of the stream: "90s", "90.5" or "1:30".

    Returns:
        Sentences, one each.

    Raises:
        InputError: When it is neither, or the log has no such event or time.
    """
    log = _sorted(facts)
    if _NUMBER.fullmatch(what):
        return _explain_event(log, int(what))
    return _explain_time(log, _time_of(what))


def _sorted(facts: Sequence[Fact]) -> _Log:
    if not facts or not isinstance(facts[0], Opened):
        raise InputError("facts: expected a log that begins with the fact opened")
    opened = facts[0]
    rules = Rules.parse(opened.rules, name=opened.rules_name).for_camera(opened.camera)
    edges = [fact for fact in facts if isinstance(fact, Event)]
    starts = {event.id: event for event in edges if event.edge == "start"}
    ends = {event.id: event for event in edges if event.edge == "end"}
    return _Log(facts, rules, starts, ends)


def _time_of(what: str) -> float:
    found = _TIME.fullmatch(what)
    if found is not None:
        return float(found[1])
    clock = _CLOCK.fullmatch(what)
    if clock is not None:
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3])
    raise InputError(
        f"expected the id of an event, such as 3, or a time, such as 90s or 1:30, got {what!r}"
    )


def _rule(log: _Log, name: str) -> Rule:
    for rule in log.rules.rules:
        if rule.name == name:
            return rule
    raise InputError(f"expected a rule of {log.rules.name}, got an event of {name!r}")


def _explain_event(log: _Log, idx: int) -> list[str]:
    start, end = log.starts.get(idx), log.ends.get(idx)
    if start is None:
        known = f"events 1 to {max(log.starts)}" if log.starts else "no event"
        raise InputError(
            f"expected an event of the log, which has {known}, got {idx}; {idx}s is a time"
        )
    rule = _rule(log, start.rule)
    first = end if end is not None else start
    until = (
        f"to {end.end_s:.2f} s"
        if end is not None and end.end_s is not None
        else "on, without an end"
    )
    said = [f'Event {idx} of the rule "{rule.name}": from {first.start_s:.2f} s {until}.']
    said.append(f"It started because {start.reason}.")
    delay_s = start.known_s - start.start_s
    late = f", {delay_s:.2f} s after it began" if delay_s > 0 else ""
    said.append(f"That was known at {start.known_s:.2f} s{late}.")
    if start.frame_idxs:
        said.append(f"Its evidence: {_listed('frame', start.frame_idxs)}.")
    if first.object_ids:
        said.append(f"Tracked: {_listed('object', first.object_ids)}.")
    said += _judgements(log, start, end)
    if end is None:
        said.append("The log has no end of it.")
        return said
    said.append(f"It ended because {end.reason}; that was known at {end.known_s:.2f} s.")
    said.append(f"Its clip goes from {end.clip_start_s:.2f} s to {end.clip_end_s:.2f} s.")
    return said


def _judgements(log: _Log, start: Event, end: Event | None) -> list[str]:
    """What the rule's answers said between the event's first evidence and its end."""
    until_s = end.known_s if end is not None else float("inf")
    found = [
        fact
        for fact in log.facts
        if isinstance(fact, Judged)
        and fact.rule == start.rule
        and start.start_s <= fact.time_s <= until_s
    ]
    lines = [_judgement(fact) for fact in found]
    if len(lines) > _MOST_JUDGED:
        half = _MOST_JUDGED // 2
        left_out = f"  ... {len(lines) - _MOST_JUDGED} more"
        lines = [*lines[:half], left_out, *lines[-half:]]
    crossed = [
        _crossing(fact)
        for fact in log.facts
        if isinstance(fact, Crossed)
        and fact.rule == start.rule
        and start.start_s <= fact.time_s <= until_s
    ]
    return lines or crossed


def _crossing(fact: Crossed) -> str:
    way = "" if fact.direction == "any" else f" {fact.direction}"
    where = f"{fact.time_s:.2f} s, frame {fact.frame_idx}"
    return f"  {where}: object {fact.object_id} crossed {fact.line}{way}"


def _judgement(fact: Judged) -> str:
    holds = "holds" if fact.holds else "does not hold"
    counts = f", {fact.num_holding} of {fact.num_answers}" if fact.num_answers > 1 else ""
    return f"  {fact.time_s:.2f} s, frame {fact.frame_idx}: {fact.found}; {holds}{counts}"


def _explain_time(log: _Log, time_s: float) -> list[str]:
    first = next((fact for fact in log.facts if isinstance(fact, Frame)), None)
    if first is None:
        raise InputError("expected a log with frames, got one without")
    last_s = max(fact.time_s for fact in log.facts if isinstance(fact, (Frame, Ended)))
    if not first.time_s <= time_s <= last_s:
        span = f"{first.time_s:.2f} s to {last_s:.2f} s"
        raise InputError(f"expected a time of the log, {span}, got {time_s:.2f} s")
    said = [f"At {time_s:.2f} s:"]
    for gap in log.facts:
        if isinstance(gap, Gap) and gap.start_s < time_s < gap.end_s:
            said.append(f"There were no frames from {gap.start_s:.2f} s: {gap.cause}.")
    for rule in log.rules.rules:
        said.append(f'Rule "{rule.name}": {_rule_at(log, rule, time_s)}.')
    return said


def _rule_at(log: _Log, rule: Rule, time_s: float) -> str:
    """Whether an event of a rule was under way at a time, and why or why not."""
    for idx, start in log.starts.items():
        end = log.ends.get(idx)
        if start.rule != rule.name:
            continue
        start_s = start.start_s if end is None else end.start_s
        if start_s <= time_s and (end is None or end.end_s is None or time_s <= end.end_s):
            known = "" if start.known_s <= time_s else f", which was known at {start.known_s:.2f} s"
            return f"event {idx} was under way{known}: {start.reason}"
    return f"no event: {_why_none(log, rule, time_s)}"


def _why_none(log: _Log, rule: Rule, time_s: float) -> str:
    cooling = [
        end
        for end in log.ends.values()
        if end.rule == rule.name
        and end.end_s is not None
        and end.end_s < time_s < end.end_s + rule.cool_down_s
    ]
    if cooling:
        until_s = (cooling[-1].end_s or 0.0) + rule.cool_down_s
        return f"event {cooling[-1].id} had just ended, its cool-down lasts until {until_s:.2f} s"
    judged = [
        fact
        for fact in log.facts
        if isinstance(fact, Judged) and fact.rule == rule.name and fact.time_s <= time_s
    ]
    if isinstance(rule.condition, Crossing):
        line = rule.condition.line_name
        if not judged:
            return f"nothing that counts has crossed {line} yet"
        return f"the last crossing was at {judged[-1].time_s:.2f} s: {judged[-1].found}"
    dropped = _dropped_since(log, rule, judged[-1].time_s if judged else float("-inf"), time_s)
    if not judged:
        return f"its question had no answer yet{dropped}{_last_due(log, rule, time_s)}"
    last = judged[-1]
    holds = "which holds" if last.holds else "which does not hold"
    why = f"at {last.time_s:.2f} s {last.found}, {holds}"
    confirmation = rule.confirmation
    if last.holds and last.num_holding < confirmation.num_holding:
        needed = f"{confirmation.num_holding} of {confirmation.num_answers}"
        why += f", but {needed} must, and {last.num_holding} of {last.num_answers} did"
    elif last.state == "waiting":
        why += f", but not yet for {confirmation.for_s:g} s"
    return why + dropped


def _dropped_since(log: _Log, rule: Rule, since_s: float, time_s: float) -> str:
    """The turns of a rule's question without an answer between two times, in words."""
    asked_s: dict[int, float] = {}
    causes: list[str] = []
    for fact in log.facts:
        if not isinstance(fact, (Asked, Dropped, Failed)) or fact.question != rule.question:
            continue
        if isinstance(fact, Asked):
            asked_s[fact.frame_idx] = fact.time_s
            continue
        at_s = fact.time_s if isinstance(fact, Dropped) else asked_s.get(fact.frame_idx, time_s)
        if since_s < at_s <= time_s:
            causes.append(fact.cause)
    if not causes:
        return ""
    times = counted(len(causes), "time")
    return f"; since then there was no answer {times}: {', '.join(dict.fromkeys(causes))}"


def _last_due(log: _Log, rule: Rule, time_s: float) -> str:
    due = [
        fact.time_s
        for fact in log.facts
        if isinstance(fact, Due) and fact.question == rule.question and fact.time_s <= time_s
    ]
    return f"; it was due at {due[-1]:.2f} s" if due else ""


def _listed(noun: str, numbers: Sequence[int]) -> str:
    plural = noun if len(numbers) == 1 else f"{noun}s"
    return f"{plural} {', '.join(map(str, numbers))}"
