"""In what ways the clips and questions of the last stage differ from those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.tasks.task import TaskKind
from training.train.sizes import NUM_FRAMES

# Numbers of frames that a model is given, and how often. The vision stages join two frames.
_FRAME_COUNTS = (NUM_FRAMES, 2, 4, 6, 8, 10, 12, 14)
_FRAME_SHARES = (0.62, 0.02, 0.09, 0.05, 0.1, 0.04, 0.05, 0.03)
# The last stage asks everything: what is right already is to stay so.
WEIGHTS: dict[TaskKind, float] = {
    TaskKind.QUESTION: 4.0,
    TaskKind.CAPTION: 0.5,
    TaskKind.CHOICE: 2.0,
    TaskKind.COUNT: 1.0,
    TaskKind.SPAN: 1.6,
    TaskKind.MOMENT: 1.0,
    TaskKind.REGION_DESCRIPTION: 0.6,
    TaskKind.REGION_QUESTION: 3.0,
    TaskKind.REFERRING: 1.0,
    TaskKind.REASONING: 1.2,
    TaskKind.PIXRQA: 2.2,
    TaskKind.PIXHQA: 1.0,
    TaskKind.PIXTRQA: 1.0,
}


@dataclass(frozen=True)
class Variety:
    """How a clip is shown and asked about.

    Attributes:
        reworded: Part of the questions that are in other words than the canonical ones.
        num_frames: Frames that the model is given, spread over the clip.
        long_share: Part of the clips that last minutes.
        weights: How often each kind of question is drawn; as of the other stages when None.
    """

    reworded: float = 0.0
    num_frames: int = NUM_FRAMES
    long_share: float = 0.0
    weights: Mapping[TaskKind, float] | None = None


PLAIN = Variety()
LAST = Variety(reworded=0.65, long_share=0.15, weights=WEIGHTS)


def of_batch(variety: Variety, number: int) -> Variety:
    """The variety of a batch, whose clips are all of one number of frames.

    Args:
        variety: Of the stage.
        number: Of the batch.
    """
    if variety == PLAIN:
        return variety
    rng = np.random.default_rng([number, 29])
    return replace(variety, num_frames=int(rng.choice(_FRAME_COUNTS, p=_FRAME_SHARES)))
