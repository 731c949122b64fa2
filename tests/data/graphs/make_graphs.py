"""Write the tiny ONNX graphs of the C++ tests.

Run it from anywhere, with the export extra installed: `python tests/data/graphs/make_graphs.py`.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
Shape = list[int | str]


def tensor(name: str, shape: Shape, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def write(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto] | None = None,
) -> None:
    graph = helper.make_graph(nodes, name, inputs, outputs, constants or [])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def main() -> None:
    import numpy as np

    # Two inputs that share a symbol, two outputs.
    write(
        "add_multiply",
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Mul", ["a", "b"], ["product"]),
        ],
        [tensor("a", ["N", 3]), tensor("b", ["N", 3])],
        [tensor("sum", ["N", 3]), tensor("product", ["N", 3])],
    )
    # Fails at run time for an id outside the table of four rows.
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    write(
        "look_up",
        [helper.make_node("Gather", ["table", "ids"], ["rows"])],
        [tensor("ids", ["S"], TensorProto.INT64)],
        [tensor("rows", ["S", 2])],
        [numpy_helper.from_array(table, "table")],
    )
    # Allocates what its input says.
    write(
        "zeros",
        [helper.make_node("ConstantOfShape", ["size"], ["zeros"])],
        [tensor("size", [1], TensorProto.INT64)],
        [tensor("zeros", ["M"])],
    )
    # Every dtype that may cross the border, unchanged.
    dtypes = {
        "uint8": TensorProto.UINT8,
        "bool": TensorProto.BOOL,
        "int32": TensorProto.INT32,
        "int64": TensorProto.INT64,
        "float16": TensorProto.FLOAT16,
        "float32": TensorProto.FLOAT,
    }
    write(
        "copy",
        [helper.make_node("Identity", [f"{name}_in"], [f"{name}_out"]) for name in dtypes],
        [tensor(f"{name}_in", ["N"], dtype) for name, dtype in dtypes.items()],
        [tensor(f"{name}_out", ["N"], dtype) for name, dtype in dtypes.items()],
    )


if __name__ == "__main__":
    main()
