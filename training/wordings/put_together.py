"""Questions put together of parts.

A polite beginning and what is asked for, or a name and a question about it. Whoever learns every
question as a whole takes one with an unknown beginning for another that begins alike; parts that
are put together freely teach which of them says what.
"""

from __future__ import annotations

import numpy as np

from training.wordings.templates import TEMPLATES

# How often a question is put together so, where it can be.
_CLAUSE_SHARE, _ABOUT_IT_SHARE = 0.35, 0.15

# What goes before what is asked for.
OPENERS = (
    "[Would|Could|Can|Will] you [please|kindly|] [find out|work out|explain|show me] {clause}"
    "[?|, please?|]",
    "[Would|Could|Can|Will] you [let me know|help me see|make out] {clause}?",
    "[Would|Could] you be [able|so kind as] to [say|find out] {clause}?",
    "Would you mind [saying|checking|telling me] {clause}?",
    "[Please|Just|] [find out|work out|explain|report|answer] {clause}"
    "[.|, please.|, thanks.|]",
    "I wonder {clause}[.|]",
    "I [would love|would like|am trying|have|need] to [find out|learn|see|understand] {clause}.",
    "[Do you have any|Any] idea {clause}?",
    "My question is {clause}.",
    "[The|One] question is {clause}.",
    "It would be [good|nice|great] to know {clause}.",
    "[Help me|Please help me] [find out|see] {clause}.",
    "[What I want|All I need] to know is {clause}.",
    "[Are you|Is anyone|Is anybody] able to [say|tell] {clause}?",
    "[Has|Did] [anyone|anybody] [seen|see] {clause}?",
)  # fmt: skip

# What is asked for, as part of a sentence.
CLAUSES: dict[str, tuple[str, ...]] = {
    "doing": ("what {name} [does|is doing|did]", "what happens [to|with] {name}"),
    "way": (
        "[which|what] way {name} [goes|moves|is going|went]",
        "where {name} [goes|moves|is going|went] [to|]",
        "in [which|what] direction {name} [goes|moves|is moving]",
        "[to|towards] [which|what] side {name} [goes|moves|is moving]",
    ),
    "color": ("[what|which] color {name} [is|has]", "what the color of {name} is"),
    "shape": (
        "[what|which] shape {name} [is|has]",
        "what [sort|kind] of [shape|thing] {name} is",
        "what the shape of {name} is",
    ),
    "size": ("how [big|large] {name} is", "[if|whether] {name} is [small or large|big or small]"),
    "there": ("[if|whether] there is {a} {in}", "[if|whether] {a} is [there|{in}]"),
    "does": ("[if|whether] {name} {acts}", "[if|whether] {name} [does|did] {act}"),
    "which": (
        "[which|what] [object|thing|one] {acts}",
        "what it is that {acts}",
        "which [of the objects|of them] {acts}",
    ),
    "count": ("how many {nouns} [there are|you see] {in}", "what the number of {nouns} is"),
    "count_doing": ("how many [objects|things|of them] {act}",),
    "span": (
        "when {name} {acts}",
        "from when to when {name} {acts}",
        "[during|in] [which|what] [part|time] {name} {acts}",
    ),
    "moment": (
        "when {name} {acts}",
        "at [which|what] [time|second|moment] {name} {acts}",
    ),
    "caption": ("what happens {in}", "what there is to see {in}"),
}

# What goes before a question about "it".
FRONTS = (
    "[About|Regarding|Concerning|As for] {name}[,|:]",
    "[My question is|It is|This is] about {name}.",
    "[Consider|Take|Think of|Focus on|See] {name}[.|:]",
    "There is {name}[.|,]",
    "{name} [there|here][,|:]",
    "Say, {name}[,|:]",
)
ABOUT_IT: dict[str, tuple[str, ...]] = {
    "doing": ("what does it do?", "what is it doing?", "what happens to it?"),
    "way": ("where does it go?", "which way does it [move|go]?", "in what direction does it go?"),
    "color": ("[what|which] color is it?", "what is its color?", "what color does it have?"),
    "shape": ("what shape is it?", "what is its shape?", "what kind of thing is it?"),
    "size": ("is it [small or large|big or small]?", "how [big|large] is it?"),
    "does": ("does it {act}?", "did it {act}?", "is it true that it {acts}?", "it {acts}, yes?"),
    "span": ("when does it {act}?", "from when to when does it {act}?"),
    "moment": ("when does it {act}?", "at what time does it {act}?"),
}

# Ways to count that are no sentences.
COUNTS = (
    "[Count|Total] of {nouns} {in}[?|]",
    "{nouns} count?",
    "{nouns}: number?",
    "[Find|Report|Show] the [number|count] of {nouns} {in}.",
    "How many {nouns} [exist|come up] {in}?",
    "{nouns}, how [many|much]?",
    "[Would|Could] you [find|report] the [number|count] of {nouns}?",
    "As for {nouns}, how many [are there|do you see]?",
    "[Total|Full] number of {nouns}?",
)
MASKS = (
    "[Please|Just|] [outline|cover|select|trace|point out|pick out|cut out] {name} [for me|].",
    "[Would|Could|Can|Will] you [please|] [outline|cover|select|trace|point out|pick out] {name}?",
    "I [need|would like] [a|the] mask [for|over] {name}.",
    "Mask for {name}[.|]",
    "The pixels of {name}[.|, please.]",
    "[Find|Give me|Show me] the pixels of {name}.",
    "I [need|would like] to see {name} [marked|outlined|selected].",
)
_MORE: dict[str, tuple[str, ...]] = {"count": COUNTS, "segment": MASKS}


def template_of(intent: str, rng: np.random.Generator) -> str:
    """A way to put a question of some intent.

    Args:
        intent: A key of TEMPLATES.
        rng: Chooses.
    """
    share = float(rng.random())
    if share < _CLAUSE_SHARE and intent in CLAUSES:
        return _picked(OPENERS, rng).replace("{clause}", _picked(CLAUSES[intent], rng))
    share -= _CLAUSE_SHARE
    if 0 <= share < _ABOUT_IT_SHARE and intent in ABOUT_IT:
        return f"{_picked(FRONTS, rng)} {_picked(ABOUT_IT[intent], rng)}"
    if 0 <= share < _ABOUT_IT_SHARE and intent in _MORE:
        return _picked(_MORE[intent], rng)
    return _picked(TEMPLATES[intent], rng)


def every_part() -> tuple[str, ...]:
    """All texts with choices and slots that questions are put together of."""
    groups = (*CLAUSES.values(), *ABOUT_IT.values(), *_MORE.values())
    return (*OPENERS, *FRONTS, *(text for group in groups for text in group))


def _picked(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
