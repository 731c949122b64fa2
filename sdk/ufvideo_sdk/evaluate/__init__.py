"""Scores that can be trusted: metrics of masks, spans and words, with intervals.

from ufvideo_sdk.evaluate import contour_accuracy, region_similarity
j = region_similarity(mask, truth)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ufvideo_sdk.evaluate.metrics.answers import accuracy, chosen_option, rouge_l
    from ufvideo_sdk.evaluate.metrics.intervals import (
        Interval,
        bootstrap_interval,
        wilson_interval,
    )
    from ufvideo_sdk.evaluate.metrics.masks import (
        MaskScores,
        contour_accuracy,
        mask_scores,
        region_similarity,
    )
    from ufvideo_sdk.evaluate.metrics.paired import (
        Flips,
        PairedDifference,
        mcnemar,
        paired_bootstrap,
    )
    from ufvideo_sdk.evaluate.metrics.spans import recall_at, temporal_iou

__all__ = [
    "Flips",
    "Interval",
    "MaskScores",
    "PairedDifference",
    "accuracy",
    "bootstrap_interval",
    "chosen_option",
    "contour_accuracy",
    "mask_scores",
    "mcnemar",
    "paired_bootstrap",
    "recall_at",
    "region_similarity",
    "rouge_l",
    "temporal_iou",
    "wilson_interval",
]

# Loaded when first asked for: few programs need all of it.
_HOMES = {
    "MaskScores": "metrics.masks",
    "contour_accuracy": "metrics.masks",
    "mask_scores": "metrics.masks",
    "region_similarity": "metrics.masks",
    "recall_at": "metrics.spans",
    "temporal_iou": "metrics.spans",
    "accuracy": "metrics.answers",
    "chosen_option": "metrics.answers",
    "rouge_l": "metrics.answers",
    "Interval": "metrics.intervals",
    "bootstrap_interval": "metrics.intervals",
    "wilson_interval": "metrics.intervals",
    "Flips": "metrics.paired",
    "PairedDifference": "metrics.paired",
    "mcnemar": "metrics.paired",
    "paired_bootstrap": "metrics.paired",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
