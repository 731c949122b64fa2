"""The three tasks of UFVideo-Bench: an answer in words, a time and masks together."""

from __future__ import annotations

from training.tasks.asker import Asker, Drafts
from training.tasks.facts import state_at
from training.tasks.grounding import event_phrases
from training.tasks.question import scored_words
from training.tasks.region import describe, groups, introduce
from training.tasks.task import Draft, Task, TaskKind, span_text, time_token
from training.world.scene import MOMENTS
from training.world.sentences import name

MASK_SENTENCE = "The segmentation mask is [SEG]."
_NUM_TIMES = 4


def pixrqa_drafts(asker: Asker) -> Drafts:
    """Marked things: what each does, and its mask."""
    words = frozenset({"color", "kind", "verb", "direction"})
    for group in groups(asker):
        regions = asker.regions(group)
        if regions is None:
            continue
        labels = [f"object_{k + 1}" for k in range(len(group))]
        marked = ", ".join(f"{label}: [<region>]" for label in labels)
        if len(group) == 1:
            released = (
                f"There is 1 objects in the video: {marked}. Please give a detailed description of"
                " what is the object_1 doing in the video. And please generate the mask in every"
                " frames?"
            )
        else:
            released = (
                f"There are {len(group)} objects in the video: {marked}. Please give a detailed"
                f" description of what are the {' and '.join(labels)} doing in the video. And"
                " please generate the mask in every frames?"
            )
        asked = (
            released,
            f"{introduce(len(group))} Please describe {' and '.join(labels)} with segmentation"
            " masks.",
        )
        told = " ".join(
            f"{label} is {describe(asker, i)}." for label, i in zip(labels, group, strict=True)
        )
        marks = " and ".join(["[SEG]"] * len(group))
        answer = f"{told} The segmentation mask is {marks}."
        task = Task(TaskKind.PIXRQA, asked[0], answer, scored=words, regions=regions, targets=group)
        yield Draft(tuple((question, answer) for question in asked), task)


def pixhqa_drafts(asker: Asker) -> Drafts:
    """A time: what a thing does then, or which thing moves then, and its mask."""
    kind = TaskKind.PIXHQA
    mask = "Please generate the segmentation mask."
    for time in map(float, asker.rng.uniform(0.03, 0.97, _NUM_TIMES)):
        token = time_token(time)
        states = [state_at(asker.truth, i, time) for i in range(len(asker.things))]
        for reference in asker.references:
            state, text = states[reference.thing], reference.noun.text
            if state is None:
                continue
            asked = (
                f"What is the {text} doing at {token}? {mask}",
                f"At {token}, what does the {text} do? {mask}",
            )
            answer = f"The {text} {state}. {MASK_SENTENCE}"
            task = Task(
                kind,
                asked[0],
                answer,
                scored=frozenset({"verb", "direction"}),
                targets=(reference.thing,),
            )
            yield Draft(tuple((question, answer) for question in asked), task)
        moving = [i for i, state in enumerate(states) if state and state.startswith("moves")]
        thing = moving[0] if len(moving) == 1 and None not in states else None
        if thing is not None and len(asker.things) > 1:
            question = f"Which object is moving at {token}? {mask}"
            answer = f"The {name(asker.things[thing])}. {MASK_SENTENCE}"
            scored = frozenset({"color", "kind"})
            task = Task(kind, question, answer, scored=scored, targets=(thing,))
            yield Draft(((question, answer),), task)
        for noun in asker.absent_nouns[:2]:
            yield asker.absent(
                kind, [f"What is the {noun.text} doing at {token}? {mask}"], noun.text
            )


def pixtrqa_drafts(asker: Asker) -> Drafts:
    """No time and no region: when it happens, what happens, and the mask."""
    kind = TaskKind.PIXTRQA
    mask = "Please also generate the segmentation mask."
    for reference in asker.references:
        thing, text = asker.things[reference.thing], reference.noun.text
        for span in asker.truth.spans:
            if span.thing != reference.thing or span.event.kind in MOMENTS:
                continue
            plain, third = event_phrases(asker, span.event)
            when = (span.event.start, span.event.end)
            asked = (
                f"When does the {text} {plain}? {mask}",
                f"During which time span does the {text} {plain}? {mask}",
            )
            answer = f"{span_text(when)}. The {text} {third}. {MASK_SENTENCE}"
            task = Task(
                kind,
                asked[0],
                answer,
                scored=scored_words(thing.action),
                targets=(reference.thing,),
                span=when,
            )
            yield Draft(tuple((question, answer) for question in asked), task)
    yield from _which(asker, mask)
    for noun in asker.absent_nouns:
        missing = [f"When does the {noun.text} {plain}? {mask}" for plain in ("move", "grow")]
        yield asker.absent(kind, missing, noun.text)


def _which(asker: Asker, mask: str) -> Drafts:
    """Events that only one thing has, asked without naming it."""
    wanted = {
        "grows": "grow",
        "shrinks": "shrink",
        "enters the frame": "enter",
        "leaves the frame": "leave",
    }
    wanted |= {c.text: "move" for c in asker.conditions if c.text.startswith("moves ")}
    for i, condition in asker.told:
        kind = wanted.get(condition.text)
        spans = asker.truth.of(i, kind) if kind else ()
        if condition.text.startswith("moves "):
            way = condition.text.split()[1]
            spans = tuple(span for span in spans if span.event.direction == way)
        if len(spans) != 1:
            continue
        when = (spans[0].event.start, spans[0].event.end)
        question = f"When does an object {condition.plain}, and which object is it? {mask}"
        told = f"The {name(asker.things[i])} {condition.text}."
        answer = f"{span_text(when)}. {told} {MASK_SENTENCE}"
        task = Task(
            TaskKind.PIXTRQA,
            question,
            answer,
            scored=frozenset({"color", "kind", "verb", "direction"}),
            targets=(i,),
            span=when,
        )
        yield Draft(((question, answer),), task)
