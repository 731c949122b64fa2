"""Each stage in the native runtime against what the released implementation recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, FP32, MASK_LOGITS, assert_close
from tests.parity.conftest import GoldenCase, load_case
from ufvideo_sdk import _native

pytestmark = pytest.mark.torch

SAM_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
SAM_STD = np.array([58.395, 57.12, 57.375], np.float32)
SEG_CASES = ["segment_generated_0", "segment_generated_1"]


def siglip_bytes(pixel_values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The uint8 frames [T, S, S, 3] behind normalised SigLIP input [T, 3, S, S]."""
    return _channels_last((pixel_values * 0.5 + 0.5) * 255.0)


def sam_bytes(pixel_values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The uint8 frames [F, S, S, 3] behind normalised SAM 2 input [F, 3, S, S]."""
    # Recorded input may be normalised on the 0..1 or the 0..255 scale; both are the same numbers.
    return _channels_last(
        pixel_values * SAM_STD[None, :, None, None] + SAM_MEAN[None, :, None, None]
    )


def _channels_last(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    rounded = np.rint(values)
    assert np.abs(values - rounded).max() < 1e-3
    return np.ascontiguousarray(rounded.astype(np.uint8).transpose(0, 2, 3, 1))


def test_vision_input_is_pillows_resize(case: GoldenCase) -> None:
    expected = siglip_bytes(case["pixel_values"])
    resized = _native.resize_bicubic(case["frames"], *expected.shape[1:3])
    assert_close(resized, expected, EXACT, where=f"{case.name} vision input")


def test_mask_input_is_pillows_resize(case: GoldenCase) -> None:
    expected = sam_bytes(case["sam_pixel_values"])
    resized = _native.resize_bicubic(case["sam_frames"], *expected.shape[1:3])
    assert_close(resized, expected, EXACT, where=f"{case.name} mask input")


def test_vision_encoder(native_model: Any, case: GoldenCase) -> None:
    features = native_model.vision_encoder.encode(siglip_bytes(case["pixel_values"]))
    assert_close(features, case["vision_features"], FP32, where=f"{case.name} vision_encoder")


def test_aligner(native_model: Any, case: GoldenCase) -> None:
    features = case["vision_features"]
    if case.is_image:
        features = np.repeat(features, 8, axis=0)
    tokens = native_model.aligner.align(features)
    assert_close(tokens, case["video_tokens"], FP32, where=f"{case.name} aligner")


@pytest.mark.parametrize("name", ["referring_single", "referring_multi"])
def test_region_encoder(native_model: Any, name: str) -> None:
    case = load_case(name)
    features = native_model.vision_encoder.encode(siglip_bytes(case["region_pixel_values"]))
    frame_rows = sorted({i for r in case.facts["regions"] for i in r["frame_idxs"]})
    first = 0
    for region, count in zip(case.facts["regions"], case["region_token_counts"], strict=True):
        rows = [frame_rows.index(i) for i in region["frame_idxs"]]
        masks = np.ascontiguousarray(case["region_masks"][region["mask_rows"]].astype(bool))
        tokens = native_model.region_encoder.encode(np.ascontiguousarray(features[rows]), masks)
        expected = case["region_tokens"][first : first + count]
        assert_close(tokens, expected, FP32, where=f"{name} region_encoder")
        first += count
    assert first == len(case["region_tokens"])


def test_token_embedder(native_model: Any, case: GoldenCase) -> None:
    ids = case["input_ids"][0]
    split = int(np.flatnonzero(ids < 0)[0])
    embeddings = native_model.token_embedder.embed(ids[:split].tolist())
    assert_close(embeddings, case["inputs_embeds"][:split], FP32, where=f"{case.name} embeddings")


def test_language_model(native_model: Any, case: GoldenCase) -> None:
    cache = native_model.language_model.make_cache()
    output = native_model.language_model.run(case["inputs_embeds"], cache)
    assert_close(output.hidden_states, case["prefill_hidden"], FP32, where=f"{case.name} hidden")
    assert_close(output.logits, case["prefill_logits_last"], FP32, where=f"{case.name} logits")


def seg_state(case: GoldenCase, which: str) -> NDArray[np.float32]:
    """The recorded language model state [1, D] whose projection prompts the mask decoder."""
    if "generated_hidden" in case.arrays:
        position = int(case["seg_positions"][0])
        row = position - 1 if which == "preceding" else position
        return np.ascontiguousarray(case["generated_hidden"][row : row + 1])
    ids = case["input_ids"][0]
    behind = len(ids) - int(np.flatnonzero(ids == 625)[0])
    row = len(case["prefill_hidden"]) - behind - 1
    return np.ascontiguousarray(case["prefill_hidden"][row : row + 1])


@pytest.mark.parametrize(
    ("name", "which"),
    [(name, which) for name in SEG_CASES for which in ("preceding", "predicting")]
    + [("segment_teacher_forced", "predicting")],
)
def test_masks(native_model: Any, name: str, which: str) -> None:
    case = load_case(name)
    features = native_model.mask_encoder.encode(sam_bytes(case["sam_pixel_values"]))
    state = seg_state(case, which)
    for frame in range(len(case["sam_pixel_values"])):
        decoded = native_model.mask_decoder.decode(features.frame(frame), state)
        for output, key in [
            (decoded.mask_logits, "mask_logits"),
            (decoded.iou_scores, "iou_scores"),
            (decoded.object_scores, "object_score"),
            (decoded.object_pointers, "obj_ptr"),
        ]:
            expected = np.ascontiguousarray(case[f"{key}_{which}"][:, frame])
            assert_close(output, expected, MASK_LOGITS, where=f"{name} {which} {key} {frame}")
