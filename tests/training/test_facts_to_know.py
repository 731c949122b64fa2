"""What the language model is to know at each place is true, and stands at the right place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
from training.tasks import Task, TaskKind, draw_tasks
from training.train.conversation import NUM_VIDEO_TOKENS, converse, recite
from training.train.mentions import Mentions
from training.train.thing_facts import (
    CLASS_NAMES,
    IGNORED,
    TIME_NAMES,
    Facts,
    facts_until,
    state_between,
)
from training.train.turns import TurnTokenizer
from training.train.world_tokenizer import train_tokenizer
from training.world import TRAIN_SEEDS, VALIDATION_SEEDS, Truth, make_scene
from training.world.scene import ACTIONS, COLORS, DIRECTIONS, KINDS

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TurnTokenizer:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(folder)
    return TurnTokenizer(folder)


def _truths(count: int) -> list[Truth]:
    return [Truth(make_scene(seed)) for seed in VALIDATION_SEEDS[:count]]


def _fact(facts: Facts, name: str) -> int:
    return int(facts.classes[0, CLASS_NAMES.index(name)])


def _time(facts: Facts, name: str) -> float:
    return float(facts.times[0, TIME_NAMES.index(name)])


def test_facts_of_the_whole_clip_are_the_scenes():
    for truth in _truths(30):
        for i, thing in enumerate(truth.scene.things):
            facts = facts_until(truth, i)
            assert KINDS[_fact(facts, "kind")] == thing.kind
            assert COLORS[_fact(facts, "final_color")] == thing.final_color
            assert ACTIONS[_fact(facts, "action")] == thing.action
            if thing.action == "move":
                assert list(DIRECTIONS)[_fact(facts, "direction")] == thing.events[0].direction
                assert 0 <= _time(facts, "start") < _time(facts, "end") <= 1


def test_nothing_is_known_before_it_happens():
    for truth in _truths(60):
        for i, thing in enumerate(truth.scene.things):
            first = facts_until(truth, i, 0.0)
            assert np.isnan(first.times).all()
            assert ACTIONS[_fact(first, "action")] == "stay"
            assert COLORS[_fact(first, "final_color")] == thing.color
            if thing.action == "move":
                middle = (thing.events[0].start + thing.events[0].end) / 2
                under_way = facts_until(truth, i, middle)
                assert ACTIONS[_fact(under_way, "action")] == "move"
                assert np.isnan(_time(under_way, "end"))
                state = state_between(thing, middle - 0.03, middle + 0.03)
                assert list(DIRECTIONS)[state] == thing.events[0].direction


def _truth_with(action: str) -> tuple[Truth, int]:
    for seed in TRAIN_SEEDS[:500]:
        scene = make_scene(seed)
        for i, thing in enumerate(scene.things):
            if thing.action == action and len(scene.things) > 1:
                return Truth(scene), i
    raise AssertionError(f"no scene with {action}")


def test_mentions_mean_what_they_say():
    truth, i = _truth_with("grow")
    thing = truth.scene.things[i]
    mentions = Mentions(truth)
    text = f"Does the {thing.color} {thing.kind} do what the object that grows does?"
    found = mentions.find(text, None)
    assert [text[: m.end].split()[-1] for m in found] == [thing.kind, "grows"]
    assert {m.thing for m in found} == {i}
    missing = next(k for k in KINDS if all(t.kind != k for t in truth.scene.things))
    (absent,) = mentions.find(f"the {missing}", None)
    assert absent.thing is None and _fact(absent.facts, "count") == 0
    assert _fact(absent.facts, "kind") == IGNORED


def test_a_label_is_known_where_it_is_used_and_not_where_it_is_given():
    for truth in _truths(20):
        mentions = Mentions(truth)
        for task in draw_tasks(
            truth, 4, seed=1, weights={TaskKind.REGION_QUESTION: 1.0}, absent_share=0.0
        ):
            for mention in mentions.find(task.question, task):
                if "object_" in task.question[mention.end - 9 : mention.end]:
                    assert task.question[mention.end :][:3] != ": ["


def test_options_are_true_where_the_answer_says_so():
    truth = _truths(1)[0]
    question = "Question: Is it?\nOptions:\n(A) red\n(B) blue"
    task = Task(TaskKind.CHOICE, question, "(B)", options=("red", "blue"))
    found = Mentions(truth).options(task)
    assert [question[: m.end][-4:] for m in found] == [" red", "blue"]
    assert [_fact(m.facts, "true") for m in found] == [0, 1]


def test_places_of_a_conversation_hold_the_words_meant(tokenizer: TurnTokenizer):
    counted = 0
    for seed in VALIDATION_SEEDS[:12]:
        talk = converse(seed, level=3, num_questions=8, tokenizer=tokenizer)
        kinds = talk.mention_facts.classes[:, CLASS_NAMES.index("kind")]
        for place, kind in zip(talk.mention_places, kinds, strict=True):
            word = tokenizer.decode([int(talk.ids[place])]).strip()
            if word.rstrip("s") in KINDS and kind != IGNORED:
                assert word.rstrip("s") == KINDS[kind]
                counted += 1
        assert len(talk.video_facts.classes) == NUM_VIDEO_TOKENS
    assert counted > 30


def test_a_recital_asks_nothing(tokenizer: TurnTokenizer):
    talk = recite(VALIDATION_SEEDS[3], level=3, num_words=10, tokenizer=tokenizer)
    assert (talk.targets < 0).all() and len(talk.mention_places) >= 8
    assert talk.parts[talk.mention_places].min() >= 1
    assert not talk.tasks and talk.looks_shown is not None and talk.looks_shown.any()
