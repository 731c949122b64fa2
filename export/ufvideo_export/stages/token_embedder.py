"""token_ids int64 [S] -> embeddings float32 [S, D]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ufvideo_export.checkpoint import EMBEDDING_KEY
from ufvideo_export.graph_writer import GraphWriter
from ufvideo_export.stages.stage import Arrays, Stage


class TokenEmbedderStage(Stage):
    """The embedding table."""

    def write(self, path: Path) -> None:
        """Write the table and one lookup, without ever tracing a module of its size."""
        sizes = self.checkpoint.sizes
        graph = GraphWriter(self.spec, self.precision)
        table = graph.weight(
            "embedding", (sizes.vocab_size, sizes.hidden_size), lambda: self._table().numpy()
        )
        rows = graph.node("Gather", table, graph.inputs["token_ids"], axis=0)
        graph.finish({"embeddings": graph.to_float(rows)}, path)

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
        return {"embeddings": self._table()[torch.from_numpy(inputs["token_ids"])].numpy()}

    def _table(self) -> torch.Tensor:
        sizes = self.checkpoint.sizes
        return self.checkpoint.tensor(EMBEDDING_KEY, (sizes.vocab_size, sizes.hidden_size))
