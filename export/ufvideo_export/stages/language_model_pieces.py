"""A written language model cut into one graph for each layer and one for the logits.

Each opens with the weights of its own nodes alone, which stay in the file they lie in. Every node
is in exactly one piece, and a piece takes nothing but what an earlier one or the whole gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import NodeProto, helper

NORM = "SkipSimplifiedLayerNormalization"


@dataclass(frozen=True)
class Piece:
    """One graph.

    Attributes:
        model: The graph, serialised; its weights are in the files of the whole.
        taken: Names of what it takes of the piece before: nothing for the first, then the sum of
            all layers so far and that sum normed, which is all that the last one takes.
        given: Names of what it gives the next: the sum normed, and the sum; for the last: logits.
        caches: Names of the cache's parts that it takes, with what it gives for each.
    """

    model: bytes
    taken: tuple[str, ...]
    given: tuple[str, ...]
    caches: dict[str, str]


def cut(path: Path, num_layers: int) -> list[Piece]:
    """The pieces of a written graph, in order."""
    whole = onnx.load(path, load_external_data=False)
    groups = _groups(list(whole.graph.node), num_layers)
    pieces = []
    taken: tuple[str, ...] = ()
    for number, nodes in enumerate(groups):
        last = number == num_layers
        norm = nodes[-1]
        given = ("logits",) if last else (norm.output[0], norm.output[3])
        if last:
            # The sum itself goes no further.
            taken = taken[:1]
        pieces.append(_piece(whole, nodes, taken, given))
        taken = given
    return pieces


def _groups(nodes: Sequence[NodeProto], num_layers: int) -> list[list[NodeProto]]:
    """Nodes by layer: each layer ends with its second norm; what follows gives the logits."""
    groups: list[list[NodeProto]] = [[]]
    num_norms = 0
    for node in nodes:
        groups[-1].append(node)
        if node.op_type == NORM:
            num_norms += 1
            if num_norms % 2 == 0:
                groups.append([])
    assert len(groups) == num_layers + 1, f"{len(groups) - 1} layers, not {num_layers}"
    return groups


def _piece(
    whole: onnx.ModelProto,
    nodes: Sequence[NodeProto],
    taken: tuple[str, ...],
    given: tuple[str, ...],
) -> Piece:
    needed = {name for node in nodes for name in node.input if name}
    made = {name for node in nodes for name in node.output if name}
    weights = [weight for weight in whole.graph.initializer if weight.name in needed]
    inputs = [value for value in whole.graph.input if value.name in needed]
    outputs = [value for value in whole.graph.output if value.name in made]
    known = {value.name for value in (*inputs, *outputs)}
    unexplained = needed - made - known - set(taken) - {weight.name for weight in weights}
    assert not unexplained, f"{unexplained} come from nowhere"
    # Whatever a layer computes in, what goes on to the next is float32.
    dtype = onnx.TensorProto.FLOAT
    shape = ["B", "S", None]
    inputs += [helper.make_tensor_value_info(name, dtype, shape) for name in taken]
    outputs += [
        helper.make_tensor_value_info(name, dtype, shape) for name in given if name not in known
    ]
    graph = helper.make_graph(nodes, "piece", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=whole.opset_import, ir_version=whole.ir_version)
    caches = {
        value.name: value.name.replace("past_key_values", "present")
        for value in inputs
        if value.name.startswith("past_key_values")
    }
    return Piece(model.SerializeToString(), taken, given, caches)
