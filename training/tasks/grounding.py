"""When something happens: a span, or a moment."""

from __future__ import annotations

from training.tasks.asker import Asker, Drafts
from training.tasks.facts import Holds
from training.tasks.task import Draft, Task, TaskKind, span_text, time_token
from training.world.scene import EDGES, MOMENTS, OPPOSITE, Event
from training.world.sentences import name

DID_NOT_HAPPEN = "That does not happen in the video."
_SPAN, _MOMENT = TaskKind.SPAN, TaskKind.MOMENT


def event_phrases(asker: Asker, event: Event) -> tuple[str, str]:
    """What happens, after "does the object" and after "the object"."""
    other = "" if event.other is None else name(asker.things[event.other])
    came_from = EDGES.get(OPPOSITE.get(event.direction or "", ""), "")
    gone_to = EDGES.get(event.direction or "", "")
    return {
        "move": (f"move {event.direction}", f"moves {event.direction}"),
        "enter": (f"enter from the {came_from}", f"enters from the {came_from}"),
        "leave": (f"leave to the {gone_to}", f"leaves to the {gone_to}"),
        "grow": ("grow", "grows"),
        "shrink": ("shrink", "shrinks"),
        "hide": (f"hide behind the {other}", f"hides behind the {other}"),
        "turn": ("change direction", "changes direction"),
        "recolor": (f"change to {event.color}", f"changes to {event.color}"),
        "collide": (f"hit the {other}", f"hits the {other}"),
        "stop": ("stop", "stops"),
    }[event.kind]


def span_drafts(asker: Asker) -> Drafts:
    """When something that lasts happens."""
    for reference in asker.references:
        for span in asker.truth.spans:
            if span.thing != reference.thing or span.event.kind in MOMENTS:
                continue
            plain, third = event_phrases(asker, span.event)
            when = (span.event.start, span.event.end)
            yield _draft(_SPAN, _span_questions(reference.noun.text, plain, third), when)
    for noun in asker.absent_nouns:
        missing = noun.text
        for verb in ("moves left", "grows"):
            plain = verb.replace("moves", "move").replace("grows", "grow")
            yield asker.absent(_SPAN, _span_questions(missing, plain, verb), missing)
    for reference in asker.references:
        for condition in asker.true_of(reference.thing, Holds.NO):
            if condition.text.startswith(("moves", "grows", "shrinks")):
                plain = condition.plain or ""
                asked = _span_questions(reference.noun.text, plain, condition.text)
                yield _not_happening(_SPAN, asked)


def moment_drafts(asker: Asker) -> Drafts:
    """When something happens at once."""
    for reference in asker.references:
        for span in asker.truth.spans:
            if span.thing != reference.thing or span.event.kind not in MOMENTS:
                continue
            plain, third = event_phrases(asker, span.event)
            when = (span.event.start, span.event.end)
            yield _draft(_MOMENT, _moment_questions(reference.noun.text, plain, third), when)
    for noun in asker.absent_nouns:
        asked = _moment_questions(noun.text, "stop", "stops")
        yield asker.absent(_MOMENT, asked, noun.text)
    for reference in asker.references:
        for condition in asker.true_of(reference.thing, Holds.NO):
            if condition.text in ("changes color", "changes direction"):
                plain = condition.plain or ""
                asked = _moment_questions(reference.noun.text, plain, condition.text)
                yield _not_happening(_MOMENT, asked)


def _span_questions(noun: str, plain: str, third: str) -> list[str]:
    return [
        f"When is the {noun} {third} occur in the video? Only give the start and end timestamp.",
        f"When does the {noun} {plain}? Give the start and end timestamp.",
        f"During which time span does the {noun} {plain}?",
    ]


def _moment_questions(noun: str, plain: str, third: str) -> list[str]:
    return [
        f"At what time does the {noun} {plain}?",
        f"When does the {noun} {plain}? Only give the moment.",
        f"Give the moment when the {noun} {third}.",
    ]


def _draft(kind: TaskKind, questions: list[str], when: tuple[float, float]) -> Draft:
    answer = span_text(when) if kind is _SPAN else time_token(when[0])
    task = Task(kind, questions[0], answer, span=when)
    return Draft(tuple((question, answer) for question in questions), task)


def _not_happening(kind: TaskKind, questions: list[str]) -> Draft:
    task = Task(kind, questions[0], DID_NOT_HAPPEN, absent=True)
    return Draft(tuple((question, DID_NOT_HAPPEN) for question in questions), task)
