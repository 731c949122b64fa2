"""Graphs written node by node, with weights that are read only while the file is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ufvideo_export.graph.to_onnx import graph_value
from ufvideo_export.graph.weight_rows import WeightRows
from ufvideo_export.spec import IR_VERSION, OPSET, StageSpec

MICROSOFT = "com.microsoft"


class GraphWriter:
    """Builds one graph whose floats are fp32 or fp16; its border is the spec's."""

    def __init__(self, spec: StageSpec, precision: str) -> None:
        self.spec = spec
        self.half = precision == "fp16"
        self.dtype = ir.DataType.FLOAT16 if self.half else ir.DataType.FLOAT
        self.inputs = {tensor.name: graph_value(tensor) for tensor in spec.inputs}
        self._nodes: list[ir.Node] = []
        self._weights: list[ir.Value] = []

    def weight(self, name: str, shape: Sequence[int], read: Callable[[], NDArray[Any]]) -> ir.Value:
        """A weight in the graph's precision; `read` gives it in float32 when it is written."""

        def half_read() -> NDArray[Any]:
            # Too large for fp16 becomes infinite here, which the comparison with PyTorch refuses.
            with np.errstate(over="ignore"):
                return read().astype(np.float16)

        return self.lazy(name, self.dtype, shape, half_read if self.half else read)

    def matrix(self, rows: WeightRows, *, transposed: bool) -> ir.Value:
        """A matrix in the graph's precision, as it is or transposed, read some rows at a time."""
        shape = rows.shape[::-1] if transposed else rows.shape
        numpy_dtype = np.float16 if self.half else np.float32

        def read() -> NDArray[Any]:
            whole = np.empty(shape, numpy_dtype)
            by_row = whole.T if transposed else whole
            with np.errstate(over="ignore"):
                for first, chunk in rows.chunks():
                    by_row[first : first + len(chunk)] = chunk
            return whole

        return self.lazy(rows.name, self.dtype, shape, read)

    def lazy(
        self,
        name: str,
        dtype: ir.DataType,
        shape: Sequence[int],
        read: Callable[[], NDArray[Any]],
    ) -> ir.Value:
        """A weight in a dtype of its own; `read` gives it in that dtype when it is written."""

        def tensor() -> ir.TensorProtocol:
            return ir.Tensor(np.ascontiguousarray(read(), dtype=dtype.numpy()), name=name)

        lazy = ir.LazyTensor(tensor, dtype=dtype, shape=ir.Shape(shape), name=name)
        return self._initializer(name, lazy)

    def constant(self, name: str, value: NDArray[Any]) -> ir.Value:
        """A small constant in its own dtype."""
        return self._initializer(name, ir.Tensor(value, name=name))

    def shared_constant(self, name: str, value: NDArray[Any] | np.generic) -> ir.Value:
        """A constant that several nodes take: one of each name."""
        for known in self._weights:
            if known.name == name:
                return known
        return self.constant(name, np.asarray(value))

    def node(
        self, operator: str, *inputs: ir.Value | None, domain: str = "", **attributes: Any
    ) -> ir.Value:
        """Append a node and give its first output."""
        return self.nodes(operator, *inputs, domain=domain, num_outputs=1, **attributes)[0]

    def nodes(
        self,
        operator: str,
        *inputs: ir.Value | None,
        num_outputs: int,
        unused: Sequence[int] = (),
        domain: str = "",
        **attributes: Any,
    ) -> Sequence[ir.Value]:
        """Append a node and give all its outputs; those `unused` are not computed."""
        name = f"{operator}_{len(self._nodes)}"
        node = ir.node(
            operator, inputs, attributes=attributes, domain=domain, num_outputs=num_outputs
        )
        node.name = name
        for number, value in enumerate(node.outputs):
            value.name = "" if number in unused else f"{name}_{number}"
        self._nodes.append(node)
        return node.outputs

    def from_float(self, value: ir.Value) -> ir.Value:
        """A float32 value in the graph's precision."""
        return self.node("Cast", value, to=int(self.dtype)) if self.half else value

    def to_float(self, value: ir.Value) -> ir.Value:
        """A value of the graph's precision in float32."""
        return self.node("Cast", value, to=int(ir.DataType.FLOAT)) if self.half else value

    def finish(self, outputs: Mapping[str, ir.Value]) -> ir.Model:
        """Name the outputs as the spec does and give the graph; no weight has been read yet."""
        for tensor in self.spec.outputs:
            value, declared = outputs[tensor.name], graph_value(tensor)
            value.name, value.type, value.shape = tensor.name, declared.type, declared.shape
        graph = ir.Graph(
            inputs=list(self.inputs.values()),
            outputs=[outputs[tensor.name] for tensor in self.spec.outputs],
            nodes=self._nodes,
            initializers=self._weights,
            opset_imports={"": OPSET, MICROSOFT: 1},
        )
        return ir.Model(graph, ir_version=IR_VERSION)

    def _initializer(self, name: str, tensor: ir.TensorProtocol) -> ir.Value:
        value = ir.Value(
            name=name, type=ir.TensorType(tensor.dtype), shape=tensor.shape, const_value=tensor
        )
        self._weights.append(value)
        return value
