"""Questions about things that are marked on one or more frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from training.tasks.asker import Asker, Drafts
from training.tasks.facts import CLEAR_TIME, UNCLEAR_STOPS, state_at
from training.tasks.question import scored_words
from training.tasks.task import Draft, RegionPrompt, Task, TaskKind, time_token
from training.world.scene import Thing
from training.world.sentences import name, verb_phrase, with_article

_QUESTION, _DESCRIPTION = TaskKind.REGION_QUESTION, TaskKind.REGION_DESCRIPTION
MAX_REGIONS = 3


def introduce(count: int) -> str:
    """The sentence that names the marked things."""
    marked = ", ".join(f"object_{k + 1}: [<region>]" for k in range(count))
    are = "is 1 object" if count == 1 else f"are {count} objects"
    return f"There {are} in the video: {marked}."


def describe(asker: Asker, i: int) -> str:
    """What a thing is and does: "a small red circle that moves left"."""
    thing = asker.things[i]
    looks = f"{thing.size} {name(thing)}" if thing.size else name(thing)
    return f"{with_article(looks)} that {verb_phrase(asker.truth.scene, i)}"


def groups(asker: Asker) -> list[tuple[int, ...]]:
    """Which things are marked together, in which order."""
    count = len(asker.things)
    found: list[tuple[int, ...]] = []
    for size in range(1, min(count, MAX_REGIONS) + 1):
        orders = list(permutations(range(count), size))
        chosen = asker.rng.permutation(len(orders))[: 3 if size > 1 else count]
        found += [orders[int(k)] for k in chosen]
    return found


def description_drafts(asker: Asker) -> Drafts:
    """Descriptions of a marked thing; VideoRefer-Bench-D's wording first."""
    words = frozenset({"color", "kind", "size", "verb", "direction"})
    for group in groups(asker):
        regions = asker.regions(group)
        if regions is None:
            continue
        if len(group) == 1:
            told = describe(asker, group[0])
            asked = (
                "Please give a detailed description of the highlighted object [<region>] in the"
                " video.",
                "Please describe the object [<region>].",
            )
            forms = [(question, f"The object is {told}.") for question in asked]
            yield _draft(_DESCRIPTION, forms, regions, words)
        for k, i in enumerate(group):
            asked = (f"Please describe object_{k + 1}.", f"Describe object_{k + 1} in detail.")
            forms = [
                (f"{introduce(len(group))} {q}", f"object_{k + 1} is {describe(asker, i)}.")
                for q in asked
            ]
            yield _draft(_DESCRIPTION, forms, regions, words)


def region_drafts(asker: Asker) -> Drafts:
    """Questions about one marked thing, alone or among others, and comparisons."""
    for group in groups(asker):
        regions = asker.regions(group)
        if regions is None:
            continue
        head = introduce(len(group))
        for k, i in enumerate(group):
            for asked, answer, scored in _about(asker, i, f"object_{k + 1}"):
                forms = [(f"{head} {question}", answer) for question in asked]
                yield _draft(_QUESTION, forms, regions, scored)
        for asked, answer, scored in _compared(asker, group):
            forms = [(f"{head} {question}", answer) for question in asked]
            yield _draft(_QUESTION, forms, regions, scored)


Item = tuple[Sequence[str], str, frozenset[str]]


def _about(asker: Asker, i: int, label: str) -> list[Item]:
    """Questions about one thing by its label."""
    thing = asker.things[i]
    verb = verb_phrase(asker.truth.scene, i)
    items: list[Item] = [
        (
            (f"What is {label} doing?", f"What does {label} do in the video?"),
            f"{label} {verb}.",
            scored_words(thing.action),
        ),
        ((f"What shape is {label}?",), f"{label} is a {thing.kind}.", frozenset({"kind"})),
    ]
    if thing.action != "recolor":
        colors = (f"What color is {label}?", f"What is the color of {label}?")
        items.append((colors, f"{label} is {thing.color}.", frozenset({"color"})))
    if thing.size is not None:
        sizes = (f"Is {label} small or large?",)
        items.append((sizes, f"{label} is {thing.size}.", frozenset({"size"})))
    if thing.action in ("move", "collide"):
        ways = (f"In which direction does {label} move?", f"How does {label} move?")
        way = f"{label} moves {thing.events[0].direction}."
        items.append((ways, way, frozenset({"direction"})))
    for time in map(float, asker.rng.uniform(0.03, 0.97, 2)):
        state = state_at(asker.truth, i, time)
        if state is not None:
            when = (f"What is {label} doing at {time_token(time)}?",)
            items.append((when, f"{label} {state}.", frozenset({"verb", "direction"})))
    return items


def _compared(asker: Asker, group: tuple[int, ...]) -> list[Item]:
    """Questions about two marked things, and about all of them."""
    if len(group) < 2:
        return []
    things = [asker.things[i] for i in group]
    first, second = things[:2]
    same = "Do object_1 and object_2 have the same"
    items: list[Item] = [_yes_no(f"{same} shape?", first.kind == second.kind)]
    if "recolor" not in (first.action, second.action):
        items.append(_yes_no(f"{same} color?", first.color == second.color))
    if len(group) == 2 and first.size and second.size and first.size != second.size:
        larger = 1 if first.size == "large" else 2
        for word, number in (("larger", larger), ("smaller", 3 - larger)):
            asked = (f"Which object is {word}, object_1 or object_2?",)
            items.append((asked, f"object_{number} is {word}.", frozenset({"object"})))
    for word, place in (("first", 0), ("last", -1)):
        stopped = _stopping(things, place)
        if stopped is not None:
            asked = (f"Which of the objects stops {word}?",)
            items.append((asked, f"object_{stopped} stops {word}.", frozenset({"object"})))
    return items


def _yes_no(question: str, true: bool) -> Item:
    return (question,), "Yes." if true else "No.", frozenset({"yes_no"})


def _stopping(things: Sequence[Thing], place: int) -> int | None:
    """Number of the thing that stops first or last; None where it is not clear."""
    if any(thing.action in UNCLEAR_STOPS for thing in things):
        return None
    stops = [
        (event.start, k + 1) for k, thing in enumerate(things) if (event := thing.find("stop"))
    ]
    if len(stops) < 2:
        return None
    stops.sort(reverse=place == -1)
    return stops[0][1] if abs(stops[0][0] - stops[1][0]) >= CLEAR_TIME else None


def _draft(
    kind: TaskKind,
    forms: Sequence[tuple[str, str]],
    regions: tuple[RegionPrompt, ...],
    scored: frozenset[str],
) -> Draft:
    question, answer = forms[0]
    return Draft(tuple(forms), Task(kind, question, answer, scored=scored, regions=regions))
