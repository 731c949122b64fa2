"""token_ids int64 [S] -> embeddings float32 [S, D]."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ufvideo_export.checkpoint.checkpoint import EMBEDDING_KEY
from ufvideo_export.graph.graph_writer import GraphWriter
from ufvideo_export.graph.linear import gathered
from ufvideo_export.graph.quantize import quantize_whole_rows, row_scales
from ufvideo_export.graph.weight_rows import WeightRows
from ufvideo_export.spec import TOLERANCES, Tolerance
from ufvideo_export.stages.stage import Arrays, Stage


class TokenEmbedderStage(Stage):
    """The embedding table."""

    @property
    def tolerance(self) -> Tolerance:
        """See `Stage`; integers are looked up exactly."""
        return TOLERANCES["fp16" if self.precision == "fp16" else "fp32"]

    def graph(self) -> ir.Model:
        """The table and one lookup, without ever tracing a module of its size."""
        graph = GraphWriter(self.spec, self.precision)
        ids, rows = graph.inputs["token_ids"], self._rows()
        if self.precision == "int8":
            embeddings = self._write_int8(graph, ids, rows)
        else:
            table = graph.matrix(rows, transposed=False)
            embeddings = graph.to_float(graph.node("Gather", table, ids, axis=0))
        return graph.finish({"embeddings": embeddings})

    @staticmethod
    def _write_int8(graph: GraphWriter, ids: ir.Value, rows: WeightRows) -> ir.Value:
        num_rows, width = rows.shape
        table_shape, scales_shape = (num_rows, width), (num_rows, 1)
        table = graph.lazy(
            f"{rows.name}_q",
            ir.DataType.INT8,
            table_shape,
            lambda: gathered(rows, table_shape, quantize_whole_rows),
        )
        scales = graph.lazy(
            f"{rows.name}_scales",
            ir.DataType.FLOAT,
            scales_shape,
            lambda: gathered(rows, scales_shape, row_scales),
        )
        integers, steps = (graph.node("Gather", each, ids, axis=0) for each in (table, scales))
        return graph.node("Mul", graph.node("Cast", integers, to=int(ir.DataType.FLOAT)), steps)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`."""
        vocab_size = self.checkpoint.sizes.vocab_size
        ends = np.array([0, vocab_size - 1])
        return [
            {"token_ids": np.concatenate([ends, random.integers(0, vocab_size, 7)])},
            {"token_ids": ends[1:]},
        ]

    def reference(self, inputs: Arrays) -> Arrays:
        """Look the rows up."""
        ids = inputs["token_ids"]
        found = np.concatenate([self._row(int(token_id)) for token_id in ids])
        if self.precision == "int8":
            found = quantize_whole_rows(found) * row_scales(found)
        return {"embeddings": found}

    def _row(self, token_id: int) -> NDArray[np.float32]:
        shape = self._rows().shape
        row: NDArray[np.float32] = self.checkpoint.rows(
            EMBEDDING_KEY, shape, token_id, token_id + 1
        ).numpy()
        return row

    def _rows(self) -> WeightRows:
        sizes = self.checkpoint.sizes
        parts = [(EMBEDDING_KEY, sizes.vocab_size)]
        return WeightRows(self.checkpoint, "embedding", parts, sizes.hidden_size)
