"""What the rows of unseen wordings, of windows and of long clips ask and count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.evaluate import long_clips, paraphrases, unlike, windows
from training.evaluate.ask import Outcome
from training.evaluate.clips import DrawnClip, drawn_clips
from training.evaluate.paraphrases import Wording, paraphrase_rows, tasks_of, wordings
from training.tasks import Score, Task, TaskKind, score
from training.world import TEST_SEEDS
from ufvideo_sdk import AnswerStats, UFVideo

STATS = AnswerStats({}, 1, 0, 2, 1.0, 1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> DrawnClip:
    folder: Path = tmp_path_factory.mktemp("clips")
    return next(drawn_clips(TEST_SEEDS[4003:4004], folder, num_questions=0))


def outcome(task: Task, given: Score) -> Outcome:
    return Outcome(task, task.answer, (), STATS, 0, given)


def test_a_clip_is_asked_in_unseen_words_and_keeps_its_answers(clip: DrawnClip) -> None:
    assert clip.tasks == ()
    chosen = tasks_of(clip.truth, wordings())
    assert chosen == tasks_of(clip.truth, wordings())
    assert len({wording for wording, _ in chosen}) > 0.7 * len(wordings())
    for wording, task in chosen:
        assert "{" not in task.question and task.question != ""
        own = score(task, task.answer)
        masked = Score(own.correct, own.absent_said, own.tiou, own.time_error)
        assert paraphrases.is_right(outcome(task, masked)), (wording, task)
    there = [task for wording, task in chosen if wording.intent == "there"]
    yes = np.mean([task.answer.startswith("Yes") for task in there])
    assert 0.25 < yes < 0.75


def test_what_is_right_is_counted(clip: DrawnClip) -> None:
    chosen = dict(tasks_of(clip.truth, wordings()))
    task = next(iter(chosen.values()))
    assert not paraphrases.is_right(outcome(task, Score(correct=0.0, absent_said=False)))
    assert not paraphrases.is_right(outcome(task, Score(correct=1.0, region=0.2, boundary=0.3)))
    assert not paraphrases.is_right(outcome(task, Score(tiou=0.4)))
    assert paraphrases.is_right(outcome(task, Score(tiou=0.3, time_error=0.01)))


def test_the_rows_have_floors_for_all_and_for_the_worst() -> None:
    right = {wording: [True] * 20 for wording in wordings()}
    overall, worst, stranger = paraphrase_rows(right)
    assert stranger.floor is None and stranger.percent == 100 and stranger.count >= 20 * 15
    assert overall.count + stranger.count == 20 * len(right)
    assert (overall.percent, overall.floor, worst.percent, worst.floor) == (100, 95, 100, 85)
    assert overall.holds and worst.holds and worst.count == 20
    first: Wording = wordings()[0]
    right[first] = [True] * 16 + [False] * 4
    right[next(each for each in right if each.by_stranger)] = [False] * 20
    overall, worst, stranger = paraphrase_rows(right)
    assert 90 < (stranger.percent or 0) < 100
    assert overall.holds and not worst.holds and worst.percent == 80
    lines = paraphrases.table(right)
    assert len(lines) == 1 + len(right)
    assert [line.endswith("NO") for line in lines[1:3]] == [True, False]
    assert not any(row.holds for row in paraphrase_rows({first: []})[:2])


@pytest.fixture(scope="module")
def shipped() -> UFVideo:
    return UFVideo.load()


def test_windows_and_long_clips_have_their_rows(shipped: UFVideo) -> None:
    rows = windows.window_rows(windows.measure(shipped, windows.ROWS, 2))
    assert len(rows) == 2 * len(windows.KINDS)
    assert rows[0].label == "4 frames, question answering, accuracy"
    outcomes = long_clips.measure(shipped, 2)
    assert {o.task.kind for o in outcomes} == {TaskKind.SPAN}
    overlap, right = long_clips.long_rows(outcomes)
    assert overlap.count == right.count == len(outcomes) > 2
    # Sixteen frames over minutes are enough for what lasts.
    assert overlap.percent is not None and overlap.percent > 40


def test_each_wording_is_printed(
    shipped: UFVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "wordings.json"
    paraphrases.main(["--questions", "1", "--json", str(saved)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (1 + len(wordings())) + (1 + 3)
    assert saved.read_text().count(":") >= len(wordings())


def test_unknown_words_tell_other_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert unlike.main([]) == 0
    shares = [float(line.split()[-7]) for line in capsys.readouterr().out.splitlines()]
    assert shares[0] == 0.0 and shares[1] < 50 and shares[2] > 70
