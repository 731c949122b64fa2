"""Every question has exactly one right answer, in the wording that was released."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest

from tests.training.pixel_oracle import Sight, doing, fitting, look_at
from training.tasks import Task, TaskKind, all_tasks, corpus, draw_tasks, score, vocabulary
from training.tasks.draw import ABSENT_KINDS
from training.tasks.score import read_letter
from training.world import Truth, make_scene, render
from ufvideo_sdk.text.prompt import grounding_question, segmentation_question

SEEDS = range(60)


@cache
def _truth(seed: int) -> Truth:
    return Truth(make_scene(seed))


@cache
def _tasks(seed: int) -> tuple[Task, ...]:
    return tuple(all_tasks(_truth(seed), seed=seed))


@cache
def _sights(seed: int) -> list[Sight]:
    return look_at(_truth(seed).scene)


def test_every_kind_is_asked_and_refused_where_it_can_be():
    tasks = [task for seed in SEEDS for task in _tasks(seed)]
    assert {task.kind for task in tasks} == set(TaskKind)
    assert {task.kind for task in tasks if task.absent} == ABSENT_KINDS


def test_a_question_never_has_two_answers():
    for seed in SEEDS:
        answers: dict[object, str] = {}
        for task in _tasks(seed):
            key = (task.question, task.regions, task.image_frame)
            assert answers.setdefault(key, task.answer) == task.answer, (seed, key)


def test_the_right_answer_is_perfect_and_the_others_are_not():
    for seed in SEEDS:
        for task in _tasks(seed):
            own = score(task, task.answer)
            if task.absent:
                assert own.absent_said, task
                assert not score(task, "Sure, [SEG].").absent_said
                continue
            assert own.correct in (None, 1), task
            assert own.tiou is None or own.tiou > 0.9, task
            for letter in "ABCD"[: len(task.options)]:
                right = letter == read_letter(task.answer, task.options)
                assert score(task, f"({letter})").correct == right, task
            assert len(set(task.options)) == len(task.options)


def test_answers_of_other_scenes_are_wrong_unless_they_say_the_same():
    """The checker tells answers apart: of one wording, different answers never both pass."""
    by_question: dict[str, dict[str, Task]] = {}
    for seed in SEEDS:
        for task in _tasks(seed):
            if task.scored and not task.absent and not task.options:
                by_question.setdefault(task.question, {})[task.answer] = task
    compared = 0
    for tasks in by_question.values():
        for answer, task in list(tasks.items())[:6]:
            for other in list(tasks)[:6]:
                # A question's own subject may be named more or less fully.
                same = _meaning(task, answer) == _meaning(task, other)
                assert (score(task, other).correct == 1) == same, (task, other)
                compared += not same
    assert compared > 1000


def _meaning(task: Task, answer: str) -> object:
    answer = re.sub(r"<TEMP-\d{3}>", "", answer)
    words = set(re.findall(r"[\w-]+", answer.lower()))
    looks = {
        "red",
        "green",
        "blue",
        "yellow",
        "purple",
        "orange",
        "cyan",
        "white",
        "small",
        "large",
    }
    looks |= {"circle", "square", "triangle", "star", "cross", "ring"}
    if not task.scored & {"color", "kind", "size"}:
        words -= looks
    elif task.kind is TaskKind.CAPTION:
        return frozenset(re.sub(r"\ban?\b", "", s).strip().lower() for s in answer.split("."))
    order = tuple(re.findall(r"[\w-]+", answer.lower()))
    return tuple(w for w in order if w in words and w not in ("a", "an", "seg"))


def test_names_mean_one_thing_to_a_person():
    checked = 0
    pattern = re.compile(r"Please segment the (?!object that)(.*) in the video\.")
    for seed in SEEDS:
        for task in _tasks(seed):
            match = pattern.fullmatch(task.question)
            if task.kind is TaskKind.REFERRING and match:
                seen = fitting(match.group(1), _sights(seed))
                if task.absent:
                    assert not seen, (seed, task)
                elif match.group(1).split()[0] not in ("small", "large"):
                    assert seen == list(task.targets), (seed, task)
                else:
                    assert set(task.targets) <= set(seen), (seed, task)
                checked += 1
    assert checked > 300


def test_clauses_mean_one_thing_to_a_person():
    checked: Counter[str] = Counter()
    pattern = re.compile(r"Please segment the object that (.*) in the video\.")
    for seed in SEEDS:
        for task in _tasks(seed):
            match = pattern.fullmatch(task.question)
            if task.kind is TaskKind.REASONING and match:
                seen = doing(match.group(1), _sights(seed))
                turned = any(t.action == "turn" for t in _truth(seed).scene.things)
                if seen is None or (turned and match.group(1).startswith("moves")):
                    continue
                assert seen == ([] if task.absent else list(task.targets)), (seed, task.question)
                checked[match.group(1).split()[0]] += 1
    assert set(checked) == {"changes", "enters", "leaves", "is", "stops", "moves"}
    assert sum(checked.values()) > 300


def test_counts_are_what_can_be_seen():
    for seed in SEEDS:
        sights = _sights(seed)
        for task in _tasks(seed):
            match = re.fullmatch(r"How many (.*) are there in the video\?", task.question)
            if task.kind is TaskKind.COUNT and match:
                noun = match.group(1)
                noun = noun.removesuffix("es" if noun == "crosses" else "s")
                seen = [i for i in fitting(noun, sights) if sights[i].areas.max() > 0]
                assert f" {len(seen)} " in task.answer, (seed, task)


def test_regions_and_targets_have_pixels():
    for seed in range(0, 60, 4):
        scene = _truth(seed).scene
        frames = sorted({f for t in _tasks(seed) for r in t.regions for f in r.frame_idxs})
        masks = render(scene, frames).masks
        row = {frame: k for k, frame in enumerate(frames)}
        counts = set()
        for task in _tasks(seed):
            for region in task.regions:
                counts.add(len(region.frame_idxs))
                for frame in region.frame_idxs:
                    assert masks[region.thing, row[frame]].sum() > 50, (seed, task)
        assert min(counts) == 1
    shown = {len(task.regions) for seed in SEEDS for task in _tasks(seed)}
    assert shown == {0, 1, 2, 3}


def test_image_answers_hold_on_that_frame():
    checked = 0
    for seed in range(30):
        tasks = [task for task in _tasks(seed) if task.image_frame is not None]
        for frame in {task.image_frame for task in tasks}:
            assert frame is not None
            masks = render(_truth(seed).scene, [frame]).masks[:, 0]
            visible = [i for i, mask in enumerate(masks) if mask.any()]
            for task in (task for task in tasks if task.image_frame == frame):
                assert set(task.targets) <= set(visible)
                if task.question == "How many objects are there in the image?":
                    assert f" {len(visible)} " in task.answer
                    checked += 1
    assert checked > 20


def test_released_wordings():
    questions = {kind: [] for kind in TaskKind}
    for seed in SEEDS:
        for task in _tasks(seed):
            questions[task.kind].append(task)
    span = next(t for t in questions[TaskKind.SPAN] if "occur" in t.question and not t.absent)
    event = re.fullmatch(r"When is (.*) occur in the video\?.*", span.question)
    assert event and span.question == grounding_question(event.group(1))
    assert re.fullmatch(r"\{<TEMP-\d{3}><TEMP-\d{3}>\}", span.answer)
    first = questions[TaskKind.REFERRING][0]
    words = re.fullmatch(r"Please segment the (.*) in this image\.", first.question)
    assert words and first.question == segmentation_question(words.group(1))
    assert first.answer == "Sure, [SEG]."
    assert questions[TaskKind.PIXRQA][0].question == (
        "There is 1 objects in the video: object_1: [<region>]. Please give a detailed description"
        " of what is the object_1 doing in the video. And please generate the mask in every"
        " frames?"
    )
    assert re.search(r"\{<TEMP-\d{3}><TEMP-\d{3}>\}\. The .*\. The segmentation mask is \[SEG\]\.",
                     questions[TaskKind.PIXTRQA][0].answer)  # fmt: skip
    choice = questions[TaskKind.CHOICE][0].question
    assert choice.startswith("Question: ") and "\nOptions:\n(A) " in choice


@pytest.mark.parametrize("seed", [0, 7])
def test_drawing_is_deterministic(seed: int):
    first = draw_tasks(_truth(seed), 8, seed=seed)
    assert first == draw_tasks(Truth(make_scene(seed)), 8, seed=seed)
    assert first != draw_tasks(_truth(seed), 8, seed=seed + 1)
    assert len(first) == 8 == len({task.question for task in first})


def test_a_tenth_asks_for_what_is_absent():
    drawn = [task for seed in SEEDS for task in draw_tasks(_truth(seed), 8, seed=seed)]
    assert 0.07 < np.mean([task.absent for task in drawn]) < 0.14
    only = draw_tasks(_truth(7), 4, seed=1, weights={TaskKind.SPAN: 1.0}, absent_share=0.0)
    assert {(task.kind, task.absent) for task in only} == {(TaskKind.SPAN, False)}
    with pytest.raises(ValueError, match="weights"):
        draw_tasks(_truth(7), 4, seed=1, weights={TaskKind.SPAN: 0.0})


def test_easier_levels_have_questions_too():
    for level in range(3):
        kinds = set()
        for seed in range(20):
            truth = Truth(make_scene(seed, level=level))
            kinds |= {task.kind for task in draw_tasks(truth, 12, seed=seed)}
        assert len(kinds) >= 13, level


def test_the_vocabulary_holds_every_word():
    words = set(vocabulary())
    assert 150 < len(words) < 300
    for seed in range(200_000_000, 200_000_012):
        for task in all_tasks(Truth(make_scene(seed)), seed=seed):
            text = re.sub(r"<TEMP-\d{3}>|\[SEG\]|<region>", " ", f"{task.question} {task.answer}")
            assert set(re.findall(r"[A-Za-z0-9_'-]+", text)) <= words


def test_the_corpus_has_no_tokens_of_their_own():
    texts = corpus(3)
    assert len(texts) > 1000
    assert not any(mark in text for text in texts for mark in ("<TEMP-", "[SEG]", "<region>"))
