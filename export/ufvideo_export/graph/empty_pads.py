"""Leaves out pads of nothing."""

from __future__ import annotations

import onnx_ir as ir


def remove_empty_pads(graph: ir.Graph) -> None:
    """Take values past every `Pad` whose constant amounts are all zero.

    SAM 2's encoder pads its maps to whole windows before each block. Where the windows divide the
    map, as in the released sizes, each such node copies a feature map, and ONNX Runtime keeps it;
    releases before 1.25 have no CUDA kernel for a `Pad` of this opset and copy the map to the CPU
    and back. A pad that is an output of the graph stays.
    """
    for node in list(graph):
        if node.op_type != "Pad" or node.outputs[0] in graph.outputs:
            continue
        amounts = node.inputs[1]
        if amounts is None or amounts.const_value is None or amounts.const_value.numpy().any():
            continue
        source = node.inputs[0]
        assert source is not None, f"{node.name} pads nothing"
        node.outputs[0].replace_all_uses_with(source)
        graph.remove(node, safe=True)
        if not amounts.uses() and amounts.is_initializer():
            del graph.initializers[str(amounts.name)]
