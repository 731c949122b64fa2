"""The C++ example, built against an installed ufvideo, answers as the Python SDK does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from tests.compare import EXACT, assert_close
from training.demo import SEED
from training.tasks import TaskKind, all_tasks
from training.world import Truth, make_scene, render
from ufvideo_sdk import Answer, UFVideo
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.runtime.onnxruntime_library import ENVIRONMENT_VARIABLE, find_library

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(os.environ.get("UFVIDEO_CPP_EXAMPLE", ROOT / "build" / "example" / "ask_clip"))
FPS = 10.0

pytestmark = pytest.mark.skipif(not EXAMPLE.exists(), reason=f"no {EXAMPLE}: needs `make example`")


@dataclass(frozen=True)
class Printed:
    """What the program wrote."""

    tokens: tuple[int, ...]
    spans: list[tuple[float, float]]
    scores: dict[str, float]
    num_pixels: dict[str, int]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(EXAMPLE), *map(str, arguments)]
    variables = {ENVIRONMENT_VARIABLE: str(find_library()), **environment}
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True)


def parsed(text: str) -> Printed:
    (tokens,) = re.findall(r"^tokens((?: \d+)+)$", text, re.MULTILINE)
    spans = re.findall(r"^span (\S+) s to (\S+) s$", text, re.MULTILINE)
    masks = re.findall(r"^mask (\S+) (\d+) pixels, score (\S+)$", text, re.MULTILINE)
    return Printed(
        tokens=tuple(map(int, tokens.split())),
        spans=[(float(start), float(end)) for start, end in spans],
        scores={name: float(score) for name, _, score in masks},
        num_pixels={name: int(count) for name, count, _ in masks},
    )


@dataclass(frozen=True)
class Asked:
    """A question about a folder of frames, and what Python answers."""

    frames: Path
    token_ids: Path
    answer: Answer


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("clip")
    rendered = render(make_scene(SEED))
    truth = Truth(rendered.scene)
    tasks = all_tasks(truth, seed=SEED)
    task = next(t for t in tasks if t.kind is TaskKind.PIXTRQA and not t.absent)
    write_ppm(folder / "frames", rendered.frames)
    result = CliRunner().invoke(app, ["tokens", task.question])
    assert result.exit_code == 0
    (folder / "ids.txt").write_text(result.stdout)
    with UFVideo.load().open(rendered.frames, fps=FPS) as session:
        answer = session.ask(task.question)
    yield Asked(folder / "frames", folder / "ids.txt", answer)


def write_ppm(folder: Path, frames: NDArray[np.uint8]) -> None:
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:06d}.ppm")


def test_tokens_spans_and_masks_are_pythons(asked: Asked, tmp_path: Path) -> None:
    result = run(shipped_package(), asked.frames, asked.token_ids, FPS, tmp_path / "masks")
    assert result.returncode == 0, result.stderr
    printed = parsed(result.stdout)
    answer = asked.answer
    assert answer.spans and answer.masks, "the question was to bring both"
    assert printed.tokens == answer.token_ids
    assert printed.spans == [
        (pytest.approx(span.start_s, rel=1e-5), pytest.approx(span.end_s, rel=1e-5))
        for span in answer.spans
    ]
    expected = {
        f"object_{number}_frame_{idx}": (track.masks[row], track.scores[row])
        for number, track in enumerate(answer.masks)
        for row, idx in enumerate(track.frame_idxs)
    }
    assert printed.num_pixels.keys() == expected.keys()
    for name, (mask, score) in expected.items():
        written = np.asarray(Image.open(tmp_path / "masks" / f"{name}.pgm"))
        assert_close(written == 255, mask, EXACT, where=name)
        assert printed.num_pixels[name] == np.count_nonzero(mask)
        assert printed.scores[name] == pytest.approx(float(score), rel=1e-5)


def test_a_short_clip_repeats_its_frames(asked: Asked, tmp_path: Path) -> None:
    kept = [np.asarray(Image.open(p)) for p in sorted(asked.frames.iterdir())[:3]]
    write_ppm(tmp_path / "frames", np.stack(kept))
    result = run(shipped_package(), tmp_path / "frames", asked.token_ids, FPS)
    assert result.returncode == 0, result.stderr
    assert parsed(result.stdout).tokens


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"package": "nowhere"}, "expected a package folder"),
        ({"frames": "empty"}, "expected .ppm files, found none"),
        ({"token_ids": "words"}, "expected token ids"),
        ({"fps": "0"}, "expected a number above 0, got 0"),
        ({"library": "gone.so"}, "gone.so"),
    ],
    ids=["package", "frames", "token_ids", "fps", "library"],
)
def test_errors_are_one_line(
    asked: Asked, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").write_text("1 2 three")
    given: dict[str, Any] = {
        "package": shipped_package(),
        "frames": asked.frames,
        "token_ids": asked.token_ids,
    }
    given |= {key: tmp_path / value for key, value in change.items() if key in given}
    environment = {ENVIRONMENT_VARIABLE: change["library"]} if "library" in change else {}
    result = run(*given.values(), change.get("fps", FPS), **environment)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


def test_usage_without_arguments() -> None:
    result = run()
    assert result.returncode == 2 and result.stderr.startswith("usage: ask_clip PACKAGE FRAMES")
