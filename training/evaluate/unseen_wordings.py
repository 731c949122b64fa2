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
        "say, what color might {name} be",
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
        "could there be {a} anywhere in this",
    ),
    "does": (
        "Would you say that {name} {acts}?",
        "does {bare} {act} at some time",
        "Please check if {name} {acts}.",
        "I think {name} {acts}, is that true?",
        "{name} {acts}, or does it not?",
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
        "in what direction did you see {bare} go",
    ),
    "which": (
        "Would you tell me which object {acts}?",
        "there is an object that {acts}, which one is it",
        "Which is the one that {acts}?",
        "what is the one which {acts} called",
    ),
    "count": (
        "How many {nouns} did you count?",
        "the number of {nouns} in this clip",
        "Would you count the {nouns} for me?",
        "{nouns} in the video, how many of them",
    ),
    "span": (
        "Over which part of the clip does {name} {act}?",
        "I want to know when {bare} {acts}",
        "Would you find the time in which {name} is {acting}?",
        "the time during which {name} is {acting}, please",
    ),
    "moment": ("Which moment is it that {name} {acts}?",),
    "segment": (
        "I want a mask of {name}.",
        "please mark where {bare} is",
        "Would you draw a mask over {name}?",
        "Please segment the thing called {bare} in this image.",
        "show where {bare} is by a mask",
    ),
    "choice": ("Which of these is right? {stem}", "{stem} Take one of these."),
}
# As above, of one marked object.
UNSEEN_OF_REGIONS: Mapping[str, tuple[str, ...]] = {
    "color": ("Would you tell me the color of that object [<region>]?",),
    "doing": ("what do you see [<region>] do",),
}

# Written by somebody who had not seen how training asks, and with words that it does not have: how
# much is lost beyond the wordings above. Those that training turned out to have are left out.
BY_A_STRANGER: Mapping[str, tuple[str, ...]] = {
    "color": ("Which color pencil do I need to draw {name}?", "{name} is painted what colour"),
    "shape": ("tell me what {bare} is shaped like",),
    "size": ("Please say if {name} is a large one or a small one.",),
    "there": (
        "I'm looking for {a}, can you find one?",
        "say yes if you see {a}, if not say no",
    ),
    "does": ("Did you notice {name} {act} at all?",),
    "doing": ("Watch {name} closely. What happens to it?",),
    "way": ("If I follow {name}, which way do I go?",),
    "count": ("what do you get if you add up all the {nouns}",),
    "span": ("I only want the bit where {name} {acts}. From what time to what time is that?",),
    "moment": ("Pause the video right when {name} {acts}, what second is that?",),
    "segment": ("which pixels are part of {bare}",),
    "choice": ("{stem} Only one of these fits, say which.",),
}
BY_A_STRANGER_OF_REGIONS: Mapping[str, tuple[str, ...]] = {
    "color": ("the one I marked [<region>] has what colour",),
    "doing": ("So this object [<region>], what happens to it?",),
}
