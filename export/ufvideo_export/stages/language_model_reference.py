"""What PyTorch computes of the language model, one layer in memory at a time.

Weights are those that the graph's stand for: dequantised where the graph holds integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers.models.qwen2.modeling_qwen2 import (
    Qwen2DecoderLayer,
    Qwen2RMSNorm,
    Qwen2RotaryEmbedding,
)

from ufvideo_export.checkpoint.checkpoint import FINAL_NORM_KEY, Checkpoint, layer_key
from ufvideo_export.graph.linear import as_written
from ufvideo_export.graph.quantize import BlockFormat
from ufvideo_export.graph.weight_rows import WeightRows
from ufvideo_export.torch_model.model import qwen2_config


class LanguageModelReference:
    """Qwen2, fed a whole sequence at once."""

    def __init__(self, checkpoint: Checkpoint, block: BlockFormat | None) -> None:
        """Read nothing yet.

        Args:
            checkpoint: The weights.
            block: How the graph's layers are quantised, if they are.
        """
        self._checkpoint, self._block = checkpoint, block
        self._config = qwen2_config(checkpoint.sizes)

    def sums(self, embeds: Sequence[NDArray[np.float32]]) -> Iterator[list[torch.Tensor]]:
        """The sum after each layer for each of several sequences, the embeddings first.

        Args:
            embeds: float32 [B, S, D] each.

        Yields:
            float32 [B, S, D] each.
        """
        states = [torch.from_numpy(each) for each in embeds]
        yield states
        for number in range(self._checkpoint.sizes.num_layers):
            layer = self._layer(number)
            states = [self._next(layer, each) for each in states]
            del layer
            yield states

    def _next(self, layer: nn.Module, states: torch.Tensor) -> torch.Tensor:
        length = states.shape[1]
        positions = torch.arange(length).unsqueeze(0)
        mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)
        found = layer(
            states,
            attention_mask=mask[None, None],
            position_ids=positions,
            position_embeddings=Qwen2RotaryEmbedding(self._config)(states, positions),
        )
        following: torch.Tensor = found[0] if isinstance(found, tuple) else found
        return following

    def normed(self, states: torch.Tensor, key: str = FINAL_NORM_KEY) -> torch.Tensor:
        """States after a norm, float32 [B, S, D]."""
        sizes = self._checkpoint.sizes
        norm = Qwen2RMSNorm(sizes.hidden_size, eps=sizes.rms_norm_eps)
        normed: torch.Tensor = self._checkpoint.fill(norm, lambda _: [key])(states)
        return normed

    @staticmethod
    def logits(
        states: torch.Tensor, head: WeightRows, block: BlockFormat | None
    ) -> NDArray[np.float32]:
        """Logits of final states [..., D], float32 [..., V], from some rows of the head at once."""
        block = None if block is None else block.fitted(head.name, head.shape[1])
        parts = (states @ torch.from_numpy(as_written(rows, block)).T for _, rows in head.chunks())
        whole: NDArray[np.float32] = torch.cat(list(parts), dim=-1).numpy()
        return whole

    def _layer(self, number: int) -> nn.Module:
        layer = Qwen2DecoderLayer(self._config, number)
        self._checkpoint.fill(layer, lambda name: [layer_key(number, name)])
        if self._block is not None:
            for linear in _linears(layer):
                _as_written_in_place(linear.weight.data, self._block)
        return layer


def _linears(layer: nn.Module) -> Sequence[nn.Linear]:
    return [module for module in layer.modules() if isinstance(module, nn.Linear)]


def _as_written_in_place(weight: torch.Tensor, block: BlockFormat) -> None:
    block = block.fitted("a layer's weight", weight.shape[1])
    for rows in weight.split(1024):
        rows.copy_(torch.from_numpy(as_written(rows.numpy(), block)))
