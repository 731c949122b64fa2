"""Whether a package was exported from a checkpoint: its graphs hold the checkpoint's own values.

A manifest names its checkpoint and holds no digest of it, and a checkpoint may be renamed, moved or
written in other shards. What the stages of tracking must agree with are the weights of SAM 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ufvideo_export.checkpoint.checkpoint import SEG_PROJECTION_PREFIX, Checkpoint
from ufvideo_export.checkpoint.sam2_names import SAM2_PREFIX
from ufvideo_sdk.package.manifest import Manifest

_SAM2 = re.escape(SAM2_PREFIX)
# Matrices and convolutions that stand in a graph as they are, in every precision; what is a
# constant with others, or in an encoder's integers, is left out.
_COMPARED = {
    "mask_decoder": re.compile(
        rf"{re.escape(SEG_PROJECTION_PREFIX)}\d+\.weight"
        rf"|{_SAM2}sam_mask_decoder\.transformer\..*(proj|layers\.\d+)\.weight"
    ),
    "mask_encoder": re.compile(
        rf"{_SAM2}(image_encoder\.trunk\.patch_embed\.proj|sam_mask_decoder\.conv_s[01])\.weight"
    ),
}
# fp16 keeps 11 bits; what it cannot hold becomes the smallest value that the exporter allows.
_HALF_REL, _HALF_ABS = 2.0**-10, 2e-7

Shape = tuple[int, ...]


def differing_weight(checkpoint: Checkpoint, package: Path, manifest: Manifest) -> str | None:
    """The first weight of a checkpoint that a package's masks are not made with; None: all are.

    Args:
        checkpoint: The weights.
        package: The package's folder.
        manifest: Of the package, which can segment.
    """
    for stem, pattern in _COMPARED.items():
        held: dict[Shape, list[NDArray[Any]]] = {}
        for values in _initializers(package / manifest.stages[stem].graph.path):
            held.setdefault(values.shape, []).append(values)
        for key in filter(pattern.fullmatch, checkpoint.tensors.names()):
            weight = checkpoint.tensor(key, checkpoint.tensors.shape(key)).numpy()
            if not any(map(_holds, _alike(weight, held))):
                return key
    return None


def _alike(
    weight: NDArray[np.float32], held: dict[Shape, list[NDArray[Any]]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[Any]]]:
    """A weight beside each tensor that it may be; a matrix may be transposed."""
    forms = [weight, weight.T] if weight.ndim == 2 else [weight]
    for form in forms:
        for values in held.get(form.shape, []):
            yield form, values


def _holds(pair: tuple[NDArray[np.float32], NDArray[Any]]) -> bool:
    weight, values = pair
    if values.dtype == np.float32:
        return bool(np.array_equal(weight, values))
    if values.dtype != np.float16:
        return False
    found = values.astype(np.float32)
    return bool(np.allclose(found, weight, rtol=_HALF_REL, atol=_HALF_ABS))


def _initializers(path: Path) -> Iterator[NDArray[Any]]:
    for tensor in onnx.load(path).graph.initializer:
        yield onnx.numpy_helper.to_array(tensor)
