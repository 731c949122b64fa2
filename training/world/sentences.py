"""What a person would say that a thing is and does. Every wording of the world's facts is here."""

from __future__ import annotations

from training.world.scene import EDGES, Scene, Thing

# The plain verb (after "does"), and the third person.
VERBS: dict[str, tuple[str, str]] = {
    "stay": ("stay still", "stays still"),
    "move": ("move {direction}", "moves {direction}"),
    "enter": ("enter from the {edge}", "enters from the {edge}"),
    "leave": ("leave to the {edge}", "leaves to the {edge}"),
    "turn": ("move {direction} and then {second}", "moves {direction} and then {second}"),
    "grow": ("grow", "grows"),
    "shrink": ("shrink", "shrinks"),
    "recolor": ("change from {color} to {to}", "changes from {color} to {to}"),
    "collide": ("hit the {other}", "hits the {other}"),
    "hide": ("go behind the {other}", "goes behind the {other}"),
}


def name(thing: Thing) -> str:
    """A thing's name without article: colour and kind, the kind alone where the colour changes."""
    return thing.kind if thing.action == "recolor" else f"{thing.color} {thing.kind}"


def verb_phrase(scene: Scene, thing_idx: int, *, plain: bool = False) -> str:
    """What a thing does in the clip, as in "moves left"."""
    thing = scene.things[thing_idx]
    moves = [event.direction for event in thing.events if event.direction]
    first = moves[0] if moves else "left"
    edge = EDGES.get(first, "")
    if thing.action == "enter":
        edge = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[edge]
    others = [event.other for event in thing.events if event.other is not None]
    return VERBS[thing.action][0 if plain else 1].format(
        direction=first,
        second=moves[-1] if moves else "",
        edge=edge,
        color=thing.color,
        to=thing.final_color,
        other=name(scene.things[others[0]]) if others else "",
    )


def action_sentence(scene: Scene, thing_idx: int) -> str:
    """What a thing does, as a sentence: "The red circle moves left."."""
    return f"The {name(scene.things[thing_idx])} {verb_phrase(scene, thing_idx)}."


def with_article(noun: str) -> str:
    """A noun with "a" or "an"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def caption(scene: Scene) -> str:
    """The whole clip in words: one sentence for each thing, from left to right as they begin."""
    sentences = []
    for i, thing in enumerate(scene.things):
        sentence = f"{with_article(name(thing))} {verb_phrase(scene, i)}."
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences)
