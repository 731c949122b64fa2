"""A product with a weight matrix: in the graph's floats, or with integers in blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ufvideo_export.checkpoint.config import ModelSizes
from ufvideo_export.graph.graph_writer import MICROSOFT, GraphWriter
from ufvideo_export.graph.quantize import (
    BlockFormat,
    block_scales,
    dequantize_rows,
    packed_values,
    packed_zero_points,
    quantize_rows,
)
from ufvideo_export.graph.weight_rows import WeightRows
from ufvideo_export.precision import INTEGER_BITS, Quantization


def block_format(precision: str, quantization: Quantization) -> BlockFormat | None:
    """How a matrix of this precision is quantised; None where it is not."""
    if precision not in INTEGER_BITS:
        return None
    bits = INTEGER_BITS[precision]
    return BlockFormat(bits, quantization.block_size, quantization.symmetric)


def check_widths(sizes: ModelSizes, precision: str, quantization: Quantization) -> None:
    """Refuse a language model whose rows no block divides, before any work is spent.

    Raises:
        InputError: Naming the size.
    """
    block = block_format(precision, quantization)
    widths = {
        "hidden_size": sizes.hidden_size,
        "num_attention_heads times head_dim": sizes.num_attention_heads * sizes.head_dim,
        "intermediate_size": sizes.intermediate_size,
    }
    for name, width in widths.items():
        if block is not None:
            block.fitted(name, width)


def write_linear(
    graph: GraphWriter,
    value: ir.Value,
    rows: WeightRows,
    block: BlockFormat | None,
    accuracy_level: int,
) -> ir.Value:
    """Multiply a value [..., K] with a matrix that the checkpoint keeps as [N, K].

    Args:
        graph: What to append to.
        value: The left side.
        rows: The matrix.
        block: How to quantise it, its block fitted to the rows; None: not at all.
        accuracy_level: Of MatMulNBits.

    Raises:
        InputError: Where no block divides a row.
    """
    if block is None:
        return graph.node("MatMul", value, graph.matrix(rows, transposed=True))
    num_rows, num_columns = rows.shape
    block = block.fitted(rows.name, num_columns)

    def packed(chunk: NDArray[np.float32]) -> NDArray[Any]:
        return packed_values(quantize_rows(chunk, block).values, block)

    def lazy(suffix: str, dtype: ir.DataType, shape: tuple[int, ...], of: _OfRows) -> ir.Value:
        return graph.lazy(f"{rows.name}{suffix}", dtype, shape, lambda: gathered(rows, shape, of))

    weights = [
        lazy("_q", ir.DataType.UINT8, block.packed_shape(num_rows, num_columns), packed),
        lazy(
            "_scales",
            graph.dtype,
            (num_rows, block.num_blocks(num_columns)),
            lambda chunk: block_scales(chunk, block)[0],
        ),
    ]
    if not block.symmetric:
        zero_points = lazy(
            "_zero_points",
            ir.DataType.UINT8,
            block.zero_points_shape(num_rows, num_columns),
            lambda chunk: packed_zero_points(block_scales(chunk, block)[1], block),
        )
        weights.append(zero_points)
    return graph.node(
        "MatMulNBits",
        value,
        *weights,
        domain=MICROSOFT,
        K=num_columns,
        N=num_rows,
        bits=block.bits,
        block_size=block.block_size,
        accuracy_level=accuracy_level,
    )


def as_written(chunk: NDArray[np.float32], block: BlockFormat | None) -> NDArray[np.float32]:
    """What a graph's weights of these rows, float32 [N, K], stand for; a fitted block."""
    return chunk if block is None else dequantize_rows(quantize_rows(chunk, block))


_OfRows = Callable[[NDArray[np.float32]], NDArray[Any]]


def gathered(rows: WeightRows, shape: tuple[int, ...], of: _OfRows) -> NDArray[Any]:
    """What a function makes of every row, [N, ...], from some rows at a time."""
    whole: NDArray[Any] | None = None
    for first, chunk in rows.chunks():
        part = of(chunk)
        if whole is None:
            whole = np.empty(shape, part.dtype)
        whole[first : first + len(part)] = part
    assert whole is not None
    return whole
