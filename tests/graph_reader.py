"""Reads graphs for the tests of operator tables: the element type of every value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import onnx

# onnx infers nothing of an operator that ONNX Runtime alone defines: for each output, the position
# of the input whose element type it has.
_OUTPUT_TYPES = {
    "GatherBlockQuantized": (2,),
    "GroupQueryAttention": (0, 3, 4),
    "MatMulNBits": (0,),
    "SimplifiedLayerNormalization": (1,),
    "SkipSimplifiedLayerNormalization": (0, 0, 0, 0),
}
_UNKNOWN_SHAPE = "unknown_shape"


class Reader:
    """A graph with the element type of every value.

    Attributes:
        graph: The model, an `onnx.ModelProto` whose nodes are in topological order.
        initializers: Constant tensors by name.
        types: Element type of each value by name, as `onnx.TensorProto.DataType` calls it.
        opsets: Version of each imported domain.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.initializers = {tensor.name: tensor for tensor in graph.graph.initializer}
        self.opsets = {entry.domain: entry.version for entry in graph.opset_import}
        name_of = onnx.TensorProto.DataType.Name
        self.types = {name: name_of(t.data_type) for name, t in self.initializers.items()}
        inferred = onnx.shape_inference.infer_shapes(_inferable(graph)).graph
        for value in (*inferred.value_info, *inferred.input, *inferred.output):
            self.types[value.name] = name_of(value.type.tensor_type.elem_type)

    def is_constant(self, name: str) -> bool:
        """Whether a value is an initializer."""
        return name in self.initializers

    def since_version(self, node: Any) -> int:
        """The version of the operator's definition that the graph's opset means."""
        if node.domain not in ("", "ai.onnx") or not onnx.defs.has(node.op_type):
            return 1  # What only ONNX Runtime defines has never had another version.
        since: int = onnx.defs.get_schema(node.op_type, self.opsets[""]).since_version
        return since


def _inferable(graph: Any) -> Any:
    """A copy whose operators onnx can infer.

    An output of ONNX Runtime's own operators becomes a Reshape, to a shape that nobody knows, of
    the input whose type it has. What a converter left of types is not what the types are: that is
    removed, so that all are inferred.
    """
    bare = onnx.ModelProto()
    bare.CopyFrom(graph)
    del bare.graph.value_info[:]
    del bare.graph.node[:]
    for node in graph.graph.node:
        if node.op_type not in _OUTPUT_TYPES:
            bare.graph.node.append(node)
            continue
        for output, position in zip(node.output, _OUTPUT_TYPES[node.op_type], strict=False):
            if output:
                source = [node.input[position], _UNKNOWN_SHAPE]
                bare.graph.node.append(onnx.helper.make_node("Reshape", source, [output]))
    bare.graph.input.append(
        onnx.helper.make_tensor_value_info(_UNKNOWN_SHAPE, onnx.TensorProto.INT64, ["rank"])
    )
    return bare


def operators_of_the_runtime() -> set[str]:
    """Operators that the runtime opens, as its own list spells them: domain, a dot, name."""
    path = Path(__file__).parents[1] / "native" / "src" / "package" / "graph_operators.cc"
    return set(re.findall(r'^ +"([\w.]+)",$', path.read_text(encoding="utf-8"), re.MULTILINE))


def spelled_operators(graph: Any) -> set[str]:
    """Operators of a graph in the same spelling."""
    return {f"{n.domain}.{n.op_type}" if n.domain else n.op_type for n in graph.node}
