"""Overlap of spans of time, and how many answers overlap enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ufvideo_sdk import InputError

Span = tuple[float, float]
"""Start and end, both in seconds or both as parts of a clip."""


def temporal_iou(span: Span, truth: Span) -> float:
    """tIoU: the time that two spans share, divided by the time of both together.

    Args:
        span: What was answered. A span that ends before it starts overlaps nothing.
        truth: What is right, in the same unit.

    Returns:
        0 to 1; 1 for two equal spans, even if they have no length.

    Raises:
        InputError: When a bound is not finite, or the truth ends before it starts.
    """
    for name, (start, end) in (("span", span), ("truth", truth)):
        if not (math.isfinite(start) and math.isfinite(end)):
            raise InputError(f"{name}: expected finite bounds, got {start} and {end}")
    if truth[1] < truth[0]:
        raise InputError(f"truth: expected a start before its end, got {truth[0]} and {truth[1]}")
    if span[1] < span[0]:
        return 0.0
    shared = min(span[1], truth[1]) - max(span[0], truth[0])
    # From the first start to the last end, which is their union unless they share nothing.
    together = max(span[1], truth[1]) - min(span[0], truth[0])
    if together == 0:
        return 1.0
    return max(shared, 0.0) / together


def recall_at(tious: Sequence[float], threshold: float) -> float:
    """R@1 at a threshold: the share of answers whose tIoU is above it, and not equal to it.

    Args:
        tious: tIoU of each answer, 0 to 1; 0 for one without a span.
        threshold: From 0 to below 1.

    Raises:
        InputError: When there is no answer, or the threshold lies outside.
    """
    if not tious:
        raise InputError("tious: expected one or more, got none")
    if not 0 <= threshold < 1:
        raise InputError(f"threshold: expected 0 to below 1, got {threshold}")
    return sum(each > threshold for each in tious) / len(tious)
