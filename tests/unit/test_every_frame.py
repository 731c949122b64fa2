"""`sampling="every"`: a clip of a few frames, each looked at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.conftest import SHORT
from ufvideo_sdk import InputError, PackageError, TimeSpan, UFVideo

QUESTIONS = ("What color is the ball?", "segment")


def some_frames(num_frames: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (num_frames, 48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def num_frames(model: Any) -> int:
    number: int = model.manifest.video.num_frames
    return number


def test_as_many_frames_as_the_model_looks_at_are_those_of_uniform(
    model: Any, num_frames: int
) -> None:
    frames = some_frames(num_frames)
    every, uniform = (
        model.open(frames, fps=2.0, sampling=sampling) for sampling in ("every", "uniform")
    )
    for question in QUESTIONS:
        ours, theirs = (s.ask(question, config=SHORT) for s in (every, uniform))
        assert (ours.token_ids, ours.spans) == (theirs.token_ids, theirs.spans)
        assert [m.runs for m in ours.masks] == [m.runs for m in theirs.masks]
    assert every.locate("the ball moves") == uniform.locate("the ball moves")


@pytest.mark.parametrize("count", [2, 4, 5])
def test_each_frame_is_encoded_once_and_no_frame_repeats(model: Any, count: int) -> None:
    session = model.open(some_frames(count), fps=2.0, sampling="every")
    assert session.stats["vision_encoder"].num_items == count
    assert session.stats["aligner"].num_calls == count // 2
    answer = session.ask("What color is the ball?", config=SHORT)
    per_pair = session._gate.native().video_tokens.shape[0] // (count // 2)
    assert answer.stats.num_prefill_tokens < 60 + per_pair * (count // 2)
    (track,) = session.segment("the ball")
    assert track.frame_idxs.tolist() == list(range(count))


def test_an_odd_last_frame_is_left_out_of_the_prompt_and_counts_for_times(model: Any) -> None:
    frames = some_frames(5)
    odd = model.open(frames, fps=1.0, sampling="every")
    even = model.open(frames[:4], fps=1.0, sampling="every")
    assert odd.ask("Why?", config=SHORT).token_ids == even.ask("Why?", config=SHORT).token_ids
    whole = TimeSpan(0.0, 4.0)
    asked = odd.ask("What happens during <time>?", times=[whole], config=SHORT)
    same = even.ask("What happens during <time>?", times=[TimeSpan(0.0, 3.0)], config=SHORT)
    assert asked.token_ids == same.token_ids, "token 99 is the clip's last frame"


@pytest.mark.parametrize("count", [1, 9, 20])
def test_too_few_and_too_many_frames(model: Any, count: int) -> None:
    with pytest.raises(InputError, match=rf'2 to 8 frames with sampling="every".*got {count} fr'):
        model.open(some_frames(count), fps=2.0, sampling="every")


def test_what_is_no_sampling(model: Any) -> None:
    for wrong in ("all", None, 3, ["every"]):
        with pytest.raises(InputError, match='sampling: expected "uniform" or "every", got'):
            model.open(some_frames(4), fps=2.0, sampling=wrong)
    with pytest.raises(InputError, match="got 1 frame: leave"):
        model.open(some_frames(1)[0], sampling="every")


def test_bounds_choose_the_frames(model: Any, video: Path) -> None:
    session = model.open(video, start_s=0.5, end_s=1.0, sampling="every")
    assert session.stats["vision_encoder"].num_items == len(session.clip.frame_idxs) > 1


def padded_package(small_package: Path, folder: Path) -> Path:
    """The small package with a manifest that says its aligner is padded."""
    package = folder / "padded"
    shutil.copytree(small_package, package)
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["video"]["aligner_padding"] = 1
    (package / "manifest.json").write_text(json.dumps(manifest))
    return package


def test_an_aligner_that_looks_across_pairs(small_package: Path, tmp_path: Path) -> None:
    model = UFVideo.load(padded_package(small_package, tmp_path))
    with pytest.raises(PackageError, match=r"aligner_padding: expected 0.*got 1: use"):
        model.open(some_frames(4), fps=2.0, sampling="every")
