"""Traced graphs whose matrix products multiply int8 with scales fixed beforehand.

The form is the one that TensorRT requires: QuantizeLinear and DequantizeLinear in front of a
product's activation with one scale, DequantizeLinear behind its int8 weight with a scale a column,
and zero points of 0. ONNX Runtime's CPU and OpenVINO multiply int8 where they find this form.

ONNX Runtime's own static quantiser is not used, because products share a pair in its graphs. An x86
CPU multiplies uint8 by int8; ONNX Runtime turns an int8 pair into uint8 if exactly one product
reads it, and multiplies in float32 otherwise. It also holds a graph several times in memory.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ufvideo_export.graph.activation_scales import (
    INT8_LARGEST,
    ActivationScale,
    Frames,
    measure_scales,
)
from ufvideo_export.graph.to_onnx import save_graph
from ufvideo_export.spec import StageSpec
from ufvideo_sdk.errors import InferenceError

# A product stays in float32 where int8 would change its input by more, root mean square.
MAX_INPUT_ERROR = 0.05
_REDUCED_LARGEST = 64
# Inputs of products that stay in float32 at the beginning of an encoder: four of the first layer
# and one behind it, at most a quarter of all. All later layers read what is rounded there: the
# error of nano's mask encoder falls from 1.2e-2 to 0.7e-2. Without the last layer it is 1.1e-2.
_NUM_FIRST = 5


def quantize_statically(spec: StageSpec, path: Path, frames: Frames, *, reduce_range: bool) -> None:
    """Replace a graph in fp32 by one whose products with a weight multiply int8.

    Products of two activations, those of attention, stay in float32; so do convolutions, the
    products of the first layer, and those whose input int8 does not hold.

    Args:
        spec: The graph's border, which stays.
        path: The graph; its weights' file, where there is one, is replaced too.
        frames: Gives what scales are measured on, uint8 [1, S, S, 3]; called twice.
        reduce_range: Weights in 7 of 8 bits, see `precision`.

    Raises:
        InferenceError: When ONNX Runtime refuses the graph, or int8 holds no product's input.
    """
    model = ir.load(path)
    products = weighted_products(model.graph)
    names = list(dict.fromkeys(_name(node.inputs[0]) for node in products))
    names = names[min(_NUM_FIRST, len(names) // 4) :]
    scales = measure_scales(spec, path, names, frames)
    held = {name: found for name, found in scales.items() if found.error <= MAX_INPUT_ERROR}
    if not held:
        best = min((each.error for each in scales.values()), default=1.0)
        raise InferenceError(
            f"expected {spec.stem} to have products whose input int8 holds within"
            f" {MAX_INPUT_ERROR:g}, the best of {len(names)} is held within {best:.2g}; export"
            " with encoder_int8 dynamic, or calibrate with other frames"
        )
    largest = _REDUCED_LARGEST if reduce_range else INT8_LARGEST
    inserter = _Inserter(model.graph, held, largest)
    inserter.insert([node for node in products if _name(node.inputs[0]) in held])
    # The weights that are left may lie in the file that is replaced.
    ir.external_data.load_to_model(model)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        save_graph(model, spec, written)
        path.with_name(f"{path.name}.data").unlink(missing_ok=True)
        for file in Path(folder).iterdir():
            file.replace(path.parent / file.name)


def weighted_products(graph: ir.Graph) -> list[ir.Node]:
    """The matrix products of an activation with a weight [K, N]."""
    weights = set(graph.initializers)
    found = []
    for node in graph:
        if node.op_type != "MatMul":
            continue
        activation, weight = node.inputs
        if (
            activation is not None
            and weight is not None
            and activation.name not in weights
            and weight.name in weights
            and weight.shape is not None
            and len(weight.shape) == 2
        ):
            found.append(node)
    return found


def int8_columns(
    matrix: NDArray[np.float32], largest: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix, float32 [K, N], as int8 from -largest to largest, and its scales, float32 [N]."""
    peaks = np.abs(matrix).max(axis=0)
    scales = np.where(peaks > 0, peaks, 1).astype(np.float32) / np.float32(largest)
    return np.rint(matrix / scales).astype(np.int8), scales


def _name(value: ir.Value | None) -> str:
    assert value is not None and value.name, "a product without a named input"
    return value.name


class _Inserter:
    """Puts Q and DQ nodes into a graph."""

    def __init__(self, graph: ir.Graph, scales: dict[str, ActivationScale], largest: int) -> None:
        self._graph, self._scales, self._largest = graph, scales, largest
        self._num_readers: Counter[str] = Counter()
        self._zero = self._constant("int8_zero", np.asarray(0, np.int8))

    def insert(self, products: list[ir.Node]) -> None:
        """Make these products multiply int8; weights that nothing else reads go."""
        for node in products:
            activation, weight = node.inputs
            assert activation is not None and weight is not None
            node.replace_input_with(0, self._rounded(activation, node))
            node.replace_input_with(1, self._dequantized(weight, node))
            if not weight.uses():
                del self._graph.initializers[_name(weight)]

    def _rounded(self, activation: ir.Value, node: ir.Node) -> ir.Value:
        """A pair of its own for each product that reads an activation.

        ONNX Runtime makes one node of equal ones, so that scales differ by a unit in the last
        place from reader to reader.
        """
        name = _name(activation)
        scale = np.float32(self._scales[name].scale)
        for _ in range(self._num_readers[name]):
            scale = np.nextafter(scale, np.float32(np.inf))
        self._num_readers[name] += 1
        label = f"{node.name}_input"
        parameters = self._constant(f"{label}_scale", np.asarray(scale)), self._zero
        steps = self._node("QuantizeLinear", f"{label}_int8", node, activation, *parameters)
        return self._node("DequantizeLinear", f"{label}_rounded", node, steps, *parameters)

    def _dequantized(self, weight: ir.Value, node: ir.Node) -> ir.Value:
        assert weight.const_value is not None
        values, scales = int8_columns(weight.const_value.numpy(), self._largest)
        label = f"{node.name}_weight"
        parts = (
            self._constant(f"{label}_int8", values),
            self._constant(f"{label}_scales", scales),
            self._constant(f"{label}_zeros", np.zeros(len(scales), np.int8)),
        )
        return self._node("DequantizeLinear", f"{label}_float", node, *parts, axis=1)

    def _node(
        self, operator: str, label: str, before: ir.Node, *inputs: ir.Value, **attributes: int
    ) -> ir.Value:
        node = ir.node(operator, inputs, attributes=attributes)
        node.name = label
        output = node.outputs[0]
        output.name = label
        dtype = ir.DataType.INT8 if operator == "QuantizeLinear" else ir.DataType.FLOAT
        output.type = ir.TensorType(dtype)
        self._graph.insert_before(before, node)
        return output

    def _constant(self, name: str, array: NDArray[np.generic]) -> ir.Value:
        tensor = ir.Tensor(array, name=name)
        value = ir.Value(
            name=name, type=ir.TensorType(tensor.dtype), shape=tensor.shape, const_value=tensor
        )
        self._graph.register_initializer(value)
        return value
