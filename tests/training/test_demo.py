"""The demo prints what was answered beside the truth, and draws it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest

from training.demo import SEED, main, run
from training.tasks import all_tasks
from training.tasks.positions import to_positions
from training.world import Truth, make_scene, render
from training.world.sentences import name
from ufvideo_sdk import Answer, AnswerStats, MaskTrack, Region, StopReason, TimeSpan
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source


class Knowing:
    """Stands in for a model that knows this one clip."""

    manifest = SimpleNamespace(model=SimpleNamespace(name="nano"))

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong
        self.rendered = render(make_scene(SEED))
        self.truth = Truth(self.rendered.scene)

    @contextmanager
    def open(self, path: Path) -> Any:
        self.clip = Clip(open_source(path))
        yield self

    def ask(self, question: str, *, config: Any, regions: Any = ()) -> Answer:
        tasks = [t for t in all_tasks(self.truth, seed=SEED) if t.question == question]
        if regions:
            (region,) = regions
            assert isinstance(region, Region)
            (thing,) = {
                i
                for i, masks in enumerate(self.rendered.masks)
                if (masks[region.frame_idxs] == region.masks).all()
            }
            tasks = [t for t in tasks if t.regions[0].thing == thing]
        text = to_positions(tasks[0].answer, self.rendered.scene.fractions())
        return Answer(
            question=question,
            text="There is no mouse in the video, [SEG]." if self.wrong else text,
            token_ids=(1,),
            spans=(),
            masks=(),
            stop_reason=StopReason.END,
            stats=AnswerStats({}, 1, 0, 1, 1.0, 1.0),
            clip=self.clip,
        )

    def locate(self, event: str) -> list[TimeSpan]:
        assert event == "the purple triangle moves up"
        (span,) = self.truth.of(1, "move")
        shift = self.rendered.scene.duration_s / 2 if self.wrong else 0.1
        return [TimeSpan(span.start_s - shift, span.end_s - shift)]

    def segment(self, expression: str, *, frames: str) -> list[MaskTrack]:
        assert frames == "all"
        names = [name(thing) for thing in self.rendered.scene.things]
        masks = self.rendered.masks[names.index(expression)]
        scores = np.ones(len(masks), np.float32)
        found = ~masks if self.wrong else masks
        clip = self.clip
        return [MaskTrack.from_masks(clip.frame_idxs, clip.timestamps_s, found, scores)]


def test_everything_is_asked_and_drawn(tmp_path: Path) -> None:
    lines = run(Knowing(), tmp_path)  # type: ignore[arg-type]
    assert len(lines) == 5 and all(line.right for line in lines)
    told = " ".join(f"{line.asked} {line.answered}" for line in lines)
    for words in ("leaves to the bottom", "overlap 0.9", "small ring that changes", "There is no"):
        assert words in told
    with av.open(str(tmp_path / "demo.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == make_scene(SEED).num_frames
    sheet = cv2.imread(str(tmp_path / "demo.png"))
    assert sheet.shape[1] > 1000 and sheet.std() > 20


def test_what_is_wrong_is_called_so(tmp_path: Path) -> None:
    lines = run(Knowing(wrong=True), tmp_path)  # type: ignore[arg-type]
    assert not any(line.right for line in lines)


def test_the_command_runs_with_any_package(
    small_package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["demo", str(out), "--package", str(small_package)])
    assert main() == 0
    said = capsys.readouterr().out
    assert said.count("  truth   ") == 5 and f"Look at {out / 'demo.png'}" in said
    assert {path.name for path in out.iterdir()} == {"clip.mp4", "demo.mp4", "demo.png"}


def test_no_pytorch_is_needed() -> None:
    command = "import sys, training.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command]).returncode == 0
