"""The whole runtime on checkpoints of other sizes, against the same weights in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import MIN_MASK_IOU, mask_iou

torch = pytest.importorskip("torch", reason="needs the export extra")

from benchmarks.latency.torch_worker import TorchPipeline  # noqa: E402
from benchmarks.latency.workload import QUESTIONS, REGION_QUESTION, Workload  # noqa: E402
from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint  # noqa: E402
from ufvideo_export import export_package  # noqa: E402
from ufvideo_export.checkpoint.config import Sam2Sizes, SiglipSizes  # noqa: E402
from ufvideo_export.torch_model.mask_model import Sam2Widths  # noqa: E402
from ufvideo_sdk import GenerationConfig, UFVideo  # noqa: E402

pytestmark = pytest.mark.torch

NUM_NEW_TOKENS = 12


def odd_sizes(mm_projector_type: str) -> RandomSizes:
    """An odd patch grid, an odd frame count, a tied head, one KV head, another SAM 2."""
    return RandomSizes(
        hidden_size=96,
        num_attention_heads=3,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        num_frames=5,
        mm_projector_type=mm_projector_type,
        num_aligner_blocks=1,
        siglip=SiglipSizes(36, 60, 3, 3, 35, 7, 1e-6, "gelu_pytorch_tanh"),
        sam2=Sam2Sizes(96, 8, 2, (1, 2, 2, 1), (2, 4), (6, 4, 4, 2), (5, 5), 40, 1, 24),
        sam2_widths=Sam2Widths(32, 16, 5),
    )


@pytest.fixture(scope="module", params=["stc_connector_v35", "stc_connector"])
def workload(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    folder = tmp_path_factory.mktemp("odd")
    checkpoint = make_random_checkpoint(folder / "checkpoint", odd_sizes(request.param), seed=4)
    package: Path = folder / "package"
    export_package(checkpoint, package, track=False)
    return Workload(checkpoint, checkpoint / "siglip", package, NUM_NEW_TOKENS, 3, 2)


@pytest.fixture(scope="module")
def pipeline(workload: Workload) -> TorchPipeline:
    return TorchPipeline(workload)


def test_answers_and_masks_equal_pytorch(workload: Workload, pipeline: TorchPipeline) -> None:
    model = UFVideo.load(workload.package)
    frames = workload.frames(model.manifest.video.num_frames)
    mask_idxs = workload.mask_idxs(len(frames))
    session: Any = model.open(frames, fps=4.0)
    config = GenerationConfig(max_new_tokens=NUM_NEW_TOKENS)
    with torch.inference_mode():
        for question in QUESTIONS:
            expected, _ = pipeline.answer(frames, question, NUM_NEW_TOKENS)
            assert list(session.ask(question, config=config).token_ids) == expected
        regions = workload.regions(frames)
        expected, _ = pipeline.answer(frames, REGION_QUESTION, NUM_NEW_TOKENS, regions)
        answer = session.ask(REGION_QUESTION, regions=regions, config=config)
        assert list(answer.token_ids) == expected
        masks = pipeline.segment(frames, mask_idxs, "the yellow ball")
    (track,) = session.segment("the yellow ball", frames=mask_idxs)
    assert track.masks.shape == (len(mask_idxs), *frames.shape[1:3])
    assert mask_iou(track.masks, masks) >= MIN_MASK_IOU


def test_more_frames_than_the_source_has(workload: Workload) -> None:
    """A clip of two frames is sampled with repeats, and an image stands for all frames."""
    model = UFVideo.load(workload.package)
    frames = workload.frames(2)
    config = GenerationConfig(max_new_tokens=3)
    session = model.open(frames, fps=4.0)
    assert session.stats["vision_encoder"].num_items == 2
    assert len(session.ask("What?", config=config).token_ids) <= 3
    image = model.open(np.ascontiguousarray(frames[0]))
    assert image.stats["vision_encoder"].num_items == 1
    assert len(image.ask("What?", config=config).token_ids) <= 3
