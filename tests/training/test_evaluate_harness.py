"""Nano's test clips in the formats of the benchmarks: scores are those of its own evaluation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.evaluate import DrawnClip, Outcome, ask_all, drawn_clips
from training.tasks import Score, Task, TaskKind, draw_tasks
from training.world import TEST_SEEDS
from ufvideo_sdk import MaskTrack, UFVideo
from ufvideo_sdk.evaluate import AnswerOptions, answer_data_set, read_data_set, score_data_set
from ufvideo_sdk.evaluate.datasets.mvbench import TASKS

pytestmark = pytest.mark.slow

NUM_CLIPS = 14
_EVENT = re.compile(r"When is (.+) occur in the video\? Only give the start and end timestamp\.")
_EXPRESSION = re.compile(r"Please segment the (.+) in this image\.")
# Questions that a format has room for, in the words that its reader gives them.
FITS: dict[TaskKind, Callable[[Task], object]] = {
    TaskKind.SPAN: lambda task: _EVENT.fullmatch(task.question),
    TaskKind.CHOICE: lambda task: True,
    TaskKind.REGION_QUESTION: lambda task: task.options,
    TaskKind.REFERRING: lambda task: _EXPRESSION.fullmatch(task.question),
    TaskKind.PIXHQA: lambda task: len(task.targets) == 1,
    TaskKind.PIXTRQA: lambda task: len(task.targets) == 1,
}
# As a user is answered: nano's own evaluation gives no answer to read masks from.
BY_ITSELF = AnswerOptions(teacher_forced=False)


@dataclass(frozen=True)
class Asked:
    """A question of the evaluation with what it was worth there."""

    clip: DrawnClip
    number: int
    outcome: Outcome

    @property
    def task(self) -> Task:
        return self.outcome.task

    @property
    def video(self) -> str:
        return f"{self.clip.truth.scene.seed}.mp4"

    @property
    def name(self) -> str:
        return f"{self.clip.truth.scene.seed}-{self.number}"

    def codes(self, thing: int, idxs: Sequence[int]) -> dict[str, Any]:
        """Masks of a thing as a record has them."""
        masks = self.clip.rendered.masks[thing, list(idxs)]
        track = MaskTrack.from_masks(
            np.array(idxs), np.zeros(len(idxs)), masks, np.ones(len(idxs), np.float32)
        )
        codes = ({"size": [m.height, m.width], "counts": m.runs} for m in track)
        return {str(idx): {"segmentation": code} for idx, code in zip(idxs, codes, strict=True)}


@pytest.fixture(scope="module")
def nano() -> UFVideo:
    return UFVideo.load()


@pytest.fixture(scope="module")
def asked(nano: UFVideo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Asked]]:
    """The folder of the clips, and what nano's own evaluation makes of their questions.

    Time tokens are positions among the frames here, and parts of the clip there: the same for
    clips of an even rate.
    """
    folder = tmp_path_factory.mktemp("clips")
    found = []
    for clip in drawn_clips(TEST_SEEDS[:NUM_CLIPS], folder):
        if not np.allclose(np.diff(clip.fractions), 1 / (len(clip.fractions) - 1)):
            continue
        outcomes = ask_all(nano, replace(clip, tasks=some_tasks(clip)))
        found += [Asked(clip, number, outcome) for number, outcome in enumerate(outcomes)]
        # The clip's own file goes when the next one is drawn.
        (folder / f"kept-{clip.path.name}").write_bytes(clip.path.read_bytes())
    for path in folder.glob("kept-*"):
        path.rename(folder / path.name.removeprefix("kept-"))
    return folder, found


def some_tasks(clip: DrawnClip) -> tuple[Task, ...]:
    """One question of each kind that a format has room for, if the clip has one."""
    seed = clip.truth.scene.seed
    drawn = draw_tasks(clip.truth, 120, seed=seed, weights=dict.fromkeys(FITS, 1.0))
    fitting = [each for each in drawn if not each.absent and FITS[each.kind](each)]
    return tuple({each.kind: each for each in fitting}.values())


def of_kind(found: Sequence[Asked], kind: TaskKind) -> list[Asked]:
    taken = [each for each in found if each.task.kind is kind]
    assert len(taken) >= 4, f"{kind}: draw more clips"
    return taken


def percent(taken: Sequence[Asked], value_of: Callable[[Score], float | None]) -> float:
    values = [value_of(each.outcome.score) for each in taken]
    return 100 * float(np.mean([value for value in values if value is not None]))


def corrected(
    nano: UFVideo, benchmark: str, data: Path, videos: Path | None, **options: Any
) -> Mapping[str, float | None]:
    data_set = read_data_set(benchmark, data, videos=videos, **options)
    assert not data_set.problems, data_set.summary()
    file = (data if data.is_dir() else data.parent) / "answers.jsonl"
    answers = answer_data_set(nano, data_set, file, options=BY_ITSELF)
    rows = score_data_set(data_set, answers, teacher_forced=False)
    return {row.metric: row.corrected.percent for row in rows if not row.group}


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_charades(nano: UFVideo, asked: tuple[Path, list[Asked]], tmp_path: Path) -> None:
    videos, found = asked
    taken = of_kind(found, TaskKind.SPAN)
    records = [
        {
            "image_id": each.video,
            "caption": _EVENT.fullmatch(each.task.question)[1],  # type: ignore[index]
            "timestamp": each.task.span,
        }
        for each in taken
    ]
    scores = corrected(nano, "charades-sta", write_json(tmp_path / "test.json", records), videos)
    assert scores["tIoU"] == pytest.approx(percent(taken, lambda score: score.tiou), abs=1e-9)
    right = percent(taken, lambda score: score.tiou and float(score.tiou > 0.5))
    assert scores["R@0.5"] == pytest.approx(right, abs=1e-9)


def test_mvbench(nano: UFVideo, asked: tuple[Path, list[Asked]], tmp_path: Path) -> None:
    videos, found = asked
    taken = of_kind(found, TaskKind.CHOICE)
    for name, _, _ in TASKS.values():
        write_json(tmp_path / "json" / f"{name}.json", [])
    entries = [
        {
            "video": each.video,
            "question": each.task.question.splitlines()[0].removeprefix("Question: "),
            "candidates": each.task.options,
            "answer": each.task.options["ABCD".index(each.task.answer[1])],
        }
        for each in taken
    ]
    name, prefix, _ = TASKS["Action Antonym"]
    write_json(tmp_path / "json" / f"{name}.json", entries)
    folder = tmp_path / "video" / prefix
    folder.parent.mkdir(parents=True)
    folder.symlink_to(videos)
    scores = corrected(nano, "mvbench", tmp_path, None)
    assert scores["accuracy"] == pytest.approx(percent(taken, lambda score: score.correct))


def test_videorefer_q(nano: UFVideo, asked: tuple[Path, list[Asked]], tmp_path: Path) -> None:
    videos, found = asked
    taken = of_kind(found, TaskKind.REGION_QUESTION)
    entries = []
    for each in taken:
        listed = [f"({letter}) {o}" for letter, o in zip("ABCD", each.task.options, strict=False)]
        stem = each.task.question.partition(f" {listed[0]} ")[0]
        (region,) = each.task.regions
        entries.append(
            {
                "id": each.name,
                "video": each.video,
                "Question": stem.replace("[<region>]", "<region>"),
                "type": "Basic Questions",
                "options": listed,
                "Answer": listed["ABCD".index(each.task.answer[1])],
                "frame_idx": str(region.frame_idxs[0]),
                "annotation": [each.codes(region.thing, region.frame_idxs)],
            }
        )
    path = write_json(tmp_path / "q.json", entries)
    scores = corrected(nano, "videorefer-q", path, videos, multi_frame=True)
    assert scores["accuracy"] == pytest.approx(percent(taken, lambda score: score.correct))


def test_ref_youtube_vos(nano: UFVideo, asked: tuple[Path, list[Asked]], tmp_path: Path) -> None:
    """Frames as the session reads them from the clip, without loss; five of them have truth."""
    folder, found = asked
    taken = of_kind(found, TaskKind.REFERRING)[:5]
    videos: dict[str, Any] = {}
    for each in taken:
        with nano.open(folder / each.video) as session:
            frames = session.clip.read(range(each.clip.truth.scene.num_frames))
        names = [f"{number:05d}" for number in range(len(frames))]
        pictures = tmp_path / "valid" / "JPEGImages" / each.name
        truth = tmp_path / "valid" / "Annotations" / each.name
        pictures.mkdir(parents=True)
        truth.mkdir(parents=True)
        for name, frame in zip(names, frames, strict=True):
            Image.fromarray(frame).save(pictures / f"{name}.jpg", format="PNG")
        (thing,) = each.task.targets
        for idx in each.clip.scored_idxs(each.task):
            labels = each.clip.rendered.masks[thing, idx].astype(np.uint8)
            Image.fromarray(labels).save(truth / f"{names[idx]}.png")
        expression = _EXPRESSION.fullmatch(each.task.question)
        assert expression is not None
        entry = {"exp": expression[1], "obj_id": "1"}
        videos[each.name] = {"expressions": {"0": entry}, "frames": names}
    path = tmp_path / "meta_expressions" / "valid" / "meta_expressions.json"
    write_json(path, {"videos": videos})
    scores = corrected(nano, "ref-youtube-vos", tmp_path, None)
    expected = percent(taken, lambda score: score.region_and_boundary)
    assert scores["J&F"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", [TaskKind.PIXHQA, TaskKind.PIXTRQA])
def test_ufvideo_bench(
    nano: UFVideo, asked: tuple[Path, list[Asked]], tmp_path: Path, kind: TaskKind
) -> None:
    videos, found = asked
    taken = of_kind(found, kind)
    entries = [
        {
            "id": each.name,
            "video": each.video,
            "frame_idx": list(each.clip.scored_idxs(each.task)),
            "conversations": [[{"value": each.task.question}, {"value": each.task.answer}]],
            "annotation": [each.codes(each.task.targets[0], each.clip.scored_idxs(each.task))],
        }
        for each in taken
    ]
    scores = corrected(nano, kind.value, write_json(tmp_path / "bench.json", entries), videos)
    expected = percent(taken, lambda score: score.region_and_boundary)
    assert scores["J&F"] == pytest.approx(expected, abs=1e-9)
    if kind is TaskKind.PIXTRQA:
        # Its truth is a pair of time tokens, a hundredth of the clip apart.
        expected = percent(taken, lambda score: score.tiou)
        assert scores["tIoU"] == pytest.approx(expected, abs=3)
