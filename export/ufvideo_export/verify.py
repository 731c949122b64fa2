"""Each graph in ONNX Runtime against PyTorch, on seeded random inputs of several sizes.

This sees what tracing, writing, a cast or quantisation does wrong. It cannot see whether the
checkpoint is the model it seems to be, because PyTorch is filled from the same tensors, under the
same names and with the same config: float8 weights without their scales, the base of a LoRA, a
config with fewer layers than the file or another number of heads, another normalisation of pixels
or another tokenizer agree perfectly. `other_formats`, `tensor_account` and `siglip_pixels` refuse
what names, dtypes and configs show. Weights with the right names, shapes and dtypes but wrong
values are seen by no check of the exporter: ask the package a question whose answer is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.graph.opened_graph import OpenedGraph
from ufvideo_export.precision import INTEGER_BITS
from ufvideo_export.spec import Tolerance
from ufvideo_export.stages import Stage
from ufvideo_sdk.errors import InferenceError
from ufvideo_sdk.package.manifest import StageVerification

SEED = 20251211


def verify_stage(stage: Stage, path: Path) -> StageVerification:
    """Measure how far a written graph is from PyTorch.

    Raises:
        InferenceError: When ONNX Runtime refuses the graph, a result is not finite or has another
            shape, or an error exceeds the tolerance; with the stage and the measured numbers.
    """
    tolerance = stage.tolerance
    # Over all probes: a single small number, such as one object's score, has no scale of its own.
    errors: dict[str, float] = {}
    scales: dict[str, float] = {}
    probes = stage.probes(np.random.default_rng(SEED))
    pairs = stage.compared(path, probes, lambda graph: open_graph(stage, graph, path.parent))
    for expected, actual in pairs:
        for name, reference in expected.items():
            found = actual[name]
            _check_sound(f"{stage.spec.stem}.{name}", reference, found)
            if reference.size:
                error_abs = float(np.abs(found.astype(np.float64) - reference).max())
                errors[name] = max(errors.get(name, 0.0), error_abs)
                scales[name] = max(scales.get(name, 0.0), float(np.abs(reference).max()))
    worst = Tolerance(
        max(errors.values()),
        max(error / (scales[name] or 1.0) for name, error in errors.items()),
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


def open_graph(stage: Stage, graph: Path | bytes, folder: Path) -> OpenedGraph:
    """A graph of a stage, or a serialised part of one whose weights lie in a folder.

    Raises:
        InferenceError: When ONNX Runtime refuses it.
    """
    # Prepacking keeps a second copy of all weights. Integers need it: only then are they multiplied
    # as the runtime will.
    prepack = stage.precision in INTEGER_BITS
    return OpenedGraph(stage.spec.stem, graph, folder, prepack=prepack)


def _check_sound(name: str, reference: NDArray[Any], found: NDArray[Any]) -> None:
    """Refuse a shape that differs and values that are not finite."""
    if found.shape != reference.shape:
        raise InferenceError(
            f"expected {name} of shape {list(reference.shape)}, found shape {list(found.shape)}"
        )
    for source, values in (("PyTorch", reference), ("ONNX Runtime", found)):
        if not np.isfinite(values).all():
            raise InferenceError(
                f"expected finite values of {name}, {source} gave"
                f" {np.count_nonzero(~np.isfinite(values))} others"
            )
