"""The package that ships is what the committed checkpoint exports to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.package.shipped_package import SHIPPED_NAME

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "training" / SHIPPED_NAME / "checkpoint"
PACKAGE = ROOT / "sdk" / "ufvideo_sdk" / SHIPPED_NAME
MAX_BYTES = 20 << 20
# What an exporter folds into constants depends on the processor in its last digits, and so may
# the side to which a weight between two integers is rounded.
_MAX_APART = {"float32": 1e-6, "float16": 1e-3, "int8": 1.0, "uint8": 1.0}


def differences(package: Path, other: Path) -> list[str]:
    """Names of what differs between two packages, beyond measured errors and versions."""
    names = sorted({p.name for folder in (package, other) for p in folder.iterdir()})
    found = [name for name in names if not _same_file(package / name, other / name)]
    return found + ([] if _facts(package) == _facts(other) else [f"facts of {MANIFEST_NAME}"])


def _same_file(path: Path, other: Path) -> bool:
    if not (path.is_file() and other.is_file()):
        return False
    if path.name == MANIFEST_NAME or path.read_bytes() == other.read_bytes():
        return True
    return path.suffix == ".onnx" and _same_graph(onnx.load(path).graph, onnx.load(other).graph)


def _same_graph(graph: Any, other: Any) -> bool:
    if [_node(node) for node in graph.node] != [_node(node) for node in other.node]:
        return False
    tensors, others = (
        [onnx.numpy_helper.to_array(t) for t in g.initializer] for g in (graph, other)
    )
    return len(tensors) == len(others) and all(map(_same_tensor, tensors, others))


def _node(node: Any) -> tuple[str, list[bytes]]:
    """What a node computes, tensors it holds aside."""
    settings = [a.SerializeToString() for a in node.attribute if not a.HasField("t")]
    return node.op_type, settings


def _same_tensor(tensor: NDArray[Any], other: NDArray[Any]) -> bool:
    if (tensor.dtype, tensor.shape) != (other.dtype, other.shape):
        return False
    apart = np.abs(tensor.astype(float) - other.astype(float)).max(initial=0.0)
    return bool(apart <= _MAX_APART.get(tensor.dtype.name, 0.0))


def _facts(package: Path) -> dict[str, Any]:
    """The manifest without what is measured or depends on the machine that exported."""
    facts: dict[str, Any] = json.loads((package / MANIFEST_NAME).read_text(encoding="utf-8"))
    facts["provenance"] = facts["provenance"]["source"]
    for measured in facts["verification"].values():
        del measured["max_abs_error"], measured["max_rel_error"]
    for stage in facts["stages"].values():
        # The files themselves are compared.
        del stage["graph"]["sha256"], stage["graph"]["size_bytes"]
    return facts


@pytest.fixture(scope="module")
def shipped() -> Path:
    if not (PACKAGE / MANIFEST_NAME).is_file():
        pytest.skip(f"no package at {PACKAGE.relative_to(ROOT)} yet")
    return PACKAGE


def test_the_checkpoint_exports_to_the_package(shipped: Path, tmp_path: Path) -> None:
    from ufvideo_export import export_package

    manifest = read_manifest(shipped / MANIFEST_NAME)
    precision = manifest.stages["language_model"].precision
    export_package(
        CHECKPOINT,
        tmp_path / "again",
        precision=precision,
        seg_hidden_state=manifest.model.seg_hidden_state,
        track="track" in manifest.capabilities,
    )
    assert differences(shipped, tmp_path / "again") == []


def test_it_is_named_and_small_enough(shipped: Path) -> None:
    manifest = read_manifest(shipped / MANIFEST_NAME)
    assert manifest.model.name == SHIPPED_NAME
    assert manifest.model.seg_hidden_state == "predicting"
    for folder in (shipped, CHECKPOINT):
        assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= MAX_BYTES


def test_differences_are_found(small_package: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_package, tmp_path / "copy"))
    manifest = json.loads((copy / MANIFEST_NAME).read_text())
    manifest["verification"]["aligner"]["max_abs_error"] = 1e-7
    manifest["provenance"]["torch"] = "9.9"
    (copy / MANIFEST_NAME).write_text(json.dumps(manifest))
    assert differences(small_package, copy) == []

    model = onnx.load(copy / "aligner.onnx")
    weights = max(model.graph.initializer, key=lambda t: len(t.raw_data))
    values = onnx.numpy_helper.to_array(weights).copy()
    for shift, changed in ((1e-7, []), (1e-3, ["aligner.onnx"])):
        values.flat[0] += shift
        weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
        onnx.save(model, copy / "aligner.onnx")
        assert differences(small_package, copy) == changed

    manifest["model"]["seg_hidden_state"] = "predicting"
    (copy / MANIFEST_NAME).write_text(json.dumps(manifest))
    (copy / "extra.txt").write_text("x")
    (copy / "tokenizer.json").write_text("{}")
    assert differences(small_package, copy) == [
        "aligner.onnx", "extra.txt", "tokenizer.json", "facts of manifest.json",
    ]  # fmt: skip
