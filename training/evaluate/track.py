"""The row of tracking: 24 frames from one prompted frame, in PyTorch."""

from __future__ import annotations

import numpy as np

from training.evaluate.clips import DrawnClip
from training.evaluate.torch_model import TorchModel
from training.tasks.asker import Asker
from training.train.train_tracking import LEAST_PIXELS
from ufvideo_sdk import UFVideo
from ufvideo_sdk.evaluate import mask_scores

NUM_TRACKED = 24
# Every so many clips are tracked in: enough for the row, and PyTorch takes its time.
EVERY_CLIP = 4


def track_all(model: UFVideo, torch_model: TorchModel, clip: DrawnClip) -> list[float]:
    """Track everything that has a name and is seen on the first of 24 frames in a row.

    The [SEG] state of that one referring question prompts the first frame; it is not scored.

    Returns:
        J&F of each thing over the frames behind the first.
    """
    scene = clip.truth.scene
    rng = np.random.default_rng([scene.seed, 15])
    first = int(rng.integers(scene.num_frames - NUM_TRACKED + 1))
    idxs = np.arange(first, first + NUM_TRACKED)
    names = {r.thing: r.noun.text for r in reversed(Asker(clip.truth, rng).references)}
    seen = [i for i in sorted(names) if clip.rendered.masks[i, first].sum() >= LEAST_PIXELS]
    if not seen:
        return []
    with model.open(clip.path) as session:
        video = torch_model.video_tokens(session.clip)
        masks = torch_model.track(session.clip, video, [names[i] for i in seen], idxs.tolist())
    right = clip.rendered.masks[seen][:, idxs]
    scores = [mask_scores(m[None, 1:], t[None, 1:]) for m, t in zip(masks, right, strict=True)]
    return [score.region_and_contour for score in scores]
