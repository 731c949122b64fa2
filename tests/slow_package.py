"""Copies of nano in which one graph takes minutes, and computes the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ufvideo_sdk import _native
from ufvideo_sdk.package.shipped_package import shipped_package


def slow_package(folder: Path, stem: str, output: str, *, num_copies: int, num_pairs: int) -> Path:
    """Copy nano and make one graph slow with operators that every package has.

    Many nodes of a few hundredths of a second each, as in a large model. Their weights are made of
    the output itself, times zero, because ONNX Runtime would pack constant ones for each node.

    Args:
        folder: Where the copy goes.
        stem: The stage.
        output: A float32 output of it, [..., S, D]; zero is added to it.
        num_copies: How often it is put beside itself to make the weights.
        num_pairs: Pairs of matrix products.
    """
    onnx = pytest.importorskip("onnx")
    package = Path(shutil.copytree(shipped_package(), folder / stem))
    path = package / f"{stem}.onnx"
    model = onnx.load(path)
    make = onnx.helper.make_node
    for node in model.graph.node:
        node.output[:] = [f"{name}_fast" if name == output else name for name in node.output]
        node.input[:] = [f"{name}_fast" if name == output else name for name in node.input]
    shape = next(o for o in model.graph.output if o.name == output).type.tensor_type.shape
    axes = [*range(len(shape.dim) - 2), len(shape.dim) - 1, len(shape.dim) - 2]
    zero = onnx.numpy_helper.from_array(onnx.numpy_helper.np.zeros((), "float32"), "slow_zero")
    model.graph.initializer.append(zero)
    nodes = [
        make("Mul", [f"{output}_fast", "slow_zero"], ["slow_zeros"]),
        make("Concat", ["slow_zeros"] * num_copies, ["slow_wide"], axis=-1),
        make("Transpose", ["slow_wide"], ["slow_tall"], perm=axes),
        make("MatMul", ["slow_wide", "slow_tall"], ["slow_0"]),
    ]
    for number in range(num_pairs):
        nodes.append(make("MatMul", [f"slow_{number}", "slow_wide"], [f"slow_wide_{number}"]))
        nodes.append(make("MatMul", [f"slow_wide_{number}", "slow_tall"], [f"slow_{number + 1}"]))
    nodes.append(make("MatMul", [f"slow_{num_pairs}", f"{output}_fast"], ["slow_sum"]))
    nodes.append(make("Add", [f"{output}_fast", "slow_sum"], [output]))
    model.graph.node.extend(nodes)
    path.write_bytes(model.SerializeToString())
    manifest = json.loads((package / "manifest.json").read_text())
    graph = manifest["stages"][stem]["graph"]
    graph["size_bytes"] = path.stat().st_size
    graph["sha256"] = _native.sha256_file(str(path))
    (package / "manifest.json").write_text(json.dumps(manifest))
    return package


def slow_language_model(folder: Path) -> Path:
    """Prefill takes a minute or more."""
    return slow_package(folder, "language_model", "hidden_states", num_copies=512, num_pairs=1000)


def slow_vision_encoder(folder: Path) -> Path:
    """Opening a clip takes a minute or more."""
    return slow_package(folder, "vision_encoder", "features", num_copies=512, num_pairs=1000)


def slow_mask_encoder(folder: Path) -> Path:
    """Masks take a minute or more."""
    return slow_package(
        folder, "mask_encoder", "high_res_features_0", num_copies=128, num_pairs=2000
    )
