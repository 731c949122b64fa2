"""The one comparison of the tests, and the one table of tolerances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tolerance:
    """Bounds on the largest absolute error, absolute and over the reference's largest value."""

    max_abs: float
    max_rel: float


EXACT = Tolerance(0.0, 0.0)
FP32 = Tolerance(max_abs=1e-3, max_rel=1e-4)
FP16 = Tolerance(max_abs=float("inf"), max_rel=2e-2)
MASK_LOGITS = Tolerance(max_abs=1e-3, max_rel=1e-4)
# Chunked against whole prefill: the same sums in another order.
REORDERED = Tolerance(max_abs=1e-4, max_rel=1e-5)
# Integer weights multiplied in float32, against PyTorch on the same weights dequantised.
DEQUANTISED = Tolerance(max_abs=1e-5, max_rel=1e-5)
# Integer weights whose products quantise their inputs to int8 as they run.
INT8_INPUTS = Tolerance(max_abs=float("inf"), max_rel=5e-2)
MIN_MASK_IOU = 0.999
# Measured 0.9997 over the golden cases.
MIN_MASK_IOU_FP16 = 0.99


def assert_close(
    actual: NDArray[np.generic],
    expected: NDArray[np.generic],
    tolerance: Tolerance = FP32,
    *,
    max_abs: float | None = None,
    max_rel: float | None = None,
    where: str = "",
) -> None:
    """Compare dtype, shape, finiteness and values.

    Args:
        actual: What was computed, any dtype and shape.
        expected: The reference, same dtype and shape.
        tolerance: A row of the table; `max_abs` and `max_rel` override it.
        max_abs: Bound on the largest absolute error.
        max_rel: Bound on that error over the largest absolute value of the reference.
        where: What is compared, for the message.

    Raises:
        AssertionError: Saying which property differs, by how much and where first.
    """
    label = where or "array"
    assert actual.dtype == expected.dtype, f"{label}: dtype {actual.dtype}, not {expected.dtype}"
    assert actual.shape == expected.shape, f"{label}: shape {actual.shape}, not {expected.shape}"
    if actual.size == 0:
        return
    left, right = actual.astype(np.float64), expected.astype(np.float64)
    assert np.isfinite(left).all(), f"{label}: {np.count_nonzero(~np.isfinite(left))} not finite"
    assert np.isfinite(right).all(), f"{label}: the reference is not finite"
    error = np.abs(left - right)
    scale = float(np.abs(right).max())
    bound_abs = tolerance.max_abs if max_abs is None else max_abs
    bound_rel = tolerance.max_rel if max_rel is None else max_rel
    bound = min(bound_abs, bound_rel * scale) if scale > 0 else bound_abs
    worst = float(error.max())
    if worst <= bound:
        return
    first = tuple(int(i) for i in np.argwhere(error > bound)[0])
    norms = float(np.linalg.norm(left) * np.linalg.norm(right))
    cosine = float(np.vdot(left, right) / norms) if norms else float("nan")
    raise AssertionError(
        f"{label}: max abs error {worst:.3g} (bound {bound:.3g}), over the largest value"
        f" {worst / scale if scale else float('nan'):.3g}, cosine {cosine:.7f}; first at {first}:"
        f" {left[first]!r}, expected {right[first]!r}"
    )


def mask_iou(actual: NDArray[np.bool_], expected: NDArray[np.bool_]) -> float:
    """Intersection over union of two boolean arrays of one shape; 1 where both are empty."""
    assert actual.shape == expected.shape, f"masks: shape {actual.shape}, not {expected.shape}"
    union = np.count_nonzero(actual | expected)
    return 1.0 if union == 0 else np.count_nonzero(actual & expected) / union
