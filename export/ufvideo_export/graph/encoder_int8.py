"""Traced graphs with the weights of their matrix products in int8, by Optimum's ORTQuantizer."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import onnx
import onnx_ir as ir

from ufvideo_export.graph.to_onnx import quiet, save_graph
from ufvideo_export.spec import StageSpec
from ufvideo_sdk.errors import ConfigError


def require_optimum() -> None:
    """Refuse to begin what needs Optimum where it is not installed.

    Raises:
        ConfigError: Saying how to install it.
    """
    if importlib.util.find_spec("optimum") is None:
        raise ConfigError(
            "expected optimum-onnx, which makes the encoders' int8 weights, found none:"
            " pip install optimum-onnx, or export with precision fp32 or fp16"
        )


def quantize_encoder(spec: StageSpec, path: Path, *, reduce_range: bool) -> None:
    """Replace a graph in fp32 by one whose matrix products multiply int8; inputs as they come.

    Args:
        spec: The graph's border, which stays.
        path: The graph; its weights' file, where there is one, is replaced too.
        reduce_range: Weights in 7 of 8 bits, see `precision`.
    """
    # Optimum takes seconds to import and int8 alone needs it.
    from onnxruntime.quantization import QuantFormat, QuantizationMode, QuantType
    from optimum.onnxruntime import ORTQuantizer, QuantizationConfig

    config = QuantizationConfig(
        is_static=False,
        format=QuantFormat.QOperator,
        mode=QuantizationMode.IntegerOps,
        activations_dtype=QuantType.QUInt8,
        weights_dtype=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
        operators_to_quantize=["MatMul"],
        nodes_to_exclude=_products_of_activations(path),
    )
    _mark_as_inferred(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        with quiet():
            ORTQuantizer.from_pretrained(path.parent, path.name).quantize(
                config, save_dir=folder, file_suffix="", use_external_data_format=True
            )
        model = ir.load(Path(folder) / path.name)
        ir.external_data.load_to_model(model)
        path.with_name(f"{path.name}.data").unlink(missing_ok=True)
        save_graph(model, spec, path)


def _mark_as_inferred(path: Path) -> None:
    """Say that a graph's shapes are known, as those of a traced one are.

    The quantiser would infer them itself, with three copies of the graph in memory.
    """
    model = onnx.load(path, load_external_data=False)
    model.metadata_props.add(key="onnx.infer", value="onnxruntime.quant")
    onnx.save(model, path)


def _products_of_activations(path: Path) -> list[str]:
    """Names of the matrix products without a weight: those of attention, which stay in fp32."""
    graph = ir.load(path).graph
    weights = set(graph.initializers)
    return [
        node.name or ""
        for node in graph
        if node.op_type == "MatMul"
        and not any(value is not None and value.name in weights for value in node.inputs)
    ]
