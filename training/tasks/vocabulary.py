"""All words that questions and answers use, found by asking: a tokenizer is trained on them."""

from __future__ import annotations

import re
from collections import Counter

from training.tasks.draw import all_tasks
from training.tasks.lexicon import CATEGORIES, lexicon_words
from training.world.levels import MAX_LEVEL
from training.world.make_scene import make_scene
from training.world.seeds import TRAIN_SEEDS
from training.world.truth import Truth

_SYMBOL = re.compile(r"<TEMP-\d{3}>|\[SEG\]|<region>")
_WORD = re.compile(r"[A-Za-z0-9_'-]+|[^\sA-Za-z0-9_'-]")
_NUM_SCENES = 120


def count_words(num_scenes: int = _NUM_SCENES) -> Counter[str]:
    """How often each word and mark occurs in all questions and answers of some training scenes.

    Time tokens, `[SEG]` and `<region>` are left out: they are tokens of their own.

    Args:
        num_scenes: How many scenes are asked about; 120 hold every word.
    """
    counts: Counter[str] = Counter({word: 1 for word in lexicon_words(CATEGORIES)})
    for text in corpus(num_scenes):
        counts.update(_WORD.findall(text))
    return counts


def vocabulary(num_scenes: int = _NUM_SCENES) -> tuple[str, ...]:
    """All words and marks, sorted."""
    return tuple(sorted(count_words(num_scenes)))


def corpus(num_scenes: int = _NUM_SCENES) -> list[str]:
    """All questions and answers of some training scenes, without the tokens of their own.

    Args:
        num_scenes: How many scenes are asked about.
    """
    texts = []
    for seed in TRAIN_SEEDS[:num_scenes]:
        for task in all_tasks(Truth(make_scene(seed, level=MAX_LEVEL)), seed=seed):
            texts += [_SYMBOL.sub(" ", task.question), _SYMBOL.sub(" ", task.answer)]
    return texts
