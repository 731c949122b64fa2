"""What a quantisation block costs: `MatMulNBits` for each block size, side by side.

Run as `python -m benchmarks.block_size [--in-features K] [--out-features N]`. Products of one row
are a decode step, of many a prefill. Weights are random, several products' worth, so that no cache
holds them; time is the median of rounds in turn.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

_BLOCKS = (32, 64, 128, 256)
_WEIGHTS_BYTES = 128 << 20


@dataclass(frozen=True)
class Product:
    """One quantised product.

    Attributes:
        in_features: K.
        out_features: N.
        bits: 4 or 8.
        block: Weights of a scale.
        symmetric: Without zero points.
    """

    in_features: int
    out_features: int
    bits: int
    block: int
    symmetric: bool

    def blocks_per_row(self) -> int:
        """Blocks of one output feature."""
        return -(-self.in_features // self.block)

    def num_bytes(self) -> int:
        """Weights, scales and zero points of one product."""
        rows = self.out_features * self.blocks_per_row()
        zeros = 0 if self.symmetric else self.out_features * self._zero_bytes()
        return rows * (self.block * self.bits // 8 + 4) + zeros

    def graph(self, count: int) -> onnx.ModelProto:
        """`count` such products of one input, with weights of their own."""
        random = np.random.default_rng(0)
        nodes, weights, outputs = [], [], []
        for number in range(count):
            shape = (self.out_features, self.blocks_per_row(), self.block * self.bits // 8)
            arrays = {
                "B": random.integers(0, 256, shape, dtype=np.uint8),
                "scales": random.random(shape[:2], dtype=np.float32) * 1e-3,
            }
            if not self.symmetric:
                zeros = (self.out_features, self._zero_bytes())
                arrays["zero_points"] = random.integers(0, 256, zeros, dtype=np.uint8)
            names = [f"{name}.{number}" for name in arrays]
            weights += [
                numpy_helper.from_array(array, name)
                for name, array in zip(names, arrays.values(), strict=True)
            ]
            nodes.append(
                helper.make_node(
                    "MatMulNBits",
                    ["A", *names],
                    [f"Y.{number}"],
                    domain="com.microsoft",
                    K=self.in_features,
                    N=self.out_features,
                    bits=self.bits,
                    block_size=self.block,
                    accuracy_level=4,
                )
            )
            outputs.append(helper.make_tensor_value_info(f"Y.{number}", TensorProto.FLOAT, None))
        given = helper.make_tensor_value_info("A", TensorProto.FLOAT, ["rows", self.in_features])
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        graph = helper.make_graph(nodes, "products", [given], outputs, weights)
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def _zero_bytes(self) -> int:
        return -(-self.blocks_per_row() * self.bits // 8)


def measure(products: list[Product], rows: int, num_threads: int, num_rounds: int) -> list[float]:
    """Milliseconds of one product each.

    Args:
        products: In turn.
        rows: Of the input.
        num_threads: Of ONNX Runtime.
        num_rounds: That count; one before does not.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    counts = [max(_WEIGHTS_BYTES // each.num_bytes(), 1) for each in products]
    sessions = [
        ort.InferenceSession(
            each.graph(count).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for each, count in zip(products, counts, strict=True)
    ]
    random = np.random.default_rng(1)
    values = random.standard_normal((rows, products[0].in_features), dtype=np.float32)
    times: list[list[float]] = [[] for _ in products]
    for _ in range(num_rounds + 1):
        for session, seconds in zip(sessions, times, strict=True):
            begin = time.perf_counter()
            session.run(None, {"A": values})
            seconds.append(time.perf_counter() - begin)
    return [
        1e3 * statistics.median(seconds[1:]) / count
        for seconds, count in zip(times, counts, strict=True)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--in-features", type=int, default=896)
    parser.add_argument("--out-features", type=int, default=4864)
    parser.add_argument("--prefill-rows", type=int, default=256)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args(arguments)
    title = f"MatMulNBits, {given.in_features} x {given.out_features}, {given.threads} threads"
    table = Table(
        "bits", "zero points", "block", "1 row, ms", "GB/s", "rows, ms", title=title, min_width=70
    )
    for bits, symmetric in itertools.product((4, 8), (True, False)):
        sizes = given.in_features, given.out_features
        products = [Product(*sizes, bits, block, symmetric) for block in _BLOCKS]
        decode = measure(products, 1, given.threads, given.rounds)
        prefill = measure(products, given.prefill_rows, given.threads, max(given.rounds // 3, 1))
        for product, one_ms, rows_ms in zip(products, decode, prefill, strict=True):
            speed = product.num_bytes() / one_ms / 1e6
            cells = f"{one_ms:.3f}", f"{speed:.1f}", f"{rows_ms:.2f}"
            table.add_row(str(bits), "no" if symmetric else "yes", str(product.block), *cells)
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
