"""The PyTorch model against what the released implementation recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import FP32, MASK_LOGITS, assert_close

torch = pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.torch_model import model  # noqa: E402
from ufvideo_export.torch_model.region_pooling import (  # noqa: E402
    covered_patches,
    merge_tokens,
    pool_features,
)

pytestmark = pytest.mark.torch
Golden = Callable[[str], dict[str, NDArray[Any]]]

VIDEO_CASES = ["global_qa", "temporal", "referring_multi", "segment_teacher_forced", "multi_turn"]
MASK_OUTPUTS = ("mask_logits", "iou_scores", "object_score", "obj_ptr")


@pytest.fixture(scope="module")
def checkpoint(small_checkpoint: Path) -> Checkpoint:
    return Checkpoint(small_checkpoint)


@pytest.fixture(autouse=True)
def _no_grad() -> Any:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("case", [*VIDEO_CASES, "image_qa"])
def test_vision_features_and_video_tokens(
    checkpoint: Checkpoint, golden: Golden, case: str
) -> None:
    arrays = golden(case)
    features = model.load_vision_encoder(checkpoint).encode(
        torch.from_numpy(arrays["pixel_values"])
    )
    assert_close(features.numpy(), arrays["vision_features"], FP32, where=f"{case} features")
    num_frames = checkpoint.sizes.num_frames
    features = features.expand(num_frames, -1, -1)
    tokens = model.load_aligner(checkpoint)(features)
    assert_close(tokens.numpy(), arrays["video_tokens"], FP32, where=f"{case} video tokens")


@pytest.mark.parametrize("case", ["referring_single", "referring_multi"])
def test_region_tokens(checkpoint: Checkpoint, golden: Golden, golden_dir: Path, case: str) -> None:
    arrays = golden(case)
    regions = json.loads((golden_dir / "cases.json").read_text())[case]["regions"]
    encoder = model.load_vision_encoder(checkpoint)
    features = encoder.encode(torch.from_numpy(arrays["region_pixel_values"]))
    frames = sorted({idx for region in regions for idx in region["frame_idxs"]})
    merged = []
    for region in regions:
        masks = torch.from_numpy(arrays["region_masks"][region["mask_rows"]].astype(bool))
        seen = features[[frames.index(idx) for idx in region["frame_idxs"]]]
        covered = covered_patches(masks, checkpoint.siglip.patch_grid)
        merged.append(merge_tokens(pool_features(seen, covered), 4))
    assert [len(rows) for rows in merged] == arrays["region_token_counts"].tolist()
    tokens = model.load_region_encoder(checkpoint)(torch.cat(merged))
    assert_close(tokens.numpy(), arrays["region_tokens"], FP32, where=f"{case} region tokens")


def test_language_model(checkpoint: Checkpoint, golden: Golden) -> None:
    language_model = model.load_language_model(checkpoint)
    for case in (*VIDEO_CASES, "image_qa"):
        arrays = golden(case)
        embeds = torch.from_numpy(arrays["inputs_embeds"]).unsqueeze(0)
        states = language_model.model(inputs_embeds=embeds).last_hidden_state[0]
        logits = language_model.lm_head(states[-1])
        assert_close(states.numpy(), arrays["prefill_hidden"], FP32, where=f"{case} states")
        assert_close(logits.numpy(), arrays["prefill_logits_last"], FP32, where=f"{case} logits")


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("segment_generated_0", "preceding"),
        ("segment_generated_0", "predicting"),
        ("segment_generated_1", "preceding"),
        ("segment_teacher_forced", "predicting"),
    ],
)
def test_masks(checkpoint: Checkpoint, golden: Golden, case: str, kind: str) -> None:
    arrays = golden(case)
    encoder = model.load_mask_encoder(checkpoint)
    decoder = model.load_mask_decoder(checkpoint)
    prompts = torch.from_numpy(arrays[f"seg_embeddings_{kind}"])
    maps = encoder.encode(torch.from_numpy(arrays["sam_pixel_values"]))
    for frame in range(maps[0].shape[0]):
        decoded = decoder.decode(prompts, *(each[frame : frame + 1] for each in maps))
        for name, found in zip(MASK_OUTPUTS, decoded, strict=True):
            expected = arrays[f"{name}_{kind}"][:, frame]
            assert_close(found.numpy(), expected, MASK_LOGITS, where=f"{case} {name} {frame}")


def test_seg_projection(checkpoint: Checkpoint, golden: Golden) -> None:
    arrays = golden("segment_generated_0")
    position = int(arrays["seg_positions"][0])
    projection = model.load_mask_decoder(checkpoint).seg_projection
    states = torch.from_numpy(arrays["generated_hidden"])
    for kind, row in (("predicting", position), ("preceding", position - 1)):
        prompt = projection(states[row : row + 1]).numpy()
        assert_close(prompt, arrays[f"seg_embeddings_{kind}"], FP32, where=kind)


def test_first_frame_of_a_track(checkpoint: Checkpoint, golden: Golden) -> None:
    arrays = golden("track_first_frame")
    maps = model.load_mask_encoder(checkpoint).encode(
        torch.from_numpy(arrays["sam_pixel_values"][:1])
    )
    prompt = torch.from_numpy(arrays["language_embedding"]).unsqueeze(0)
    masks, _, _, pointers = model.load_mask_decoder(checkpoint).decode(prompt, *maps)
    assert_close(masks.numpy(), arrays["mask_logits"][:1], MASK_LOGITS, where="mask logits")
    assert_close(pointers.numpy(), arrays["obj_ptr"][:1], FP32, where="object pointer")


def test_absent_object_has_the_fixed_pointer(checkpoint: Checkpoint) -> None:
    decoder = model.load_mask_decoder(checkpoint)
    # A bias below every score makes the object absent.
    decoder.sam.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(-100.0)
    grid, width = checkpoint.sam2.feature_grid, checkpoint.sizes.sam_out_dim
    maps = (
        torch.zeros(1, width, grid, grid),
        torch.zeros(1, width // 8, 4 * grid, 4 * grid),
        torch.zeros(1, width // 4, 2 * grid, 2 * grid),
    )
    masks, _, scores, pointers = decoder.decode(torch.ones(2, width), *maps)
    assert (scores < 0).all()
    fixed = decoder.sam.no_object_pointer.expand(2, -1)
    assert_close(pointers.numpy(), fixed.numpy(), FP32, where="pointer")
    assert np.isfinite(masks.numpy()).all() and (masks > -100).all()
