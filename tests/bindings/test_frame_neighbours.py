"""On the CPU no result depends on which frames were encoded together, whatever the precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import native_config
from tests.compare import EXACT, assert_close
from ufvideo_sdk import _native
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.package.shipped_package import shipped_package

PACKAGES = [
    # nano, whose encoders are int8 as those of every int8 and int4 package.
    pytest.param("int8", id="int8"),
    pytest.param("fp32", id="fp32"),
    *(pytest.param(name, id=name, marks=pytest.mark.torch) for name in ("fp16", "int4")),
]
FIXTURES = {"fp32": "small_package", "fp16": "small_package_fp16", "int4": "small_package_int4"}
HEIGHT, WIDTH = 90, 120


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Iterator[Path]:
    name = request.param
    yield shipped_package() if name == "int8" else request.getfixturevalue(FIXTURES[name])


@pytest.fixture(scope="module")
def model(package: Path) -> Any:
    return _native.Model.load(str(package), native_config())


@pytest.fixture(scope="module")
def video(package: Path) -> Any:
    return read_manifest(package / MANIFEST_NAME)


def some_frames(num_frames: int) -> NDArray[np.uint8]:
    """Frames uint8 [F, H, W, 3] of very different brightness: int8 scales follow the largest."""
    frames = np.random.default_rng(7).integers(0, 256, (num_frames, HEIGHT, WIDTH, 3), np.uint8)
    darker = np.arange(num_frames)[:, None, None, None] % 4 + 1
    return (frames // darker).astype(np.uint8)


def in_pieces(num_frames: int, sizes: Sequence[int]) -> list[list[int]]:
    """Indices 0 to num_frames in pieces whose sizes repeat."""
    ends = accumulate((sizes[i % len(sizes)] for i in range(num_frames)), initial=0)
    borders = sorted({*(end for end in ends if end < num_frames), num_frames})
    return [list(range(begin, end)) for begin, end in pairwise(borders)]


def opened(model: Any, frames: NDArray[np.uint8], pieces: list[list[int]]) -> Any:
    session = _native.Session(model)
    session.begin_clip(list(range(len(frames))))
    for idxs in pieces:
        session.add_frames(frames[idxs], idxs)
    session.end_clip()
    return session


@pytest.mark.parametrize("sizes", [[1], [3, 5], [7, 2]])
def test_features_and_video_tokens(model: Any, video: Any, sizes: list[int]) -> None:
    num_frames, tokens = video.video.num_frames, video.tokens
    frames = some_frames(num_frames)
    prefix = [tokens.video_placeholder_id]
    whole = opened(model, frames, [list(range(num_frames))]).save_clip(prefix)
    cut = opened(model, frames, in_pieces(num_frames, sizes)).save_clip(prefix)
    assert_close(cut.features, whole.features, EXACT, where="features")
    assert_close(cut.video_tokens, whole.video_tokens, EXACT, where="video tokens")
    assert_close(cut.keys, whole.keys, EXACT, where="keys")


def test_a_run_holds_one_frame_or_one_pair(model: Any, video: Any) -> None:
    num_frames = video.video.num_frames
    frames, everything = some_frames(num_frames), list(range(num_frames))
    session = opened(model, frames, [everything])
    states = np.zeros((1, video.model.hidden_size), np.float32)
    session.segment(states, frames, everything)
    runs = {stem: timing.num_calls for stem, timing in session.timings().items()}
    assert runs["vision_encoder"] == runs["mask_encoder"] == num_frames
    assert runs["aligner"] == num_frames // 2


def test_a_frame_gives_the_features_it_gives_alone(model: Any, video: Any) -> None:
    num_frames, size_px = video.video.num_frames, video.video.vision_size_px
    frames = some_frames(num_frames)
    saved = opened(model, frames, [list(range(num_frames))]).save_clip(
        [video.tokens.video_placeholder_id]
    )
    resized = _native.resize_bicubic(frames, size_px, size_px)
    alone = [model.vision_encoder.encode(resized[i : i + 1]) for i in range(num_frames)]
    assert_close(saved.features, np.concatenate(alone), EXACT, where="features")
    pairs = [model.aligner.align(np.concatenate(alone[i : i + 2])) for i in range(0, num_frames, 2)]
    assert_close(saved.video_tokens, np.concatenate(pairs), EXACT, where="video tokens")


@pytest.mark.parametrize("sizes", [[1], [3, 5]])
def test_masks(model: Any, video: Any, sizes: list[int]) -> None:
    num_frames = video.video.num_frames
    frames = some_frames(num_frames)
    width = video.model.hidden_size
    states = np.random.default_rng(8).normal(size=(2, width)).astype(np.float32)
    everything = list(range(num_frames))
    whole = opened(model, frames, [everything]).segment(states, frames, everything)
    session = opened(model, frames, [everything])
    parts = [session.segment(states, frames[i], i) for i in in_pieces(num_frames, sizes)]
    for i in range(2):
        assert [runs for part in parts for runs in part.runs[i]] == whole.runs[i]
    assert_close(np.concatenate([p.scores for p in parts], 1), whole.scores, EXACT, where="scores")


def test_frames_under_regions(model: Any, video: Any) -> None:
    """The state behind a [SEG] is the same whether region frames came at once or one by one."""
    num_frames, tokens = video.video.num_frames, video.tokens
    frames = some_frames(num_frames)
    pixels = some_frames(num_frames + 3)[-3:]
    outside = [num_frames, num_frames + 1, num_frames + 2]

    def prompt(idxs: list[int], given: list[int]) -> Any:
        rows = [outside.index(i) for i in given]
        return _native.Prompt(
            token_ids=[10, tokens.video_placeholder_id, 11, tokens.region_id, 12, tokens.seg_id],
            regions=[
                _native.RegionPrompt(
                    frame_idxs=idxs, masks=np.ones((len(idxs), HEIGHT, WIDTH), bool)
                )
            ],
            region_frames=pixels[rows] if given else None,
            region_frame_idxs=given,
        )

    everything = list(range(num_frames))
    at_once = opened(model, frames, [everything])
    expected = at_once.teacher_force(prompt(outside, outside), 5)
    one_by_one = opened(model, frames, [everything])
    for idx in reversed(outside):
        one_by_one.teacher_force(prompt([idx], [idx]), 5)
    one_by_one.drop_answer()
    assert one_by_one.missing_frames(outside) == []
    states = one_by_one.teacher_force(prompt(outside, []), 5).seg_hidden_states
    # The prefix is computed once in either session, in runs of the same length.
    assert_close(states, expected.seg_hidden_states, EXACT, where="[SEG] state")
