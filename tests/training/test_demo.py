"""The clip and the truth that ship are what their command makes; the truth is right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.demo import MOVING, SEED, write_demo
from training.demo_picture import EVENT, EXPRESSION, MAX_BYTES, QUESTION, Picture, save
from training.world import make_scene, render
from ufvideo_sdk import demo_clip
from ufvideo_sdk.demo.files import CLIP_NAME, TRUTH_NAME, shipped_file
from ufvideo_sdk.demo.questions import EventQuestion, MaskQuestion, WordsQuestion, read_questions
from ufvideo_sdk.results.rle import decode_masks

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


def decoded(path: Path) -> tuple[NDArray[np.uint8], list[float]]:
    """All frames, uint8 [T, H, W, 3], and their times in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    return pixels, [float(frame.time) for frame in frames]


def test_the_truth_that_ships_is_what_the_command_writes(written: Path) -> None:
    shipped, again = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (shipped_file(TRUTH_NAME), written / TRUTH_NAME)
    )
    height, width = shipped["size"]

    def masks(content: dict[str, Any]) -> NDArray[np.bool_]:
        """Take out all masks, bool [F, H, W]: another OpenCV may draw a pixel of an edge else."""
        runs = []
        for question in content["questions"]:
            runs += question.pop("counts", [])
            if question.get("region") is not None:
                runs.append(question["region"].pop("counts"))
        return decode_masks(runs, height=height, width=width)

    apart = masks(shipped) ^ masks(again)
    assert apart.sum(axis=(1, 2)).max() <= 4
    assert shipped == again


def test_the_clip_that_ships_is_what_the_command_writes(written: Path) -> None:
    (shipped, times), (again, times_again) = decoded(demo_clip()), decoded(written / CLIP_NAME)
    assert times == times_again and shipped.shape == again.shape
    # Another release of the encoder may round otherwise.
    assert np.abs(shipped.astype(int) - again).mean() < 0.5
    assert demo_clip().stat().st_size < 50_000


def test_the_questions_are_about_the_clip() -> None:
    questions = read_questions(shipped_file(TRUTH_NAME))
    kinds = [type(question) for question in questions]
    assert kinds == [WordsQuestion, EventQuestion, WordsQuestion, MaskQuestion, WordsQuestion]
    rendered = render(make_scene(SEED))
    height, width = rendered.frames.shape[1:3]
    (masks,) = (each for each in questions if isinstance(each, MaskQuestion))
    right = decode_masks(masks.truth, height=height, width=width)
    assert (right ^ rendered.masks[MOVING]).sum(axis=(1, 2)).max() <= 4
    for question in questions:
        if isinstance(question, WordsQuestion):
            assert question.words and question.is_said(question.truth)
            assert (question.region is not None) == ("<region>" in question.question)
    # The moving picture asks the same.
    assert any(getattr(each, "question", None) == QUESTION for each in questions)
    assert any(getattr(each, "event", None) == EVENT for each in questions)
    assert masks.expression == EXPRESSION


def test_the_moving_picture_is_small_and_moves() -> None:
    path = ROOT / "docs" / "assets" / "demo.webp"
    assert path.stat().st_size <= MAX_BYTES
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) > 40 and image.info["loop"] == 0


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_moving_picture_keeps_its_frames_and_times(tmp_path: Path, suffix: str) -> None:
    frames = [np.full((20, 30, 3), 20 * i, np.uint8) for i in range(8)]
    path = tmp_path / f"picture{suffix}"
    save(Picture(frames, [100] * 7 + [500]), path)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 8 and image.size == (30, 20)


def test_the_truth_is_data_without_paths() -> None:
    content = json.loads(shipped_file(TRUTH_NAME).read_text(encoding="utf-8"))
    assert set(content) == {"size", "questions"}


def test_no_pytorch_is_needed() -> None:
    command = "import sys, training.demo, training.demo_picture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
