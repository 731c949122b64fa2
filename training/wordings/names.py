"""Other words for a thing: "the red object" is "the red one", "that red thing", "red thing"."""

from __future__ import annotations

import re

import numpy as np

from training.wordings.patterns import expanded
from training.wordings.verbs import other_words, plain, progressive
from training.world.scene import COLORS
from training.world.sentences import with_article

# How often a word of a name is another one.
_OTHER_WORD_SHARE = 0.12
WORDS = {
    "small": "[little|tiny|small]",
    "large": "[big|large]",
    "circle": "[disc|disk|dot]",
    "circles": "[discs|disks|dots]",
    "square": "box",
    "squares": "boxes",
    "ring": "hoop",
    "rings": "hoops",
    "cross": "[plus|plus sign]",
    "purple": "violet",
    "cyan": "turquoise",
    "object": "[thing|one|shape|thing]",
    "objects": "[things|shapes|things]",
}
# Of words without a name of their own, the other ones are as usual.
_FREE = frozenset({"object", "objects", "small", "large"})
_DETERMINERS = ("the", "the", "the", "the", "", "that", "this")
_COLORED = "[{color} colored {rest}|{rest} that is {color}|{rest} in {color}]"
_REGION_NAMES = (
    "the object [<region>]",
    "object [<region>]",
    "this object [<region>]",
    "[<region>]",
    "the marked object [<region>]",
    "the thing [<region>]",
    "this thing [<region>]",
    "<region>",
    "the object <region>",
    "the highlighted object [<region>]",
)
# Everything that names are made of beside WORDS.
FORMS = (*_DETERMINERS, _COLORED, "marked highlighted that which any")
_TOLD = re.compile(r"the object that (.+)")
_THING = "[object|thing|one|object|thing]"


def noun(text: str, rng: np.random.Generator) -> str:
    """A noun without article, or a plural, in other words: "small red disk".

    Args:
        text: As in "small red circle", "red objects".
        rng: Chooses the words.
    """
    words = []
    for word in text.split(" "):
        share = 0.45 if word in _FREE else _OTHER_WORD_SHARE
        # "object [<region>]", and "object" alone, are no names that could be another's.
        changed = word in WORDS and rng.random() < share
        words.append(expanded(WORDS[word], rng) if changed else word)
    found = " ".join(words)
    color = next((c for c in COLORS if text.startswith(f"{c} ")), None)
    if color and found.startswith(color) and rng.random() < 0.08:
        rest = found[len(color) + 1 :]
        found = expanded(_COLORED, rng).format(color=color, rest=rest)
    return found


def name(text: str, rng: np.random.Generator) -> str:
    """A name with its article in other words, sometimes without article.

    Args:
        text: As in "the red circle", "the object that moves left", "object_1", "the object
            [<region>]".
        rng: Chooses the words.
    """
    told = _TOLD.fullmatch(text)
    if told:
        return f"the {clause(told[1], rng)}"
    if "object_" in text:
        return text
    if "[<region>]" in text:
        return region_name(rng)
    bare = noun(text.removeprefix("the "), rng)
    return f"{_DETERMINERS[int(rng.integers(len(_DETERMINERS)))]} {bare}".strip()


def clause(act: str, rng: np.random.Generator) -> str:
    """A thing by what it does, without article: "thing that goes left", "one moving left"."""
    act = other_words(act, rng)
    thing = expanded(_THING, rng)
    if act.startswith("is "):
        form = f"{thing} [that|which] {act}"
    else:
        doing = progressive(plain(act))
        form = f"[{thing} that|{thing} which|{thing} that] {act}"
        form = f"[{form}|{form}|{thing} {doing}|{thing} that is {doing}]"
    return expanded(form, rng)


def region_name(rng: np.random.Generator) -> str:
    """A marked thing that nothing has introduced."""
    return _REGION_NAMES[int(rng.integers(len(_REGION_NAMES)))]


def one(text: str, rng: np.random.Generator) -> str:
    """A noun with "a", "an" or "any", or without: "a red circle".

    Args:
        text: As in "red circle".
        rng: Chooses.
    """
    bare = noun(text, rng)
    forms = (with_article(bare),) * 4 + (bare, f"any {bare}")
    return forms[int(rng.integers(len(forms)))]
