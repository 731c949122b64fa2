"""Objects carried on by memory on CUDA, beside the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.compare import MIN_MASK_IOU_FP16, mask_iou
from tests.native_tracks import follow
from tests.track_reference import SIDE_PX
from ufvideo_sdk import RuntimeConfig, UFVideo, _native

pytestmark = pytest.mark.gpu


def test_a_track_agrees_with_the_cpu(cuda: tuple[str, ...], small_package_track: Path) -> None:
    there = UFVideo.load(small_package_track, runtime=RuntimeConfig(providers=cuda))
    here = UFVideo.load(small_package_track)
    tracks = follow(there._loaded.native, "forwards")
    for track, expected in zip(tracks, follow(here._loaded.native, "forwards"), strict=True):
        masks, others = (
            _native.decode_masks(each.runs, SIDE_PX, SIDE_PX) for each in (track, expected)
        )
        assert min(map(mask_iou, masks, others)) >= MIN_MASK_IOU_FP16
        assert np.abs(np.subtract(track.iou_scores, expected.iou_scores)).max() < 1e-2
        assert track.was_prompted == expected.was_prompted
