"""PyTorch modules to ONNX graphs, and graphs to files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx_ir as ir
import torch
from torch import nn

from ufvideo_export.graph.empty_pads import remove_empty_pads
from ufvideo_export.spec import INLINE_WEIGHTS_BYTES, IR_VERSION, OPSET, StageSpec
from ufvideo_sdk.package.manifest import TensorSpec

_DTYPES = {
    "uint8": ir.DataType.UINT8,
    "int32": ir.DataType.INT32,
    "int64": ir.DataType.INT64,
    "float16": ir.DataType.FLOAT16,
    "float32": ir.DataType.FLOAT,
}
# Computed in fp32 inside an fp16 graph: their sums or exponentials leave what half precision holds.
_FP32_OPERATORS = (
    "LayerNormalization",
    "ReduceMean",
    "ReduceSum",
    "ReduceL2",
    "Pow",
    "Softmax",
    "Sin",
    "Cos",
    "Range",
    "Resize",
    "Upsample",
    "CumSum",
    "NonZero",
)
_FP32, _FP16 = ir.DataType.FLOAT, ir.DataType.FLOAT16


def export_module(
    module: nn.Module, spec: StageSpec, example: Sequence[torch.Tensor], min_sizes: dict[str, int]
) -> ir.Model:
    """Trace a module into a graph whose symbolic sizes stay free.

    Args:
        module: In evaluation mode; takes the spec's inputs in order.
        spec: Names and symbolic shapes of inputs and outputs.
        example: Inputs to trace with; a symbolic size is at least 2 in them.
        min_sizes: Smallest value of a symbol, where it is not 1.
    """
    dims = {
        size: torch.export.Dim(size, min=min_sizes.get(size, 1))
        for tensor in spec.inputs
        for size in tensor.shape
        if isinstance(size, str)
    }
    dynamic = tuple(
        {axis: dims[size] for axis, size in enumerate(tensor.shape) if isinstance(size, str)}
        for tensor in spec.inputs
    )
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            tuple(example),
            dynamo=True,
            opset_version=OPSET,
            input_names=[tensor.name for tensor in spec.inputs],
            output_names=[tensor.name for tensor in spec.outputs],
            dynamic_shapes=dynamic,
            verbose=False,
        )
    assert program is not None
    remove_empty_pads(program.model.graph)
    return program.model


def to_half(model: ir.Model) -> ir.Model:
    """Weights and arithmetic in fp16, with fp32 at the border and in sensitive operators.

    Sums of two activations are fp32 too: a residual grows from layer to layer, and half precision
    ends at 65504. From one such operator to the next nothing is rounded in between.
    """
    # Part of the onnxruntime wheel; imported here since it is needed for fp16 alone.
    from onnxruntime.transformers import float16

    with quiet():
        proto = float16.convert_float_to_float16(
            ir.serde.serialize_model(model),
            keep_io_types=True,
            disable_shape_infer=True,
            op_block_list=list(_FP32_OPERATORS),
            node_block_list=_named_residual_sums(model.graph),
        )
    half = ir.serde.deserialize_model(proto)
    half.graph.sort()
    _skip_rounding_casts(half.graph)
    return half


def _named_residual_sums(graph: ir.Graph) -> list[str]:
    """Names of the nodes that add one float activation to another: no bias, no constant."""
    found = []
    for node in graph.all_nodes():
        activations = [
            value
            for value in node.inputs
            if value is not None
            and value.const_value is None
            and (value.producer() is None or value.producer().op_type != "Constant")
        ]
        if node.op_type == "Add" and len(activations) == 2 and node.outputs[0].dtype == _FP32:
            assert node.name, f"an Add without a name gives {node.outputs[0].name}"
            found.append(node.name)
    return found


def _skip_rounding_casts(graph: ir.Graph) -> None:
    """Take fp32 values past casts to fp16 and straight back; casts that nothing takes go."""
    for node in list(graph):
        source = _rounded_from(node)
        if source is None:
            continue
        back = node.outputs[0]
        if back in graph.outputs:
            # The output keeps its name; what it came from has only this one to give.
            name, shape = back.name, back.shape
            back.name = f"{name}_rounded"
            source.name, source.shape = name, shape
            graph.outputs[graph.outputs.index(back)] = source
        back.replace_all_uses_with(source)
        rounding = node.inputs[0].producer() if node.inputs[0] is not None else None
        graph.remove(node, safe=True)
        if rounding is not None and not rounding.outputs[0].uses():
            graph.remove(rounding, safe=True)


def _rounded_from(node: ir.Node) -> ir.Value | None:
    """The fp32 value that a cast to fp32 takes after a cast to fp16; None for any other node."""

    def casts(node: ir.Node | None, dtype: ir.DataType) -> bool:
        return (
            node is not None and node.op_type == "Cast" and node.attributes["to"].as_int() == dtype
        )

    half = node.inputs[0] if node.inputs else None
    if half is None or not casts(node, _FP32):
        return None
    rounding = half.producer()
    if rounding is None or not casts(rounding, _FP16):
        return None
    source = rounding.inputs[0]
    return source if source is not None and source.dtype == _FP32 else None


def graph_value(tensor: TensorSpec) -> ir.Value:
    """A graph input or output as the spec declares it."""
    return ir.Value(
        name=tensor.name,
        shape=ir.Shape(tensor.shape),
        type=ir.TensorType(_DTYPES[tensor.dtype]),
    )


def save_graph(model: ir.Model, spec: StageSpec, path: Path) -> None:
    """Write `<stem>.onnx`, and `<stem>.onnx.data` where the weights exceed the inline limit.

    Weights are taken one at a time.
    """
    declare_graph(model, spec)
    weights = (value.const_value for value in model.graph.initializers.values())
    large = sum(tensor.nbytes for tensor in weights if tensor is not None) > INLINE_WEIGHTS_BYTES
    ir.save(model, path, external_data=f"{path.name}.data" if large else None)


def declare_graph(model: ir.Model, spec: StageSpec) -> None:
    """Give a graph the spec's inputs and outputs, and nothing that equal checkpoints do not share.

    What depends on the machine or on the exporter's inner life (source paths, traces) is removed,
    so that equal checkpoints give equal bytes.
    """
    _declare_border(model, spec)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "ufvideo-export", None
    model.doc_string = None
    model.metadata_props.clear()
    model.graph.name = spec.stem
    model.graph.doc_string = None
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def _declare_border(model: ir.Model, spec: StageSpec) -> None:
    values = (*model.graph.inputs, *model.graph.outputs)
    for value, tensor in zip(values, (*spec.inputs, *spec.outputs), strict=True):
        assert value.name == tensor.name, f"{spec.stem}: {value.name} is not {tensor.name}"
        assert value.dtype == _DTYPES[tensor.dtype], f"{spec.stem}.{tensor.name}: {value.dtype}"
        value.shape = ir.Shape(tensor.shape)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the tools' own notes off the terminal; what matters is measured afterwards."""
    names = ("torch.onnx", "torch.export", "torch.onnx._internal.exporter._registration")
    others = ("onnxscript", "onnx_ir", "optimum.onnxruntime.quantization", "root")
    loggers = [logging.getLogger(name) for name in (*names, *others)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
