"""How answers are scored."""

from __future__ import annotations

import numpy as np
import pytest

from training.tasks import Task, TaskKind, score
from training.tasks.lexicon import read_words
from training.tasks.score import read_letter


def _disk(x: int, radius: int = 12) -> np.ndarray:
    rows, columns = np.mgrid[:80, :100]
    return (rows - 40) ** 2 + (columns - x) ** 2 <= radius**2


def test_words_are_read_longest_first():
    words = read_words("There is no object. It moves up-left and stays still at <TEMP-010>, [SEG].")
    assert words == {
        "absent": ("absent",),
        "verb": ("move", "stay"),
        "direction": ("up-left",),
    }
    assert read_words("The square enters from the top")["direction"] == ("top",)
    assert "yes_no" not in read_words("notable")


def test_only_the_words_asked_for_count():
    task = Task(
        TaskKind.QUESTION, "What does it do?", "The red star moves left.", frozenset({"direction"})
    )
    assert score(task, "It goes left.").correct == 1
    assert score(task, "It moves right.").correct == 0
    assert score(task, "It moves left and then right.").correct == 0
    assert score(task, "There is no star in the video.").correct == 0


def test_letters():
    options = ("left", "up-left", "up")
    assert read_letter("(B)", options) == "B"
    assert read_letter("B", options) == "B"
    assert read_letter("it is up-left", options) == "B"
    assert read_letter("down", options) is None
    task = Task(TaskKind.CHOICE, "Which?", "(B)", options=options)
    assert [score(task, a).correct for a in ("(B) up-left", "(A)", "")] == [1, 0, 0]


def test_captions_by_sentence():
    words = frozenset({"color", "kind", "verb", "direction"})
    right = "A red star grows. A blue ring moves up."
    task = Task(TaskKind.CAPTION, "Describe.", right, scored=words)
    assert score(task, "A blue ring moves up. A red star grows.").correct == 1
    assert score(task, "A red star grows. A blue ring moves down.").correct == 0.5
    assert score(task, right + " A red star grows.").correct == pytest.approx(2 / 3)


def test_times():
    task = Task(TaskKind.SPAN, "When?", "{<TEMP-020><TEMP-059>}", span=(20 / 99, 59 / 99))
    assert score(task, task.answer).tiou == pytest.approx(1)
    assert score(task, "{<TEMP-020><TEMP-098>}").tiou == pytest.approx(0.5)
    assert score(task, "{<TEMP-059><TEMP-020>}").tiou == 0
    assert score(task, "<TEMP-020>").tiou == score(task, "never").tiou == 0
    moment = Task(TaskKind.MOMENT, "When?", "<TEMP-050>", span=(50 / 99, 50 / 99))
    assert score(moment, "<TEMP-050>").tiou == pytest.approx(1)
    assert score(moment, "<TEMP-053>").time_error == pytest.approx(3 / 99)
    assert score(moment, "soon").time_error == 1


def test_saying_that_it_is_absent():
    task = Task(TaskKind.REFERRING, "Segment.", "There is no red star in the video.", absent=True)
    assert score(task, task.answer).absent_said is True
    assert score(task, "Sure, [SEG].").absent_said is False
    assert score(task, "There is no red star, [SEG].").absent_said is False
    assert score(task, "There is no red star at <TEMP-010>.").absent_said is False


def test_masks_of_a_task():
    task = Task(TaskKind.REFERRING, "Segment.", "Sure, [SEG].", targets=(0,))
    truth = np.stack([_disk(40), _disk(50)])[None]
    right = score(task, task.answer, masks=truth, truth=truth)
    assert right.region == right.boundary == right.region_and_boundary == 1
    for masks in (None, truth[:0], np.concatenate([truth, truth])):
        assert score(task, "x", masks=masks, truth=truth).region_and_boundary == 0
    with pytest.raises(ValueError, match="more frames in the truth"):
        score(task, "x", masks=truth[:, :1], truth=truth)


def test_marks_must_agree_with_what_fills_them():
    with pytest.raises(ValueError, match="expected 1 \\[SEG\\]"):
        Task(TaskKind.REFERRING, "Segment.", "Sure.", targets=(0,))
    with pytest.raises(ValueError, match="expected 0 <region>"):
        Task(TaskKind.REGION_QUESTION, "What is [<region>]?", "A star.")
