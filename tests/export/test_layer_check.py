"""The language model's graph, compared with PyTorch layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import onnx
import onnx_ir as ir

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.graph import to_onnx
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.stages.language_model_pieces import cut
from ufvideo_export.verify import verify_stage
from ufvideo_sdk.errors import InferenceError

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _weights_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_onnx, "INLINE_WEIGHTS_BYTES", 4096)


def written(folder: Path, path: Path, precision: str = "fp32") -> Any:
    checkpoint = Checkpoint(folder)
    spec = stage_specs(checkpoint, precision)["language_model"]
    stage = STAGES["language_model"](checkpoint, spec, precision)
    stage.write(path)
    assert path.with_name(f"{path.name}.data").exists()
    return stage


def changed_weights(path: Path) -> Iterator[str]:
    """Every weight in turn, with a file in which it alone is another."""
    data = path.with_name(f"{path.name}.data")
    before = data.read_bytes()
    for name, value in ir.load(path).graph.initializers.items():
        tensor = value.const_value
        if not isinstance(tensor, ir.ExternalTensor):
            continue
        assert tensor.offset is not None and tensor.length is not None
        values = np.frombuffer(before, np.float32, tensor.length // 4, tensor.offset).copy()
        values[values.size // 2 :] += 0.25
        end = tensor.offset + tensor.length
        data.write_bytes(before[: tensor.offset] + values.tobytes() + before[end:])
        yield name
    data.write_bytes(before)


def test_every_weight_is_compared(small_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "language_model.onnx"
    stage = written(small_checkpoint, path)
    assert verify_stage(stage, path).max_rel_error < 1e-5
    names = []
    for name in changed_weights(path):
        # Positions beyond any probe.
        if name in ("cos_cache", "sin_cache"):
            continue
        names.append(name)
        with pytest.raises(InferenceError, match="language_model"):
            verify_stage(stage, path)
    num_layers = stage.checkpoint.sizes.num_layers
    # Two norms, five matrices and a bias in each layer (vectors of 256 bytes are in the graph).
    assert len(names) >= 6 * num_layers + 1
    assert verify_stage(stage, path).max_rel_error < 1e-5


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int4"])
@pytest.mark.parametrize("which", ["tiny_checkpoint", "odd_checkpoint"])
def test_pieces_agree_with_pytorch(
    request: pytest.FixtureRequest, tmp_path: Path, which: str, precision: str
) -> None:
    path = tmp_path / "language_model.onnx"
    stage = written(request.getfixturevalue(which), path, precision)
    found = verify_stage(stage, path)
    assert 0 < found.max_rel_error < {"fp32": 1e-5, "fp16": 1e-2, "int4": 3e-2}[precision]


def test_pieces_hold_every_node_and_weight_once(small_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "language_model.onnx"
    stage = written(small_checkpoint, path)
    whole = onnx.load(path, load_external_data=False).graph
    pieces = cut(path, stage.checkpoint.sizes.num_layers)
    graphs = [onnx.load_from_string(piece.model).graph for piece in pieces]
    nodes = [node.name for graph in graphs for node in graph.node]
    assert nodes == [node.name for node in whole.node]
    held = [weight.name for graph in graphs for weight in graph.initializer]
    # The rotary tables are every layer's.
    shared = {"cos_cache", "sin_cache"}
    assert sorted(set(held)) == sorted(weight.name for weight in whole.initializer)
    assert len([name for name in held if name not in shared]) == len(set(held) - shared)
    assert [piece.taken for piece in pieces[1:-1]] == [piece.given for piece in pieces[:-2]]
