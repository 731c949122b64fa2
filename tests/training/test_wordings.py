"""Questions in other words keep their answers; training never sees those of the evaluation."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from training.evaluate.paraphrases import wordings
from training.tasks import Task, all_tasks, score
from training.tasks.choice import LETTERS
from training.tasks.task import REGION_MARK
from training.wordings import read_question, reword, reworded_tasks, verbs
from training.wordings.asked import INTENTS
from training.wordings.patterns import all_texts, expanded, tidy
from training.wordings.templates import TEMPLATES
from training.wordings.typed import PREFIXES, SUFFIXES, typed
from training.wordings.vocabulary import first_words, words_behind_spaces
from training.world import TRAIN_SEEDS, Truth, make_scene
from training.world.long_events import FPS, NUM_FRAMES, make_long_events

SEEDS = range(24)
_SLOTS = {"{bare}": "{name}", "{a}": "{name}", "{noun}": "{name}"}
_ARTICLES = re.compile(r"\b(?:the|an?|any|this|that) ")


@cache
def _tasks(seed: int) -> tuple[Task, ...]:
    return tuple(all_tasks(Truth(make_scene(seed)), seed=seed))


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_canonical_question_is_read():
    found = set()
    for seed in SEEDS:
        for task in _tasks(seed):
            asked = read_question(task.question)
            assert asked is not None, task.question
            found.add(asked.intent)
            assert asked.num_marked in (0, len(task.regions))
            assert asked.is_choice == bool(task.options)
    assert found == set(INTENTS) == set(TEMPLATES)


def test_other_words_keep_the_answer():
    changed = 0
    for seed in SEEDS:
        for number, task in enumerate(_tasks(seed)):
            other = reword(task, _rng(seed, number))
            assert (other.kind, other.regions, other.span) == (task.kind, task.regions, task.span)
            assert other.question.count(REGION_MARK) == len(task.regions)
            own = score(task, other.answer)
            assert own.absent_said if task.absent else own.correct in (None, 1), other
            times = re.findall(r"<TEMP-\d{3}>", task.question)
            assert re.findall(r"<TEMP-\d{3}>", other.question) == times, other.question
            assert not re.search(r"[{}|]|  |\]\.?\?\]", other.question), other.question
            changed += other.question != task.question
            for letter, option in zip(LETTERS, task.options, strict=False):
                assert re.search(rf"\b{letter}[).:] {re.escape(option)}", other.question)
    assert changed > 0.9 * sum(len(_tasks(seed)) for seed in SEEDS)


def test_a_question_in_other_words_has_one_answer():
    for seed in SEEDS:
        answers: dict[object, str] = {}
        for number, task in enumerate(_tasks(seed)):
            other = reword(task, _rng(seed, number))
            answer = other.answer.replace("The object is", "object_1 is")
            answer = (
                "mask"
                if other.targets and answer.endswith("[SEG].") and not other.scored
                else answer
            )
            key = (other.question.lower(), other.regions, other.image_frame)
            assert answers.setdefault(key, answer) == answer, (seed, key)


def test_words_are_drawn_from_the_seed():
    tasks = _tasks(3)
    first = reworded_tasks(tasks, 0.5, seed=1)
    assert first == reworded_tasks(tasks, 0.5, seed=1) != reworded_tasks(tasks, 0.5, seed=2)
    same = sum(a is b for a, b in zip(tasks, first, strict=True))
    assert 0.4 < same / len(tasks) < 0.6
    assert reworded_tasks(tasks, 0.0, seed=1) == tasks


def test_patterns_stand_for_several_texts():
    assert set(all_texts("[a|b] c[ d|]")) == {"a c d", "a c", "b c d", "b c"}
    assert set(all_texts("x [y [1|2]|z]")) == {"x y 1", "x y 2", "x z"}
    assert expanded("[a|a] [<region>]?", _rng(0)) == "a [<region>]?"
    assert tidy(" a  b ?") == "a b?"


@pytest.mark.parametrize(
    ("act", "plain", "doing"),
    [
        ("moves left", "move left", "moving left"),
        ("stays still", "stay still", "staying still"),
        ("hits the red ring", "hit the red ring", "hitting the red ring"),
        ("goes behind", "go behind", "going behind"),
        ("switches to red", "switch to red", "switching to red"),
        ("stops first", "stop first", "stopping first"),
    ],
)
def test_verbs_have_their_forms(act: str, plain: str, doing: str):
    assert verbs.plain(act) == plain and verbs.third(plain) == act
    assert verbs.progressive(plain) == doing


def test_typing_leaves_marks_alone():
    text = "What is the object [<region>] doing at <TEMP-040>?"
    for number in range(300):
        found = typed(text, _rng(number))
        assert "<region>" in found and "<TEMP-040>" in found, found
    lower = [typed("What color is the Ring?", _rng(number)) for number in range(300)]
    assert 0.3 < np.mean([each == each.lower() for each in lower]) < 0.6
    assert any("colour" in each for each in lower) and any("the" not in each for each in lower)


def _normal(text: str) -> str:
    """A wording without what typing changes."""
    for slot, name in _SLOTS.items():
        text = text.replace(slot, name)
    text = text.lower().replace("colour", "color").replace("what's", "what is")
    text = _ARTICLES.sub("", re.sub(r"[^\w{} ]", " ", text) + " ")
    text = re.sub(r" +", " ", text).strip()
    for prefix in sorted({re.sub(r"[^\w ]", "", p) for p in PREFIXES}, key=len, reverse=True):
        text = text.removeprefix(f"{prefix} ")
    for suffix in SUFFIXES:
        text = text.removesuffix(f" {suffix}")
    return text


def test_training_never_saw_the_wordings_of_the_evaluation():
    unseen = {_normal(wording.text): wording.text for wording in wordings()}
    assert len(unseen) == len(wordings()) >= 30
    slots = {"{in}": "in the video", "{when}": "at the start"}
    taught: set[str] = set()
    for patterns in TEMPLATES.values():
        for pattern in patterns:
            for text in all_texts(pattern):
                for filling in ("", *slots.items()):
                    slot, words = filling or ("{in}", "")
                    taught.add(_normal(text.replace(slot, words)))
    assert not set(unseen) & taught


def test_no_training_question_is_one_of_the_evaluation():
    # Each slot stands for some words.
    forms = [
        re.compile(re.sub(r"\\{\w+\\}", r"[\\w ]{1,40}?", re.escape(_normal(wording.text))))
        for wording in wordings()
    ]
    for seed in TRAIN_SEEDS[85_000_000:85_000_030]:
        tasks = _tasks(seed)
        for task in reworded_tasks(tasks, 1.0, seed=seed):
            if task.options:
                continue
            text = _normal(task.question)
            assert not [form.pattern for form in forms if form.fullmatch(text)], task.question


def test_the_words_have_no_marks():
    words = words_behind_spaces()
    assert {"colour", "tell", "thing", "going", "heads", "turquoise", "please"} <= set(words)
    assert all(word.isalpha() and word == word.lower() for word in words)
    assert 150 < len(words) < 400
    assert {"tell", "Tell", "Could", "how"} <= set(first_words())


@pytest.mark.parametrize("seed", range(6))
def test_long_clips_are_short_ones_in_minutes(seed: int):
    long = make_long_events(seed)
    short = make_scene(seed, num_frames=long.num_frames)
    assert long == make_long_events(seed)
    assert NUM_FRAMES[0] <= long.num_frames <= NUM_FRAMES[1]
    assert long.duration_s == pytest.approx((long.num_frames - 1) / FPS)
    actions = [thing.action for thing in long.things]
    assert sorted(actions) == sorted(thing.action for thing in short.things)
    for thing in long.things:
        for event in thing.events:
            assert 0 <= event.start <= event.end <= 1
    # The truth of the same pictures can be told.
    assert all(span.last_frame < long.num_frames for span in Truth(long).spans)
