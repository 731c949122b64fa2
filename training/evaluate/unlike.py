"""`python -m training.evaluate.unlike [PACKAGE]`: whether unknown words tell what a model knows.

The commands of the SDK warn if a quarter of a question's words are unknown to nano. The part of the
questions that are warned about is printed: for the wordings of training, for those that training
never saw, and for questions about things that no clip of the rendered world shows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.evaluate.paraphrases import tasks_of, wordings
from training.tasks import draw_tasks
from training.tasks.task import TIME_PATTERN
from training.world import TEST_SEEDS, Truth, make_scene
from ufvideo_sdk import UFVideo
from ufvideo_sdk.text.unknown_words import is_unlike, unknown_words

_SEEDS = TEST_SEEDS[7000:7030]
FOREIGN = (
    "What is the capital of France?",
    "Who wrote this book?",
    "Is the man wearing a hat?",
    "What does the dog eat?",
    "How do I bake bread?",
    "Why is the sky blue?",
    "Is the woman happy?",
    "Which brand is the car?",
    "What is she saying?",
    "Are people dancing?",
    "Translate this to German.",
    "What time of the year is it?",
    "Is there a person in the video?",
    "How many cars are there?",
    "What colour is the car?",
    "Does the cat jump onto the table?",
    "Is anyone smoking?",
    "What is the license plate?",
    "Is the door open?",
    "Who wins the game?",
    "What is written on the sign?",
    "Is it raining?",
    "Where was this filmed?",
    "Are the lights on?",
    "Does the child cry?",
    "What sport are they playing?",
    "How old is he?",
    "Write a poem about love.",
    "Which team scores first?",
    "Is the food vegan?",
    "Does the worker wear a helmet?",
    "What kind of bird is this?",
    "Is the road wet?",
    "How fast does the train go?",
    "asdf qwer zxcv",
    "blah blah blah",
    "What song is playing?",
    "When does the teacher leave the room?",
    "Is there a forklift near the shelf?",
    "What did the president say?",
)


def questions() -> Iterator[tuple[str, str]]:
    """Questions with what they are."""
    for seed in _SEEDS:
        truth = Truth(make_scene(seed))
        for task in draw_tasks(truth, 10, seed=seed):
            yield "wordings of training", TIME_PATTERN.sub("<time>", task.question)
        for _, task in tasks_of(truth, wordings()):
            yield "unseen wordings", TIME_PATTERN.sub("<time>", task.question)
    for question in FOREIGN:
        yield "questions about other things", question


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and print; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.unlike", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    model = UFVideo.load(parser.parse_args(arguments).package)
    found: dict[str, list[bool]] = {}
    for kind, question in questions():
        unlike = is_unlike(question, unknown_words(model.tokenizer, question))
        found.setdefault(kind, []).append(unlike)
    for kind, said in found.items():
        print(f"{kind}: of {len(said)} questions {100 * np.mean(said):.1f} % are said to be unlike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
