"""What a question of `training/tasks` asks for, read from its one canonical wording.

Questions are written by templates, so that a regular expression tells each template and what it was
filled with. Other wordings are written from that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from training.wordings.verbs import third
from training.world.scene import COLORS, KINDS, SIZES

_NOUN = (
    rf"(?:(?:{'|'.join(SIZES)}) )?(?:(?:{'|'.join(COLORS)}) )?"
    rf"(?:{'|'.join(KINDS)}|object)(?! that)(?: \[<region>\])?"
)
_NAME = rf"(?P<name>the {_NOUN}|(?:the )?object_\d)"
_BARE = rf"(?P<name>{_NOUN}|object that .+?)"
_TOLD = r"(?P<name>the object that .+?)"
_ANY = rf"(?:{_NAME}|(?P<told>the object that .+?))"
_TIME = r"(?P<time><TEMP-\d{3}>)"
_MASK = r"Please generate the segmentation mask\."
_MASK_TOO = r"Please also generate the segmentation mask\."
_MASK_OF = r"Please (?:respond with|output) segmentation mask\."
# Each intent with its canonical wordings.
_FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "doing_at_masked",
        (
            rf"What is {_NAME} doing at {_TIME}\? {_MASK}",
            rf"At {_TIME}, what does {_NAME} do\? {_MASK}",
        ),
    ),
    ("moving_at_masked", (rf"Which object is moving at {_TIME}\? {_MASK}",)),
    (
        "span_which_masked",
        (rf"When does an object (?P<act>.+), and which object is it\? {_MASK_TOO}",),
    ),
    (
        "span_masked",
        (
            rf"When does {_NAME} (?P<act>.+)\? {_MASK_TOO}",
            rf"During which time span does {_NAME} (?P<act>.+)\? {_MASK_TOO}",
        ),
    ),
    ("segment_which", (rf"Which object (?P<act>.+)\? {_MASK_OF}",)),
    (
        "segment",
        (
            rf"(?:Please|Can you) segment the {_BARE} in (?:this image|the video)[.?]",
            rf"What is {_BARE} in this image\? {_MASK_OF}",
        ),
    ),
    (
        "span",
        (
            rf"When is {_NAME} (?P<act>.+) occur in the video\?"
            r" Only give the start and end timestamp\.",
            rf"When does {_NAME} (?P<act>.+)\? Give the start and end timestamp\.",
            rf"During which time span does {_NAME} (?P<act>.+)\?",
        ),
    ),
    (
        "moment",
        (
            rf"At what time does {_NAME} (?P<act>.+)\?",
            rf"When does {_NAME} (?P<act>.+)\? Only give the moment\.",
            rf"Give the moment when {_NAME} (?P<act>.+)\.",
        ),
    ),
    ("doing_at", (rf"What is {_NAME} doing at {_TIME}\?",)),
    (
        "doing",
        (
            rf"What does {_NAME} do(?: in the video)?\?",
            rf"What is {_NAME} doing(?: in the video)?\?",
            rf"Describe what {_NAME} does\.",
        ),
    ),
    (
        "way",
        (
            rf"In which direction does {_NAME} move\?",
            rf"Which way does {_NAME} go\?",
            rf"How does {_NAME} move\?",
        ),
    ),
    ("side_from", (rf"Which side does {_NAME} come from\?",)),
    ("side_to", (rf"Which side does {_NAME} leave to\?",)),
    ("color_at", (rf"What color is {_NAME} at the (?P<when>start|end)\?",)),
    ("color", (rf"What color is {_ANY}\?", rf"What is the color of {_NAME}\?")),
    ("shape", (rf"What shape is {_NAME}\?", rf"What is the shape of {_NAME}\?")),
    ("size", (rf"Is {_NAME} small or large\?",)),
    ("there", (r"(?:Is there|Can you see) an? (?P<noun>[\w ]+) in the video\?",)),
    ("does", (rf"Does {_NAME} (?P<act>.+)\?",)),
    ("same", (r"Do object_1 and object_2 have the same (?P<what>shape|color)\?",)),
    ("compared", (r"Which object is (?P<what>larger|smaller), object_1 or object_2\?",)),
    ("stops", (r"Which of the objects stops (?P<what>first|last)\?",)),
    (
        "which",
        (r"Which object (?P<act>.+)\?", r"What is the object that (?P<act>.+)\?"),
    ),
    (
        "count",
        (r"How many (?P<nouns>[\w ]+?) (?:are there|can be seen) in the (?:video|image)\?",),
    ),
    ("count_doing", (r"How many objects (?P<act>move|stay still)\?",)),
    (
        "caption",
        (
            r"Please describe the video\.",
            r"What happens in the video\?",
            r"Describe the video in detail\.",
            r"Give a caption of the video\.",
        ),
    ),
    (
        "describe",
        (
            r"Please describe (?P<name>object_\d)\.",
            r"Describe (?P<name>object_\d) in detail\.",
            r"Please give a detailed description of the highlighted object \[<region>\] in the"
            r" video\.",
            r"Please describe the object \[<region>\]\.",
        ),
    ),
    (
        "describe_masked",
        (
            r"Please give a detailed description of what (?:is|are) the (?P<name>object_.+) doing"
            r" in the video\. And please generate the mask in every frames\?",
            r"Please describe (?P<name>object_.+) with segmentation masks\.",
        ),
    ),
)
_INTENTS = tuple((intent, re.compile(form)) for intent, forms in _FORMS for form in forms)
INTENTS = tuple(intent for intent, _ in _FORMS)
_HEAD = re.compile(
    r"There (?:is|are) (\d) objects? in the video: (?:object_\d: \[<region>\](?:, )?)+\. "
)
_MVBENCH = re.compile(r"Question: (.+)\nOptions:\n(?:\(\w\) .+\n)+Answer with .+")
_VIDEOREFER = re.compile(r"(.+?\?) \(A\) .+\. Answer with the option's letter .+")
# First words of the acts after "does it".
_VERBS = ("stay", "move", "enter", "leave", "grow", "shrink", "change", "hit", "go", "hide", "stop")


@dataclass(frozen=True)
class Asked:
    """What a question asks for.

    Attributes:
        intent: One of INTENTS.
        slots: What its wording is filled with: "name" ("the red circle", "object_1"), "noun" ("red
            circle"), "nouns" ("red circles"), "act" ("moves left", in the third person), "time",
            "when" ("start" or "end") and "what" ("first").
        num_marked: Number of objects that an introduction names; 0 without an introduction.
        is_choice: Whether options follow.
        stem: The question itself, without introduction and options.
    """

    intent: str
    slots: Mapping[str, str]
    num_marked: int = 0
    is_choice: bool = False
    stem: str = ""


def read_question(question: str) -> Asked | None:
    """Read a question in one of its canonical wordings; None if it is in other words.

    Args:
        question: As `training/tasks` writes it.
    """
    stem = _stem_of(question)
    head = _HEAD.match(stem)
    if head:
        stem = stem[head.end() :]
    for intent, form in _INTENTS:
        match = form.fullmatch(stem)
        if match:
            slots = {key: value for key, value in match.groupdict().items() if value is not None}
            if "told" in slots:
                slots["name"] = slots.pop("told")
            if "act" in slots:
                slots["act"] = third_person(slots["act"])
            if intent == "segment":
                slots["name"] = f"the {slots['name']}"
            if intent == "describe_masked":
                slots["name"] = slots["name"].replace("the ", "")
            num_marked = int(head[1]) if head else 0
            is_choice = stem != question and not head
            return Asked(intent, slots, num_marked, is_choice, stem)
    return None


def third_person(act: str) -> str:
    """An act in the third person, if it is not in it already: "move left" becomes "moves left"."""
    return third(act) if act.split(" ")[0] in _VERBS else act


def _stem_of(question: str) -> str:
    """The question without options."""
    for form in (_MVBENCH, _VIDEOREFER):
        match = form.fullmatch(question)
        if match:
            return match[1]
    return question
