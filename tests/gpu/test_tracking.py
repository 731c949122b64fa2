"""Objects carried on by memory on CUDA, beside the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from benchmarks.clips import draw_frames
from ufvideo_sdk import RuntimeConfig, UFVideo, _native

pytestmark = pytest.mark.gpu

NUM_FRAMES = 24
# Frame on which each of three objects is prompted first: two settle together, one alone.
BORN = (0, 0, 5)
MIN_IOU = 0.99


def follow(package: Path, providers: tuple[str, ...]) -> tuple[Any, NDArray[np.bool_]]:
    """The last step, and masks bool [F, O, H, W], empty before an object's first frame."""
    model = UFVideo.load(package, runtime=RuntimeConfig(providers=providers))
    frames = draw_frames(NUM_FRAMES)
    states = np.random.default_rng(5).normal(size=(len(BORN), model.manifest.model.hidden_size))
    tracker = _native.Tracker(model._loaded.native)
    masks = np.zeros((NUM_FRAMES, len(BORN), *frames.shape[1:3]), bool)
    for idx, frame in enumerate(frames):
        for own, born in enumerate(BORN):
            if born == idx:
                tracker.add(states[own].astype(np.float32))
        step = tracker.step(frame, idx)
        masks[idx, : len(step.runs)] = _native.decode_masks(step.runs, *frame.shape[:2])
    return step, masks


def test_tracks_agree_with_the_cpu(cuda: tuple[str, ...], small_package_track: Path) -> None:
    there, masks = follow(small_package_track, cuda)
    here, expected = follow(small_package_track, ("cpu",))
    assert np.abs(there.iou_scores - here.iou_scores).max() < 1e-2
    for own in range(len(BORN)):
        either = np.count_nonzero(masks[:, own] | expected[:, own])
        assert np.count_nonzero(masks[:, own] & expected[:, own]) >= MIN_IOU * either
