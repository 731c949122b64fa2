"""A native model, and what a golden case feeds it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.runtime.onnxruntime_library import find_library

GOLDEN = Path(__file__).parents[1] / "data" / "small" / "golden"


def native_config(**options: Any) -> Any:
    return _native.RuntimeConfig(onnxruntime_library=str(find_library()), **options)


@pytest.fixture(scope="session")
def native_model(small_package: Path) -> Any:
    return _native.Model.load(str(small_package), native_config())


def with_weights(
    package: Path, out: Path, stem: str, edits: Mapping[str, Callable[[NDArray[np.float32]], None]]
) -> Path:
    """A copy of a package in which some weights of a stage are edited in place, by name."""
    onnx = pytest.importorskip("onnx")
    shutil.copytree(package, out)
    path = out / f"{stem}.onnx"
    graph = onnx.load(path)
    tensors = {tensor.name: tensor for tensor in graph.graph.initializer}
    for name, edit in edits.items():
        values = onnx.numpy_helper.to_array(tensors[name]).copy()
        edit(values)
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(values, name))
    onnx.save(graph, path)
    manifest = json.loads((out / "manifest.json").read_text())
    entry = manifest["stages"][stem]["graph"]
    entry["size_bytes"] = path.stat().st_size
    entry["sha256"] = _native.sha256_file(str(path))
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


@dataclass(frozen=True)
class Golden:
    """Frames uint8 [8, 90, 120, 3], the prompt and the greedy answer of one recorded case."""

    frames: NDArray[np.uint8]
    prompt: Any
    generated_ids: list[int]
    arrays: dict[str, NDArray[Any]]


def load_golden(name: str) -> Golden:
    with np.load(GOLDEN / f"{name}.npz") as file:
        arrays = dict(file)
    prompt = _native.Prompt(token_ids=arrays["input_ids"][0].tolist())
    generated = arrays["generated_ids"].tolist() if "generated_ids" in arrays else []
    return Golden(arrays["frames"], prompt, generated, arrays)


@pytest.fixture(scope="session")
def segmenting() -> Golden:
    """A case whose answer holds one [SEG]."""
    return load_golden("segment_generated_0")


@pytest.fixture(scope="session")
def describing() -> Golden:
    """A case about the same frames without a [SEG]."""
    return load_golden("global_qa")


def open_session(model: Any, golden: Golden) -> Any:
    session = _native.Session(model)
    idxs = list(range(len(golden.frames)))
    session.open_clip(_native.Clip(frames=golden.frames, frame_idxs=idxs))
    return session


@pytest.fixture
def session(native_model: Any, segmenting: Golden) -> Any:
    return open_session(native_model, segmenting)
