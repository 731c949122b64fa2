"""Wordings that training never saw, as people might type them.

A test proves that none of them, capitals, marks, articles and spelling aside, is a wording of
`training.wordings`. Slots are filled as there, in the plain words: {name} "the red circle", {bare}
"red circle", {a} "a red circle", {nouns} "red circles", {act} "move left", {acts} "moves left",
{acting} "moving left".
"""

from __future__ import annotations

from collections.abc import Mapping

UNSEEN: Mapping[str, tuple[str, ...]] = {
    "color": (
        "Of what color is {name}?",
        "{name}, what color is that?",
        "would you please tell me the colour {bare} has",
        "Can you name the color that {name} is in?",
        "which colour did you see {bare} in",
    ),
    "shape": (
        "Would you tell me which shape {name} is?",
        "what sort of shape does {bare} have",
        "{name}: which shape is it?",
    ),
    "size": ("How big would you say {name} is, small or large?",),
    "there": (
        "Does this have {a} in it?",
        "is {a} somewhere in the video",
        "Would you say there is {a}?",
        "have you seen {a} in there",
        "Please check if there is {a} in the clip.",
        "any {bare} to be seen",
    ),
    "does": (
        "Would you say that {name} {acts}?",
        "does {bare} {act} at some time",
        "Please check if {name} {acts}.",
        "I think {name} {acts}, is that true?",
    ),
    "doing": (
        "What can you see {name} do?",
        "what's up with {bare}",
        "Would you describe what {name} does, please?",
        "In this clip, what is it that {name} does?",
    ),
    "way": (
        "To which side does {name} move?",
        "what way would {bare} go",
        "{name} goes where?",
    ),
    "which": (
        "Would you tell me which object {acts}?",
        "there is an object that {acts}, which one is it",
        "Which is the one that {acts}?",
    ),
    "count": (
        "How many {nouns} did you count?",
        "the number of {nouns} in this clip",
        "Would you count the {nouns} for me?",
    ),
    "span": (
        "Over which part of the clip does {name} {act}?",
        "I want to know when {bare} {acts}",
        "Would you find the time in which {name} is {acting}?",
    ),
    "moment": ("Which moment is it that {name} {acts}?",),
    "segment": (
        "I want a mask of {name}.",
        "please mark where {bare} is",
        "Would you draw a mask over {name}?",
        "Please segment the thing called {bare} in this image.",
    ),
    "choice": ("Which of these is right? {stem}", "{stem} Take one of these."),
}
# As above, of one marked object.
UNSEEN_OF_REGIONS: Mapping[str, tuple[str, ...]] = {
    "color": ("Would you tell me the color of that object [<region>]?",),
    "doing": ("look at [<region>], what does it do",),
}
