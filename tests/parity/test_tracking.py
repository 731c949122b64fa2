"""Tracking in the native runtime against what PyTorch recorded, memories in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, MASK_LOGITS, MIN_MASK_IOU, assert_close, mask_iou
from tests.native_tracks import follow
from tests.parity.conftest import GoldenCase, load_case, load_native
from tests.parity.test_stages import sam_bytes
from tests.track_reference import CASES, NUM_FRAMES, SIDE_PX, read_reference
from ufvideo_sdk import _native

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def model(exported_package_track: Path) -> Any:
    return load_native(exported_package_track)


@pytest.fixture(scope="module")
def golden() -> GoldenCase:
    return load_case("track_first_frame")


def memories(
    features: list[NDArray[np.float32]], pointers: list[NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """What SAM 2 reads of frames before, of which the first alone was prompted."""
    frames = [0, *range(max(1, len(features) - 6), len(features))]
    ages = [6, *(len(features) - frame - 1 for frame in frames[1:])]
    latest = [0, *range(len(pointers) - 1, max(0, len(pointers) - 16), -1)]
    return (
        np.stack([features[frame] for frame in frames])[None],
        np.array([ages], np.int64),
        np.stack([pointers[frame] for frame in latest])[None],
    )


def test_the_golden_track(model: Any, golden: GoldenCase) -> None:
    """Stage by stage: its prompt is the projected vector, so that frame 0 is as recorded."""
    encoded = model.mask_encoder.encode(sam_bytes(golden["sam_pixel_values"]))
    logits, pointers = [golden["mask_logits"][0]], [golden["obj_ptr"][0]]
    features: list[NDArray[np.float32]] = []
    for idx in range(len(golden["mask_logits"])):
        frame = encoded.frame(idx)
        if idx > 0:
            conditioned = model.memory_attention.condition(frame, *memories(features, pointers))
            found = model.track_decoder.decode(frame, conditioned)
            best = int(found.iou_scores[0].argmax())
            logits.append(found.mask_logits[0, best])
            pointers.append(found.object_pointers[0, best])
        features.append(model.memory_encoder.encode(frame, logits[idx][None])[0])
        for name, actual in (
            ("mask_logits", logits[idx]),
            ("obj_ptr", pointers[idx]),
            ("memory_features", features[idx]),
        ):
            where = f"frame {idx} {name}"
            assert_close(actual, golden[name][idx], MASK_LOGITS, where=where)
        expected = golden["mask_logits"][idx] > 0
        assert mask_iou(logits[idx] > 0, expected) >= MIN_MASK_IOU


def at_frame_size(logits: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The mask bool [S, S] of logits [h, w] on a frame of SAM 2's own size."""
    import torch
    from torch.nn.functional import interpolate

    large = interpolate(torch.from_numpy(logits)[None, None], (SIDE_PX, SIDE_PX), mode="bilinear")
    mask: NDArray[np.bool_] = large[0, 0].numpy() > 0
    return mask


@pytest.mark.parametrize("name", CASES)
def test_the_longer_reference(model: Any, name: str) -> None:
    reference, tracks = read_reference(), follow(model, name)
    for own, (prompts, track) in enumerate(zip(CASES[name].prompts, tracks, strict=True)):
        where, born = f"{name} object {own}", min(prompts)
        assert len(track.runs) == NUM_FRAMES - born
        prompted = np.isin(np.arange(born, NUM_FRAMES), list(prompts))
        assert_close(np.array(track.was_prompted), prompted, EXACT, where=where)
        best = reference[f"{name}.{own}.iou_scores"].max(axis=1)
        assert_close(np.array(track.iou_scores), best, MASK_LOGITS, where=f"{where} iou")
        scores = reference[f"{name}.{own}.object_scores"][:, 0]
        assert_close(np.array(track.object_scores), scores, MASK_LOGITS, where=f"{where} score")
        logits = reference[f"{name}.{own}.mask_logits"]
        for frame, expected in zip(reference[f"{name}.{own}.mask_frames"], logits, strict=True):
            mask = _native.decode_masks([track.runs[frame]], SIDE_PX, SIDE_PX)[0]
            assert mask_iou(mask, at_frame_size(expected)) >= MIN_MASK_IOU, f"{where} {frame}"
