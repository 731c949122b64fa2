"""The row of tracking, with the golden checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compare import MIN_MASK_IOU, mask_iou
from training.evaluate.clips import DrawnClip, drawn_clips
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo

pytest.importorskip("torch", reason="needs the export extra")
from training.evaluate.torch_model import TorchModel
from training.evaluate.track import NUM_TRACKED, track_all

pytestmark = pytest.mark.torch
SMALL = Path(__file__).parents[1] / "data" / "small"


@pytest.fixture(scope="module")
def model(small_package: Path) -> UFVideo:
    return UFVideo.load(small_package)


@pytest.fixture(scope="module")
def torch_model(model: UFVideo) -> TorchModel:
    return TorchModel(SMALL / "checkpoint", model, SMALL / "siglip")


@pytest.fixture
def clip(tmp_path: Path) -> DrawnClip:
    return next(drawn_clips(TEST_SEEDS[2:3], tmp_path))


def test_the_prompted_frame_has_the_mask_of_the_runtime(
    model: UFVideo, torch_model: TorchModel, clip: DrawnClip
) -> None:
    with model.open(clip.path) as session:
        video = torch_model.video_tokens(session.clip)
        found = torch_model.track(session.clip, video, ["blue star", "red circle"], [7, 8, 9])
        for name, masks in zip(("blue star", "red circle"), found, strict=True):
            (track,) = session.segment(name, frames=[7])
            assert mask_iou(track.masks, masks[:1]) >= MIN_MASK_IOU
    assert found.shape == (2, 3, session.clip.height, session.clip.width)


def test_what_is_tracked_is_compared_with_the_truth_behind_the_first_frame(
    model: UFVideo, clip: DrawnClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], list[int]]] = []

    class Perfect:
        spoiled = 0

        def video_tokens(self, file: object) -> None:
            return None

        def track(self, file: object, video: None, names: list[str], idxs: list[int]) -> object:
            asked.append((names, idxs))
            things = clip.truth.scene.things
            rows = [
                next(
                    i for i, t in enumerate(things) if {*name.split()} <= {t.color, t.kind, t.size}
                )
                for name in names
            ]
            masks = clip.rendered.masks[rows][:, idxs].copy()
            masks[:, self.spoiled] = ~masks[:, self.spoiled]
            return masks

    scores = track_all(model, Perfect(), clip)  # type: ignore[arg-type]
    ((names, idxs),) = asked
    assert len(scores) == len(names) > 1 and len(idxs) == NUM_TRACKED
    assert np.diff(idxs).tolist() == [1] * (NUM_TRACKED - 1)
    assert scores == [1.0] * len(names), "the prompted frame does not count"
    monkeypatch.setattr(Perfect, "spoiled", 1)
    assert max(track_all(model, Perfect(), clip)) < 1  # type: ignore[arg-type]
