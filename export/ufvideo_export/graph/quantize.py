"""Weights in blocks along a row, each with a scale, as ONNX Runtime's MatMulNBits reads them.

The arithmetic is that of ONNX Runtime's own round-to-nearest quantiser, bit for bit, and so is the
packing: of two 4-bit values in a byte the first is the lower half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.precision import BLOCK_SIZES
from ufvideo_sdk.errors import InputError

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class BlockFormat:
    """How the rows of a matrix become integers."""

    bits: int
    block_size: int
    symmetric: bool

    @property
    def largest(self) -> int:
        """The largest integer."""
        return (1 << self.bits) - 1

    @property
    def middle(self) -> int:
        """What stands for zero in a symmetric block."""
        return 1 << (self.bits - 1)

    def fitted(self, name: str, num_columns: int) -> BlockFormat:
        """The format with the largest block, up to this one's, that divides a row.

        Raises:
            InputError: Where none does.
        """
        sizes = [size for size in BLOCK_SIZES if size <= self.block_size]
        dividing = [size for size in sizes if num_columns % size == 0]
        if not dividing:
            raise InputError(
                f"expected rows of a multiple of {BLOCK_SIZES[0]} values to quantise, {name} gives"
                f" rows of {num_columns}: export with precision fp32 or fp16"
            )
        return BlockFormat(self.bits, dividing[-1], self.symmetric)

    def num_blocks(self, num_columns: int) -> int:
        """Blocks of a row."""
        return num_columns // self.block_size

    def packed_shape(self, num_rows: int, num_columns: int) -> tuple[int, int, int]:
        """Shape of the packed integers, uint8 [N, blocks, bytes of a block]."""
        return num_rows, self.num_blocks(num_columns), self.block_size * self.bits // 8

    def zero_points_shape(self, num_rows: int, num_columns: int) -> tuple[int, int]:
        """Shape of the packed zero points, uint8 [N, bytes of a row]."""
        return num_rows, (self.num_blocks(num_columns) * self.bits + 7) // 8


@dataclass(frozen=True)
class Blocks:
    """Quantised rows, not packed.

    Attributes:
        values: uint8 [N, blocks, block].
        scales: float32 [N, blocks].
        zero_points: uint8 [N, blocks]; the middle in every symmetric block.
    """

    values: Bytes
    scales: Floats
    zero_points: Bytes


def block_scales(rows: Floats, block: BlockFormat) -> tuple[Floats, Bytes]:
    """Scales and zero points of rows, float32 [N, K], see `Blocks`."""
    blocks = _in_blocks(rows, block)
    low, high = blocks.min(axis=-1), blocks.max(axis=-1)
    if block.symmetric:
        extreme = np.where(np.abs(high) > np.abs(low), high, low)
        return extreme / np.float32(-block.middle), np.full(low.shape, block.middle, np.uint8)
    low, high = np.minimum(low, np.float32(0)), np.maximum(high, np.float32(0))
    scales = (high - low) / np.float32(block.largest)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A block of zeros keeps its zero point at 0.
        middles = np.where(scales != 0, np.float32(0) - low / scales, low)
    return scales, _rounded(middles, block)


def quantize_rows(rows: Floats, block: BlockFormat) -> Blocks:
    """Rows, float32 [N, K], as integers; the block divides K."""
    scales, zero_points = block_scales(rows, block)
    with np.errstate(divide="ignore"):
        inverse = np.where(scales != 0, np.float32(1) / scales, np.float32(0))
    scaled = _in_blocks(rows, block) * inverse[..., None]
    scaled += zero_points[..., None]
    return Blocks(_rounded(scaled, block), scales, zero_points)


def dequantize_rows(blocks: Blocks) -> Floats:
    """What the integers stand for, float32 [N, K]."""
    values = blocks.values.astype(np.float32)
    values -= blocks.zero_points[..., None]
    values *= blocks.scales[..., None]
    return values.reshape(len(values), -1)


def packed_values(values: Bytes, block: BlockFormat) -> Bytes:
    """Integers, uint8 [N, blocks, block], in as many bits as they need; see `packed_shape`."""
    return values if block.bits == 8 else values[..., 0::2] | values[..., 1::2] << 4


def packed_zero_points(zero_points: Bytes, block: BlockFormat) -> Bytes:
    """Zero points, uint8 [N, blocks], packed by row; see `zero_points_shape`."""
    if block.bits == 8:
        return zero_points
    # ONNX Runtime's quantiser leaves the middle in the half that an odd number of blocks leaves.
    missing = ((0, 0), (0, zero_points.shape[1] % 2))
    even = np.pad(zero_points, missing, constant_values=block.middle)
    return even[:, 0::2] | even[:, 1::2] << 4


def row_scales(rows: Floats) -> Floats:
    """Scales of whole rows in signed int8, float32 [N, 1]; a row of zeros has scale 1."""
    largest = np.abs(rows).max(axis=1, keepdims=True) / np.float32(127)
    return np.where(largest > 0, largest, np.float32(1))


def quantize_whole_rows(rows: Floats) -> NDArray[np.int8]:
    """Rows, float32 [N, K], as signed int8 in steps of `row_scales`."""
    return np.rint(rows / row_scales(rows)).astype(np.int8)


def _in_blocks(rows: Floats, block: BlockFormat) -> Floats:
    return rows.reshape(len(rows), block.num_blocks(rows.shape[1]), block.block_size)


def _rounded(values: Floats, block: BlockFormat) -> Bytes:
    """Halves away from zero, as C's roundf, then into the range; below it the sign is no matter."""
    whole = np.floor(values)
    whole += values - whole >= 0.5
    return np.clip(whole, 0, block.largest, out=whole).astype(np.uint8)
