"""A package's graphs beside PyTorch on the same weights, one stage in memory at a time.

What enters a stage is what PyTorch computed before it, from a pair of drawn frames and from a short
prompt. An error is the largest difference over the largest value.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.clips import draw_frames
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.precision import INTEGER_BITS
from ufvideo_export.spec import TOLERANCES, stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.stages.stage import Arrays, Stage
from ufvideo_export.verify import open_graph
from ufvideo_sdk.package.manifest import read_manifest

NUM_POSITIONS = 12
NUM_OBJECTS = 2
# Inputs of every product are rounded to int8, and 28 layers add that up.
ROUNDED_LIMIT = 0.15
Found = dict[str, Any]


def compare_stages(checkpoint: Path, package: Path) -> Iterator[Found]:
    """Errors of the stages: name, error, limit and what took how long, as JSON can hold them.

    Args:
        checkpoint: The weights.
        package: Exported from them with the options' defaults.

    Raises:
        InferenceError: When ONNX Runtime refuses a graph or cannot run it.
    """
    stages = _Stages(checkpoint, package)
    features = yield from stages.compared("vision_encoder", {"frames": stages.frames("vision")})
    yield from stages.compared("aligner", features)
    maps = yield from stages.compared("mask_encoder", {"frames": stages.frames("mask")})
    width = stages.checkpoint.sizes.hidden_size
    states = np.random.default_rng(1).standard_normal((NUM_OBJECTS, width), np.float32)
    first = {name: np.ascontiguousarray(value[:1]) for name, value in maps.items()}
    yield from stages.compared("mask_decoder", {"hidden_states": states, **first})
    ids = np.random.default_rng(2).integers(0, stages.checkpoint.sizes.vocab_size, NUM_POSITIONS)
    embeddings = yield from stages.compared("token_embedder", {"token_ids": ids})
    if stages.precisions["language_model"] in INTEGER_BITS:
        yield from stages.language_model({"inputs_embeds": embeddings["embeddings"][None]})


class _Stages:
    def __init__(self, checkpoint: Path, package: Path) -> None:
        self.checkpoint, self.package = Checkpoint(checkpoint), package
        manifest = read_manifest(package)
        self.precisions = {stem: entry.precision for stem, entry in manifest.stages.items()}
        self._specs = stage_specs(self.checkpoint, self.precisions["language_model"])

    def frames(self, kind: str) -> NDArray[np.uint8]:
        """Two frames of a drawn clip, uint8 [2, S, S, 3]."""
        sizes = {
            "vision": self.checkpoint.siglip.image_size_px,
            "mask": self.checkpoint.sam2.image_size_px,
        }
        side = (sizes[kind], sizes[kind])
        return np.stack([cv2.resize(frame, side) for frame in draw_frames(2)])

    def compared(self, stem: str, inputs: Arrays) -> Iterator[Found]:
        """One stage beside PyTorch; gives what PyTorch computes."""
        stage = self._stage(stem)
        begin = time.perf_counter()
        expected = stage.reference(inputs)
        torch_s = time.perf_counter() - begin
        stage.forget()
        path = self.package / f"{stem}.onnx"
        session = open_graph(stage, path, self.package)
        begin = time.perf_counter()
        actual = stage.run(session, inputs)
        took_s = time.perf_counter() - begin
        del session
        error = max(
            largest_error(reference, found)
            for reference, found in zip(
                *(each.values() for each in stage.comparable(expected, actual)), strict=True
            )
        )
        del stage
        gc.collect()
        yield found_error(
            f"{stem} ({self.precisions[stem]})",
            error,
            TOLERANCES[self._tolerance(stem)].max_rel,
            f"{took_s:.2f} s, PyTorch in fp32 {torch_s:.2f} s",
        )
        return expected

    def language_model(self, inputs: Arrays) -> Iterator[Found]:
        """The whole language model, as it ships and with products of float32 inputs."""
        stage = self._stage("language_model")
        expected = stage.reference(inputs)
        path = self.package / "language_model.onnx"
        bits = self.precisions["language_model"]
        for level, name in ((4, "as it ships"), (1, "float32 inputs")):
            graph = path if level == 4 else _at_level_1(path)
            session = open_graph(stage, graph, self.package)
            begin = time.perf_counter()
            actual = stage.run(session, inputs)
            took_s = time.perf_counter() - begin
            del session
            gc.collect()
            rounded = level == 4
            error = max(
                (rms_error if rounded else largest_error)(expected[key], actual[key])
                for key in expected
            )
            same = (expected["logits"].argmax(-1) == actual["logits"].argmax(-1)).mean()
            yield found_error(
                f"language_model ({bits}), {name}" + (", root mean square" if rounded else ""),
                error,
                ROUNDED_LIMIT if rounded else 10 * TOLERANCES["fp32"].max_rel,
                f"{inputs['inputs_embeds'].shape[1]} positions in {took_s:.2f} s, the same best"
                f" token at {100 * same:.0f} % of {expected['logits'].shape[1]}",
            )

    def _stage(self, stem: str) -> Stage:
        return STAGES[stem](self.checkpoint, self._specs[stem], self.precisions[stem])

    def _tolerance(self, stem: str) -> str:
        precision = self.precisions[stem]
        if stem == "token_embedder" and precision in INTEGER_BITS:
            return "fp32"
        return "int8_encoder" if precision == "int8" else precision


def found_error(name: str, error: float, limit: float, detail: str) -> Found:
    """A line of what the comparison found."""
    return {"name": name, "error": float(error), "limit": float(limit), "detail": detail}


def largest_error(reference: NDArray[Any], found: NDArray[Any]) -> float:
    """Largest difference over the largest value; infinite where a value is not finite."""
    if not (np.isfinite(reference).all() and np.isfinite(found).all()):
        return float("inf")
    return float(np.abs(found - reference).max() / np.abs(reference).max())


def rms_error(reference: NDArray[Any], found: NDArray[Any]) -> float:
    """Root mean square of the difference over that of the reference; infinite as above."""
    if not (np.isfinite(reference).all() and np.isfinite(found).all()):
        return float("inf")
    squares = [np.square(each, dtype=np.float64).mean() for each in (found - reference, reference)]
    return float(np.sqrt(squares[0] / squares[1]))


def _at_level_1(path: Path) -> bytes:
    """The graph with float32 inputs of every product; its weights stay where they are."""
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
    serialized: bytes = model.SerializeToString()
    return serialized
