"""Integer weights in blocks: the same bytes as ONNX Runtime's own quantiser gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, assert_close

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export.graph.quantize import (
    BlockFormat,
    dequantize_rows,
    packed_values,
    packed_zero_points,
    quantize_rows,
    quantize_whole_rows,
    row_scales,
)
from ufvideo_sdk.errors import InputError

pytestmark = pytest.mark.torch


def rows_with_corners(num_columns: int) -> NDArray[np.float32]:
    """Rows of several sizes, of one sign, constant, zero, and on the halves between integers."""
    random = np.random.default_rng(5)
    rows = random.standard_normal((48, num_columns), dtype=np.float32)
    rows *= random.random((48, 1), dtype=np.float32)
    rows[1], rows[2], rows[3, :] = np.abs(rows[1]), -np.abs(rows[2]), 0.25
    rows[4] = 0
    rows[5, :16] = 0
    rows[6] = (np.arange(num_columns) % 16 - 8) / 2
    return rows


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("block_size", [16, 32, 128])
@pytest.mark.parametrize("symmetric", [True, False])
def test_bytes_are_those_of_onnxruntime(bits: int, block_size: int, symmetric: bool) -> None:
    quantizer = pytest.importorskip("onnxruntime.quantization.matmul_nbits_quantizer")
    rows = rows_with_corners(384)
    config = quantizer.DefaultWeightOnlyQuantConfig(
        block_size=block_size, is_symmetric=symmetric, bits=bits
    )
    expected = quantizer.DefaultWeightOnlyQuantizer(config).qbits_block_quant(
        np.ascontiguousarray(rows.T)
    )
    block = BlockFormat(bits, block_size, symmetric)
    found = quantize_rows(rows, block)
    packed = packed_values(found.values, block)
    assert packed.shape == block.packed_shape(*rows.shape)
    assert_close(packed, expected[0], EXACT, where="values")
    assert_close(found.scales, expected[1], EXACT, where="scales")
    if not symmetric:
        zero_points = packed_zero_points(found.zero_points, block)
        assert zero_points.shape == block.zero_points_shape(*rows.shape)
        assert_close(zero_points, expected[2], EXACT, where="zero points")


@pytest.mark.parametrize(("bits", "bound"), [(4, 0.5), (8, 0.5)])
@pytest.mark.parametrize("symmetric", [True, False])
def test_dequantised_weights_are_within_half_a_step(
    bits: int, bound: float, symmetric: bool
) -> None:
    rows = rows_with_corners(128)
    blocks = quantize_rows(rows, BlockFormat(bits, 32, symmetric))
    steps = np.abs(blocks.scales).repeat(32, axis=1)
    error = np.abs(dequantize_rows(blocks) - rows)
    # The far end of a symmetric block lies one step beyond its range; a rounded zero point may
    # push one end of an asymmetric one out by half a step.
    assert (error <= steps * (bound + 0.5) + 1e-6).all()
    assert np.mean(error <= steps * bound + 1e-6) > 0.9


def test_whole_rows() -> None:
    rows = rows_with_corners(96)
    integers, scales = quantize_whole_rows(rows), row_scales(rows)
    assert integers.dtype == np.int8 and scales.shape == (48, 1)
    assert (np.abs(integers * scales - rows) <= scales / 2 + 1e-7).all()
    assert integers.min() >= -127 and not integers[4].any()


def test_a_row_takes_the_largest_block_that_divides_it() -> None:
    wanted = BlockFormat(4, 128, symmetric=True)
    sizes = {width: wanted.fitted("w", width).block_size for width in (896, 192, 96, 48)}
    assert sizes == {896: 128, 192: 64, 96: 32, 48: 16}
    with pytest.raises(InputError, match=r"multiple of 16 .*, model\.x gives rows of 40"):
        wanted.fitted("model.x", 40)


def test_rows_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of rows give the same bytes as all rows at once."""
    from ufvideo_export.graph import weight_rows
    from ufvideo_export.graph.linear import gathered

    rows = rows_with_corners(64)

    class Source:
        def rows(self, key: str, shape: Any, begin: int, end: int) -> Any:
            import torch

            return torch.from_numpy(rows[{"a": 0, "b": 30}[key] :][begin:end])

    source = weight_rows.WeightRows(Source(), "both", [("a", 30), ("b", 18)], 64)  # type: ignore[arg-type]
    monkeypatch.setattr(weight_rows, "CHUNK_BYTES", 7 * 4 * 64)
    assert [first for first, _ in source.chunks()] == [0, 7, 14, 21, 28, 30, 37, 44]
    assert_close(gathered(source, (48, 64), lambda chunk: chunk), rows, EXACT)
