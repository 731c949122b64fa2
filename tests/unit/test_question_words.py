"""Questions and requests are told from names of objects and events, and no name is refused."""

from __future__ import annotations

import pytest

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.text.prompt import grounding_question, segmentation_question

NOT_OBJECTS = (
    "What is the red thing?",
    "Where is the red car",
    "where are the dogs ",
    "How many balls are there?",
    "is there a red car",
    "Are the dogs there",
    "What does he hold ?",
    "the red car?",
    "\u00bfD\u00f3nde est\u00e1 el coche?",
    "\u7ea2\u8272\u7684\u8f66\u5728\u54ea\u91cc\uff1f",
    "what is the purple triangle",
    "What's the red thing",
    "what\u2019s a ring",
    "what are those animals",
    "what does he hold",
    "Segment the red car",
    "please segment the red car.",
    "Find all dogs",
    "Can you segment the dog",
    "show me the dog",
)
OBJECTS = (
    "the red car",
    "red car.",
    "what is on the table",
    "what is the largest",
    "what is the most expensive",
    "what are the closest to the camera",
    "what is that far away",
    "what he holds",
    "what does the most damage",
    "what do-it-yourselfers need",
    "who is running",
    "which of them is larger",
    "where the car was",
    "mask the man wears",
    "track the train runs on",
    "segment of an orange",
    "segment 3 of the pipeline",
    "find of the day sign",
    "is-sign on the wall",
    "can the man drinks from",
    "please wait sign",
    'the sign that says "why?"',
    "how-to book",
    "when-in-rome poster",
    "a detective",
    "isabel",
    "the questioner",
    "person asking where the dog is",
)
NOT_EVENTS = (
    "When does the car stop?",
    "when does the car stop",
    "Where did I put the knife",
    "what is the purple triangle",
    "what did he do",
    "does the car stop?",
    "Did the car stop",
    "How does a car stop",
    "Find the moment when the car stops",
    "find when the car stops",
    "tell me when the car stops",
    "Show me the exact time at which it stops",
    "can you find it",
)
EVENTS = (
    "a car stops",
    "the dog barks.",
    "when the car stops",
    "what the man does first",
    "how the man opens the box",
    "find the centre of the wheel",
    "Locate the screw and loosen it",
    "show the finished dish",
    "show me dancing",
    "segment the orange",
    "detect the leak with soap",
    "find the time machine",
    "can opens",
    "whereabouts are checked",
    'a man asks "why?"',
    "is given a flower",
)


@pytest.mark.parametrize("words", NOT_OBJECTS)
def test_no_expressions(words: str) -> None:
    with pytest.raises(InputError, match="expression: expected the name of an object"):
        segmentation_question(words)


@pytest.mark.parametrize("words", OBJECTS)
def test_expressions(words: str) -> None:
    assert words.strip().lower() in segmentation_question(words)


@pytest.mark.parametrize("words", NOT_EVENTS)
def test_no_events(words: str) -> None:
    with pytest.raises(InputError, match="event: expected what happens"):
        grounding_question(words)


@pytest.mark.parametrize("words", EVENTS)
def test_events(words: str) -> None:
    assert words.strip().lower().rstrip(".") in grounding_question(words)
