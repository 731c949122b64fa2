"""Multiple choice: one option is right, the others are of its kind and wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from training.tasks.asker import Asker, Drafts
from training.tasks.task import Draft, RegionPrompt, Task, TaskKind
from training.world.scene import COLORS, DIRECTIONS, KINDS, SIZES
from training.world.sentences import name, verb_phrase

LETTERS = "ABCD"
# How a question and its options are written, and the question.
Wording = tuple[Callable[[str, Sequence[str]], str], str]
_VERB_OPTIONS = (
    "it stays still",
    "it grows",
    "it shrinks",
    "it changes color",
    "it enters the frame",
    "it leaves the frame",
    "it moves in a straight line",
    "it moves and changes direction",
)
# Which of them tells an action; what a collision or hiding is called is left to other tasks.
_VERB_OF = {
    "stay": 0,
    "grow": 1,
    "shrink": 2,
    "recolor": 3,
    "enter": 4,
    "leave": 5,
    "move": 6,
    "turn": 7,
}
# Options that a person might also call right: what grows does not go anywhere, what comes in moves.
_ARGUABLE = {
    "grow": 0,
    "shrink": 0,
    "recolor": 0,
    "enter": 6,
    "leave": 6,
}


def choice_drafts(asker: Asker) -> Drafts:
    """Questions with up to four options, in MVBench's wording."""
    for reference in asker.references:
        noun = reference.noun
        thing = asker.things[reference.thing]
        text = f"the {noun.text}"
        asked = _of_thing(asker, reference.thing, text)
        if noun.color is not None:
            asked = [item for item in asked if item[1] != thing.color]
        if noun.kind is not None:
            asked = [item for item in asked if item[1] != thing.kind]
        for stem, right, pool in asked:
            yield _draft(asker, TaskKind.CHOICE, (_mvbench, stem), right, pool)
    names = [name(thing) for thing in asker.things]
    for thing_idx, condition in asker.told:
        if asker.things[thing_idx].action == "recolor" or len(names) < 2:
            continue
        if any(thing.action == "recolor" for thing in asker.things):
            continue
        pool = [f"the {other}" for other in names]
        stem = f"Which object {condition.text}?"
        right = f"the {names[thing_idx]}"
        yield _draft(asker, TaskKind.CHOICE, (_mvbench, stem), right, pool)
    numbers = ("1", "2", "3", "4")
    stem = "How many objects are there in the video?"
    count = str(len(names))
    yield _draft(asker, TaskKind.CHOICE, (_mvbench, stem), count, numbers)


def region_choice_drafts(asker: Asker) -> Drafts:
    """Questions about a marked thing with options, in VideoRefer-Bench-Q's wording."""
    for i in range(len(asker.things)):
        for stem, right, pool in _of_thing(asker, i, "the object [<region>]"):
            regions = asker.regions([i])
            if regions is not None:
                wording = (_videorefer, stem)
                yield _draft(asker, TaskKind.REGION_QUESTION, wording, right, pool, regions)


def _of_thing(asker: Asker, i: int, text: str) -> list[tuple[str, str, Sequence[str]]]:
    """Questions about one thing: the words, the right option, all options there could be."""
    thing = asker.things[i]
    found: list[tuple[str, str, Sequence[str]]] = []
    if thing.action != "recolor":
        found.append((f"What color is {text}?", thing.color, COLORS))
    found.append((f"What shape is {text}?", thing.kind, KINDS))
    if thing.size is not None:
        found.append((f"Is {text} small or large?", thing.size, SIZES))
    if thing.action in ("move", "collide"):
        way = thing.events[0].direction or ""
        found.append((f"In which direction does {text} move?", way, tuple(DIRECTIONS)))
    if thing.action in _VERB_OF:
        right = _VERB_OPTIONS[_VERB_OF[thing.action]]
        arguable = _ARGUABLE.get(thing.action)
        pool = [option for k, option in enumerate(_VERB_OPTIONS) if k != arguable]
        found.append((f"What does {text} do?", right, pool))
    if thing.action in ("enter", "leave"):
        side = verb_phrase(asker.truth.scene, i).split()[-1]
        verb = "come from" if thing.action == "enter" else "leave to"
        stem = f"Which side does {text} {verb}?"
        found.append((stem, side, ("left", "right", "top", "bottom")))
    return found


def _mvbench(stem: str, options: Sequence[str]) -> str:
    listed = "\n".join(
        f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False)
    )
    return (
        f"Question: {stem}\nOptions:\n{listed}\nAnswer with the option's letter from the given"
        " choices directly and only give the best option."
    )


def _videorefer(stem: str, options: Sequence[str]) -> str:
    listed = " ".join(
        f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False)
    )
    return f"{stem} {listed}. Answer with the option's letter from the given choices directly."


def _draft(
    asker: Asker,
    kind: TaskKind,
    wording: Wording,
    right: str,
    pool: Sequence[str],
    regions: tuple[RegionPrompt, ...] = (),
) -> Draft:
    write, stem = wording
    wrong = [option for option in pool if option != right]
    order = asker.rng.permutation(len(wrong))[: len(LETTERS) - 1]
    options = [right, *(wrong[int(i)] for i in order)]
    options = [options[int(i)] for i in asker.rng.permutation(len(options))]
    question = write(stem, options)
    answer = f"({LETTERS[options.index(right)]})"
    task = Task(kind, question, answer, regions=regions, options=tuple(options))
    return Draft(((question, answer),), task)
