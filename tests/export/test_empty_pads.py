"""Pads of nothing are left out of a graph; all others stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import onnx
import onnx_ir as ir
import onnxruntime

from ufvideo_export.graph.empty_pads import remove_empty_pads

pytestmark = pytest.mark.torch


def padded(*amounts: str) -> Any:
    """A chain of pads, a Relu behind each but the last."""
    helper, floats, int64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    nodes, value = [], "x"
    for index, name in enumerate(amounts):
        is_last = index == len(amounts) - 1
        made = "y" if is_last else f"padded_{index}"
        nodes.append(helper.make_node("Pad", [value, name], [made], name=f"{name}_{index}"))
        if not is_last:
            value = f"value_{index}"
            nodes.append(helper.make_node("Relu", [made], [value]))
    constants = [
        helper.make_tensor("zeros", int64, [4], [0, 0, 0, 0]),
        helper.make_tensor("some", int64, [4], [0, 1, 0, 0]),
    ]
    x, y = (helper.make_tensor_value_info(name, floats, [None, None]) for name in "xy")
    free = helper.make_tensor_value_info("free", int64, [4])
    used = [constant for constant in constants if constant.name in amounts]
    graph = helper.make_graph(nodes, "g", [x, free], [y], used)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize(
    ("amounts", "stay", "constants"),
    [
        (("zeros", "zeros", "some"), ["some_2"], {"some"}),
        (("some", "free", "zeros"), ["some_0", "free_1", "zeros_2"], {"some", "zeros"}),
        (("zeros", "zeros"), ["zeros_1"], {"zeros"}),
    ],
)
def test_only_pads_of_nothing_go(
    tmp_path: Path, amounts: tuple[str, ...], stay: list[str], constants: set[str]
) -> None:
    before = padded(*amounts)
    model = ir.serde.deserialize_model(before)
    remove_empty_pads(model.graph)
    ir.save(model, tmp_path / "after.onnx")
    after = onnx.load(tmp_path / "after.onnx")
    onnx.checker.check_model(after)
    assert [node.name for node in after.graph.node if node.op_type == "Pad"] == stay
    assert {tensor.name for tensor in after.graph.initializer} == constants
    feed = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "free": np.array([1, 0, 0, 0])}
    results = [
        onnxruntime.InferenceSession(
            each.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(None, feed)[0]
        for each in (before, after)
    ]
    assert np.array_equal(*results)
