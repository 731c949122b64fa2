"""Which nodes of a graph ONNX Runtime leaves to the CPU where CUDA is in front of it.

Its rules as of 1.31, without its code: `CUDAExecutionProvider::GetCapability` takes what has a
kernel, and then `GetCpuPreferredNodes` returns small arithmetic on values in host memory.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from tests.graph_reader import Reader

# A constant of at most so many values may go with its node to the CPU.
_SMALL_VALUES = 100
_NEVER_RETURNED = {"FLOAT16", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2"}


@dataclass(frozen=True)
class Placement:
    """Nodes of a graph that run on the CPU, by position.

    Attributes:
        without_kernel: What CUDA cannot run, with the reason.
        returned: What CUDA could run, and ONNX Runtime prefers to compute on the CPU.
    """

    without_kernel: Mapping[int, str]
    returned: frozenset[int]


def place(graph: Any, kernels: Mapping[tuple[str, str], Any]) -> Placement:
    """Places the nodes of a graph.

    Args:
        graph: An `onnx.ModelProto` in topological order, without graphs inside nodes.
        kernels: The table's kernels, by domain and operator.
    """
    read = Reader(graph)
    without_kernel = {}
    for index, node in enumerate(graph.graph.node):
        reason = next(_reasons(node, read, kernels), None)
        if reason is not None:
            without_kernel[index] = reason
    return Placement(without_kernel, frozenset(_returned(read, kernels, without_kernel)))


def _kernel(node: Any, kernels: Mapping[tuple[str, str], Any]) -> Any:
    return kernels.get(("" if node.domain == "ai.onnx" else node.domain, node.op_type))


def _reasons(node: Any, read: Reader, kernels: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    kernel = _kernel(node, kernels)
    if kernel is None:
        yield "no kernel"
        return
    since, (first, last) = read.since_version(node), kernel.versions
    if since != first and (last is None or not first <= since <= last):
        yield f"version {since}"
    bound: dict[str, str] = {}
    for position, name in enumerate(node.input):
        if not name:
            continue
        parameter = kernel.inputs[min(position, len(kernel.inputs) - 1)]
        kind = read.types[name]
        if kind not in kernel.types[parameter] or bound.setdefault(parameter, kind) != kind:
            yield f"input {position} {kind}"
    yield from _refused_attributes(node, kernel)


def _refused_attributes(node: Any, kernel: Any) -> Iterator[str]:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "ConvTranspose":
        pads = list(attributes.get("pads", []))
        half = len(pads) // 2
        if pads[:half] != pads[half:] or attributes.get("auto_pad", b"").startswith(b"SAME"):
            yield "asymmetric pads"
    if node.op_type == "Cast":
        made = onnx.TensorProto.DataType.Name(attributes["to"])
        if made not in kernel.types["T"]:
            yield f"to {made}"


def _returned(
    read: Reader, kernels: Mapping[tuple[str, str], Any], without_kernel: Mapping[int, str]
) -> Iterator[int]:
    """Nodes all of whose inputs are in host memory, and not because their kernel reads them there.

    Followed from the outputs that CUDA's kernels write in host memory; small constants and inputs
    of the graph may be anywhere.
    """
    nodes = read.graph.graph.node
    consumers: dict[str, list[int]] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            consumers.setdefault(name, []).append(index)
    anywhere = {name for name, t in read.initializers.items() if math.prod(t.dims) <= _SMALL_VALUES}
    anywhere |= {value.name for value in read.graph.graph.input} - read.initializers.keys()

    in_host_memory: set[str] = set()
    candidates: list[int] = []

    def on_the_host(name: str) -> None:
        in_host_memory.add(name)
        for consumer in consumers.get(name, []):
            heapq.heappush(candidates, consumer)

    for index, node in enumerate(nodes):
        if index not in without_kernel:
            for position in _kernel(node, kernels).host_outputs:
                on_the_host(node.output[position])
    visited = set()
    while candidates:
        index = heapq.heappop(candidates)
        if index in visited:
            continue
        visited.add(index)
        node = nodes[index]
        if index in without_kernel:
            for name in node.output:
                on_the_host(name)
            continue
        host_inputs = _kernel(node, kernels).host_inputs
        if all(
            read.types.get(name) not in _NEVER_RETURNED
            and (name in anywhere or (name in in_host_memory and position not in host_inputs))
            for position, name in enumerate(node.input)
        ):
            yield index
            for name in node.output:
                on_the_host(name)
