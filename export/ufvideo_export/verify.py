"""Each graph in ONNX Runtime against PyTorch, on seeded random inputs of several sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ufvideo_export.spec import TOLERANCES, Tolerance
from ufvideo_export.stages import Stage
from ufvideo_sdk.errors import InferenceError
from ufvideo_sdk.manifest import StageVerification

SEED = 20251211


def verify_stage(stage: Stage, path: Path) -> StageVerification:
    """Measure how far a written graph is from PyTorch.

    Raises:
        InferenceError: When ONNX Runtime refuses the graph, a result is not finite or has another
            shape, or an error exceeds the tolerance; with the stage and the measured numbers.
    """
    tolerance = TOLERANCES[stage.precision]
    session = _open(stage.spec.stem, path)
    worst = Tolerance(0.0, 0.0)
    for inputs in stage.probes(np.random.default_rng(SEED)):
        expected = stage.reference(inputs)
        try:
            actual = stage.run(session, inputs)
        except Exception as error:
            raise InferenceError(
                f"expected {stage.spec.stem} to run on {_shapes(inputs)}: {error}"
            ) from error
        measured = _compare(stage.spec.stem, *stage.comparable(expected, actual))
        worst = Tolerance(
            max(worst.max_abs, measured.max_abs), max(worst.max_rel, measured.max_rel)
        )
    if worst.max_abs > tolerance.max_abs or worst.max_rel > tolerance.max_rel:
        raise InferenceError(
            f"expected {stage.spec.stem} ({stage.precision}) to agree with PyTorch within"
            f" {tolerance.max_abs:g} and {tolerance.max_rel:g} of the largest value, measured"
            f" {worst.max_abs:.3g} and {worst.max_rel:.3g}"
        )
    return StageVerification(
        tolerance_abs=tolerance.max_abs,
        tolerance_rel=tolerance.max_rel,
        max_abs_error=worst.max_abs,
        max_rel_error=worst.max_rel,
    )


def _open(stem: str, path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    # Errors come as exceptions; nothing is printed.
    options.log_severity_level = 4
    # Prepacking would keep a second copy of all weights in memory.
    options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InferenceError(f"expected ONNX Runtime to open {stem}: {error}") from error


def _compare(stem: str, expected: dict[str, Any], actual: dict[str, Any]) -> Tolerance:
    max_abs = max_rel = 0.0
    for name, reference in expected.items():
        found = actual[name]
        if found.shape != reference.shape:
            raise InferenceError(
                f"expected {stem}.{name} of shape {list(reference.shape)}, found shape"
                f" {list(found.shape)}"
            )
        for label, values in (("PyTorch", reference), ("ONNX Runtime", found)):
            if not np.isfinite(values).all():
                raise InferenceError(
                    f"expected finite values of {stem}.{name}, {label} gave"
                    f" {np.count_nonzero(~np.isfinite(values))} others"
                )
        if reference.size == 0:
            continue
        error = float(np.abs(found.astype(np.float64) - reference).max())
        scale = float(np.abs(reference).max())
        max_abs = max(max_abs, error)
        max_rel = max(max_rel, error / scale if scale > 0 else error)
    return Tolerance(max_abs, max_rel)


def _shapes(inputs: dict[str, Any]) -> str:
    return ", ".join(f"{name} {list(value.shape)}" for name, value in inputs.items())
