"""Graphs for TensorRT hold no operator, type or attribute that its ONNX parser lacks."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")

from tests.graph_reader import Reader  # noqa: E402
from ufvideo_sdk.package.manifest import read_manifest  # noqa: E402
from ufvideo_sdk.package.shipped_package import shipped_package  # noqa: E402
from ufvideo_sdk.tensorrt.stage_support import tensorrt_stages  # noqa: E402

pytestmark = pytest.mark.torch
TABLE_PATH = Path(__file__).parents[1] / "data" / "tensorrt" / "operator_table.py"


def load_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("operator_table", TABLE_PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = load_table()
PACKAGES = (
    "nano",
    "exported_package_track",
    "small_package_fp16_track",
    "odd_package_track",
    "small_package_int4",
    "small_package_qdq",
)


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Path:
    if request.param == "nano":
        return shipped_package()
    folder: Path = request.getfixturevalue(request.param)
    return folder


def problems(graph: Any) -> Iterator[str]:
    """What TensorRT's parser would not take, as its table says."""
    low, high = TABLE.OPSETS
    read = Reader(graph)
    if not low <= read.opsets[""] <= high:
        yield f"opset: expected {low} to {high}, got {read.opsets['']}"
    for node in graph.graph.node:
        where = f"{node.op_type} {node.name}"
        if node.domain not in ("", "ai.onnx") or node.op_type not in TABLE.TYPES:
            yield f"{where}: not in the table"
            continue
        for name in filter(None, node.input):
            if read.types[name] not in TABLE.TYPES[node.op_type]:
                yield f"{where}: {name} is {read.types[name]}"
        yield from restrictions(node, read, where)


def restrictions(node: Any, read: Reader, where: str) -> Iterator[str]:
    position = TABLE.CONSTANT_INPUTS.get(node.op_type, len(node.input))
    for name in filter(None, node.input[position : position + 1]):
        if not read.is_constant(name):
            yield f"{where}: {name} is no initializer"
    if node.op_type in TABLE.FIRST_OUTPUT_ONLY and len(list(filter(None, node.output))) > 1:
        yield f"{where}: a second output"
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in TABLE.INT8_INPUTS:
        yield from scale_problems(node, read, where)
    if node.op_type == "Resize":
        for name, allowed in TABLE.RESIZE.items():
            value = attributes.get(name)
            value = value.decode() if isinstance(value, bytes) else value
            if value is not None and value not in allowed:
                yield f"{where}: {name} {value}"
        if "axes" in attributes:
            yield f"{where}: axes"
    if node.op_type == "MaxPool":
        if len(attributes["kernel_shape"]) not in (2, 3):
            yield f"{where}: {len(attributes['kernel_shape'])} dimensions"
        if set(attributes.get("dilations", [1])) != {1}:
            yield f"{where}: dilations"


def scale_problems(node: Any, read: Reader, where: str) -> Iterator[str]:
    """What TensorRT would not take of a pair of Q and DQ: int8 steps around 0, scales known."""
    for position, name in enumerate(node.input):
        is_int8 = read.types[name] == "INT8"
        if is_int8 != (position in TABLE.INT8_INPUTS[node.op_type]):
            yield f"{where}: {name} is {read.types[name]}"
    for name in node.input[1:]:
        if not read.is_constant(name):
            yield f"{where}: {name} is no initializer"
    zero = read.initializers.get(node.input[2]) if len(node.input) > 2 else None
    if zero is not None and onnx.numpy_helper.to_array(zero).any():
        yield f"{where}: a zero point that is not 0"


def test_what_tensorrt_is_given_it_takes(package: Path) -> None:
    taken = [stage.stem for stage in tensorrt_stages(read_manifest(package)) if stage.is_taken]
    assert {"aligner", "region_encoder", "mask_decoder"} <= set(taken)
    for stem in taken:
        graph = onnx.load(package / f"{stem}.onnx", load_external_data=False)
        assert list(problems(graph)) == [], stem


def test_what_tensorrt_is_not_given_it_lacks(package: Path) -> None:
    others = {s.stem: s.reason for s in tensorrt_stages(read_manifest(package)) if not s.is_taken}
    assert {"language_model", "token_embedder"} <= set(others)
    for stem, reason in others.items():
        assert reason
        graph = onnx.load(package / f"{stem}.onnx", load_external_data=False)
        operators = {node.op_type for node in graph.graph.node}
        if stem == "token_embedder":
            assert operators <= {"Cast", "Gather", "GatherBlockQuantized", "Mul"}
        else:
            lacking = {name for name in operators if name not in TABLE.TYPES}
            assert lacking, stem
            assert any(name in reason for name in lacking), stem
    assert not set(TABLE.TYPES) & TABLE.NOT_TAKEN


def node_model(op_type: str, **attributes: Any) -> Any:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    border = [helper.make_tensor_value_info(name, kind, [1, 1, 4, 4]) for name in ("x", "y")]
    node = helper.make_node(op_type, ["x"], ["y"], name="n", **attributes)
    graph = helper.make_graph([node], "g", border[:1], border[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def test_the_test_finds_what_is_wrong() -> None:
    assert list(problems(node_model("Relu"))) == []
    assert list(problems(node_model("Det"))) == ["Det n: not in the table"]
    dilated = node_model("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])
    assert list(problems(dilated)) == ["MaxPool n: dilations"]
    cubic = node_model("Resize", mode="cubic", antialias=1)
    assert list(problems(cubic)) == ["Resize n: mode cubic", "Resize n: antialias 1"]
    newer = node_model("Relu")
    newer.opset_import[0].version = 22
    assert list(problems(newer)) == ["opset: expected 9 to 20, got 22"]
    squeezed = node_model("Relu")
    squeezed.graph.node[0].op_type = "Squeeze"
    squeezed.graph.node[0].input.append("x")
    assert list(problems(squeezed)) == ["Squeeze n: x is no initializer"]
    early = node_model("Transpose")
    for value in (*early.graph.input, *early.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.UINT8
    assert list(problems(early)) == ["Transpose n: x is UINT8"]


def test_the_test_finds_what_is_wrong_with_scales() -> None:
    helper, kinds = onnx.helper, onnx.TensorProto

    def model(kind: int, zero: int) -> Any:
        border = [helper.make_tensor_value_info("x", kinds.FLOAT, [4])]
        given = [helper.make_tensor_value_info("y", kind, [4])]
        constants = [
            helper.make_tensor("scale", kinds.FLOAT, [], [0.1]),
            helper.make_tensor("zero", kind, [], [zero]),
        ]
        node = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"], name="n")
        graph = helper.make_graph([node], "g", border, given, constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])

    assert list(problems(model(kinds.INT8, 0))) == []
    assert list(problems(model(kinds.INT8, 3))) == ["QuantizeLinear n: a zero point that is not 0"]
    assert "QuantizeLinear n: zero is UINT8" in set(problems(model(kinds.UINT8, 0)))
