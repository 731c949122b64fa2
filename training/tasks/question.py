"""Questions in words about the whole clip: what, which way, what colour, how many, what happens."""

from __future__ import annotations

from training.tasks.asker import Asker, Drafts, ask
from training.tasks.facts import Holds, Noun
from training.tasks.lexicon import plural
from training.tasks.task import Draft, Task, TaskKind
from training.world.scene import COLORS, KINDS
from training.world.sentences import action_sentence, caption, name, with_article

_QUESTION = TaskKind.QUESTION
# Actions whose sentence names a colour or another thing that must be right too.
_TELLING = frozenset({"recolor", "collide", "hide"})


def scored_words(action: str) -> frozenset[str]:
    """What must be right when it is told what a thing does."""
    words = {"verb", "direction"}
    return frozenset(words | {"color", "kind"} if action in _TELLING else words)


def question_drafts(asker: Asker) -> Drafts:
    """General questions."""
    for reference in asker.references:
        yield from _about(asker, reference.thing, reference.noun)
    for thing, condition in asker.told:
        answer = f"The {name(asker.things[thing])}."
        if asker.things[thing].action != "recolor":
            which = [
                f"Which object {condition.text}?",
                f"What is the object that {condition.text}?",
            ]
            yield ask(_QUESTION, which, answer, "color", "kind")
            color = asker.things[thing].color
            yield ask(
                _QUESTION,
                [f"What color is the object that {condition.text}?"],
                f"It is {color}.",
                "color",
            )
    for noun in asker.absent_nouns:
        asked = [f"What does the {noun.text} do?", f"What is the {noun.text} doing in the video?"]
        yield asker.absent(_QUESTION, asked, noun.text)
        yield ask(_QUESTION, _is_there(noun), "No, there is not.", "yes_no")
    for condition in asker.untrue:
        missing = f"object that {condition.text}"
        yield asker.absent(_QUESTION, [f"Which object {condition.text}?"], missing)


def _is_there(noun: Noun) -> list[str]:
    named = with_article(noun.text)
    return [f"Is there {named} in the video?", f"Can you see {named} in the video?"]


def _about(asker: Asker, i: int, noun: Noun) -> Drafts:
    """Questions that name a thing."""
    thing, text = asker.things[i], noun.text
    answer = action_sentence(asker.truth.scene, i)
    what = [
        f"What does the {text} do?",
        f"What is the {text} doing in the video?",
        f"Describe what the {text} does.",
    ]
    yield ask(_QUESTION, what, answer, *scored_words(thing.action))
    if thing.action in ("move", "collide"):
        way = thing.events[0].direction
        asked = [f"In which direction does the {text} move?", f"Which way does the {text} go?"]
        yield ask(_QUESTION, asked, f"It moves {way}.", "direction")
    if thing.action == "recolor":
        for when, color in (("start", thing.color), ("end", thing.final_color)):
            asked = [f"What color is the {text} at the {when}?"]
            yield ask(_QUESTION, asked, f"It is {color}.", "color")
    elif noun.color is None:
        asked = [f"What color is the {text}?", f"What is the color of the {text}?"]
        yield ask(_QUESTION, asked, f"It is {thing.color}.", "color")
    if noun.kind is None:
        asked = [f"What shape is the {text}?", f"What is the shape of the {text}?"]
        yield ask(_QUESTION, asked, f"It is a {thing.kind}.", "kind")
    if noun.size is None and thing.size is not None:
        yield ask(_QUESTION, [f"Is the {text} small or large?"], f"It is {thing.size}.", "size")
    yield ask(_QUESTION, _is_there(noun), "Yes, there is.", "yes_no")
    for holds, answer in ((Holds.YES, "Yes, it does."), (Holds.NO, "No, it does not.")):
        conditions = asker.true_of(i, holds)
        for k in asker.rng.permutation(len(conditions))[:2]:
            plain = conditions[int(k)].plain
            yield ask(_QUESTION, [f"Does the {text} {plain}?"], answer, "yes_no")


def count_drafts(asker: Asker) -> Drafts:
    """How many there are, of a kind, of a colour, and how many do something."""
    total = len(asker.things)
    many = [
        "How many objects are there in the video?",
        "How many objects can be seen in the video?",
    ]
    yield ask(TaskKind.COUNT, many, _there_are(total, "object"), "number")
    nouns = [*(Noun(kind=kind) for kind in KINDS), *(Noun(color=color) for color in COLORS)]
    for noun in nouns:
        holds = [noun.holds(thing) for thing in asker.things]
        shown = Holds.YES in holds
        if Holds.UNCLEAR in holds or (not shown and asker.rng.random() > 0.15):
            continue
        asked = [
            f"How many {plural(noun.text)} are there in the video?",
            f"How many {plural(noun.text)} can be seen in the video?",
        ]
        answer = _there_are(holds.count(Holds.YES), noun.text)
        yield ask(TaskKind.COUNT, asked, answer, "number")
    for condition in asker.conditions:
        if condition.text in ("moves", "stays still") and Holds.UNCLEAR not in condition.holds:
            number = condition.holds.count(Holds.YES)
            verb = condition.text if number == 1 else condition.plain
            noun_text = "object" if number == 1 else "objects"
            yield ask(
                TaskKind.COUNT,
                [f"How many objects {condition.plain}?"],
                f"{number} {noun_text} {verb}.",
                "number",
            )


def _there_are(number: int, noun: str) -> str:
    words = f"is 1 {noun}" if number == 1 else f"are {number} {plural(noun)}"
    return f"There {words} in the video."


def caption_drafts(asker: Asker) -> Drafts:
    """What happens in the clip."""
    asked = (
        "Please describe the video.",
        "What happens in the video?",
        "Describe the video in detail.",
        "Give a caption of the video.",
    )
    answer = caption(asker.truth.scene)
    scored = frozenset({"color", "kind", "verb", "direction"})
    task = Task(TaskKind.CAPTION, asked[0], answer, scored=scored)
    yield Draft(tuple((question, answer) for question in asked), task)
