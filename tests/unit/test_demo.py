"""`ufvideo demo`: what is asked, what counts as right, what is printed and written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ufvideo_sdk import Answer, AnswerStats, MaskTrack, Region, StopReason, TimeSpan, demo_clip
from ufvideo_sdk.cli import app
from ufvideo_sdk.demo.files import TRUTH_NAME, shipped_file
from ufvideo_sdk.demo.questions import (
    EventQuestion,
    MaskQuestion,
    WordsQuestion,
    mean_mask_overlap,
    read_questions,
    time_overlap,
)
from ufvideo_sdk.demo.run import compare
from ufvideo_sdk.results.rle import decode_masks, encode_mask
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

QUESTIONS = read_questions(shipped_file(TRUTH_NAME))


class Knowing:
    """Stands in for a session of a model that knows this one clip, or is wrong about it."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong
        self.clip = Clip(open_source(demo_clip()))
        self.stats: dict[str, Any] = {}

    def ask(self, question: str, *, regions: Any, config: Any, cancel: Any) -> Answer:
        (asked,) = (
            each for each in QUESTIONS
            if isinstance(each, WordsQuestion) and each.question == question
        )  # fmt: skip
        assert len(regions) == question.count("<region>")
        assert all(isinstance(region, Region) for region in regions)
        return Answer(
            question=question,
            text="The green square moves left and stays still." if self.wrong else asked.truth,
            token_ids=(1,),
            spans=(),
            masks=(),
            stop_reason=StopReason.END,
            stats=AnswerStats({}, 1, 0, 1, 1.0, 1.0),
            clip=self.clip,
        )

    def locate(self, event: str, *, cancel: Any) -> list[TimeSpan]:
        (asked,) = (each for each in QUESTIONS if isinstance(each, EventQuestion))
        assert event == asked.event
        shift = 2.0 if self.wrong else 0.1
        return [TimeSpan(asked.truth.start_s - shift, asked.truth.end_s - shift)]

    def segment(self, expression: str, *, frames: str, cancel: Any) -> list[MaskTrack]:
        (asked,) = (each for each in QUESTIONS if isinstance(each, MaskQuestion))
        assert (expression, frames) == (asked.expression, "all")
        masks = decode_masks(asked.truth, height=self.clip.height, width=self.clip.width)
        scores = np.ones(len(masks), np.float32)
        found = ~masks if self.wrong else masks
        clip = self.clip
        return [MaskTrack.from_masks(clip.frame_idxs, clip.timestamps_s, found, scores)]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    """What the command opens."""
    knowing = Knowing()

    @contextmanager
    def opened(request: Any) -> Iterator[Any]:
        assert Path(request.source) == demo_clip()
        yield SimpleNamespace(manifest=SimpleNamespace(model=SimpleNamespace(name="nano"))), knowing

    monkeypatch.setattr("ufvideo_sdk.cli.opened.opened", opened)
    return knowing


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["demo", *map(str, arguments)], prog_name="ufvideo")


def test_everything_is_compared_with_the_truth() -> None:
    comparisons = list(compare(Knowing()))  # type: ignore[arg-type]
    assert [each.is_right for each in comparisons] == [True] * 5
    assert [each.overlap is None for each in comparisons] == [True, False, True, False, True]


def test_what_is_wrong_is_called_so() -> None:
    comparisons = list(compare(Knowing(wrong=True)))  # type: ignore[arg-type]
    assert not any(each.is_right for each in comparisons)


def test_it_prints_answers_beside_the_truth_and_writes_nothing(
    session: Knowing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("This is nano, a demonstration model of a rendered world")
    assert result.stdout.count("  truth   ") == 5 and "WRONG" not in result.stdout
    assert f"5 of 5 right. The clip: {demo_clip()}" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_says_what_is_wrong_and_ends_with_8(session: Knowing) -> None:
    session.wrong = True
    result = run()
    assert result.exit_code == 8
    assert result.stdout.count("WRONG") == 5 and "0 of 5 right" in result.stdout


def test_json_is_one_object(session: Knowing) -> None:
    result = run("--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert (report["model"], report["num_right"], report["clip"]) == ("nano", 5, str(demo_clip()))
    assert list(report["questions"][1]) == ["question", "answer", "truth", "right", "overlap"]


def test_it_draws_where_it_is_told_to(session: Knowing, tmp_path: Path) -> None:
    video, sheet = tmp_path / "demo.mp4", tmp_path / "demo.png"
    result = run("--save", video, "--save", sheet)
    assert result.exit_code == 0, result.output
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(session.clip.frame_idxs)
    with Image.open(sheet) as image:
        assert image.width > 1000


def test_a_file_that_cannot_be_written_is_refused_first(session: Knowing, tmp_path: Path) -> None:
    result = run("--save", tmp_path / "none" / "demo.mp4")
    assert result.exit_code == 3 and "expected a folder that exists" in result.stderr
    assert result.stdout == ""


def test_the_clip_that_ships_is_never_replaced(session: Knowing) -> None:
    before = demo_clip().read_bytes()
    result = run("--save", demo_clip())
    assert result.exit_code == 3 and "which is read from" in result.stderr
    assert demo_clip().read_bytes() == before


def test_another_package_is_asked_the_same(small_package: Path) -> None:
    result = run("--package", small_package, "--json")
    assert result.exit_code == 8, result.stderr
    assert len(json.loads(result.stdout)["questions"]) == 5


def test_the_package_of_the_environment_is_not_taken(
    session: Knowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UFVIDEO_PACKAGE", "/nothing/here")
    assert run().exit_code == 0


def test_an_installation_without_the_clip_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ufvideo_sdk.demo.files._FOLDER", tmp_path)
    result = run()
    assert result.exit_code == 4
    assert f"expected the demonstration's clip.mp4 that ships with the SDK in {tmp_path}" in (
        result.stderr
    )


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("The orange circle LEAVES to the bottom.", True),
        ("It leaves to the top.", False),
        ("It leaves to the bottom and stops.", False),
        ("It leaves.", False),
    ],
)
def test_words_are_right_if_all_are_said_and_no_others(text: str, is_said: bool) -> None:
    question = WordsQuestion("?", "", None, "", ("leaves", "bottom"), ("stops", "top", "stop"))
    assert question.is_said(text) is is_said


def test_overlaps() -> None:
    assert time_overlap(TimeSpan(0, 2), TimeSpan(1, 3)) == pytest.approx(1 / 3)
    assert time_overlap(TimeSpan(0, 1), TimeSpan(2, 3)) == 0.0
    assert time_overlap(TimeSpan(1, 1), TimeSpan(1, 1)) == 1.0
    masks = np.zeros((2, 4, 4), np.bool_)
    masks[0, :2] = True
    track = MaskTrack.from_masks(np.arange(2), np.arange(2) / 4, masks, np.ones(2, np.float32))
    half = np.zeros((4, 4), np.bool_)
    half[:1] = True
    empty = np.zeros((4, 4), np.bool_)
    assert mean_mask_overlap(track, [encode_mask(half), encode_mask(empty)]) == 0.75
    assert mean_mask_overlap(track, [encode_mask(half)]) == 0.0
