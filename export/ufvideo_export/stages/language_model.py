"""embeddings and KV cache -> last logits, hidden states, KV cache.

Written operator by operator, straight from the checkpoint's tensors: a 7 B model passes through in
the memory of its largest tensor. PyTorch's side of the comparison is streamed by layer likewise.

In half precision the products and attention are fp16. What may pass 65504 is not: the sum that runs
through all layers and its norms are float32, and what attention and the MLP add to it leaves their
last products scaled down by `UPDATE_SCALE`, which float32 takes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray

from ufvideo_export.checkpoint.checkpoint import EMBEDDING_KEY, FINAL_NORM_KEY, HEAD_KEY, layer_key
from ufvideo_export.graph.graph_writer import MICROSOFT, GraphWriter
from ufvideo_export.graph.linear import block_format, write_linear
from ufvideo_export.graph.opened_graph import OpenedGraph
from ufvideo_export.graph.quantize import BlockFormat
from ufvideo_export.graph.weight_rows import WeightRows
from ufvideo_export.precision import INTEGER_BITS, language_floats
from ufvideo_export.spec import TOLERANCES, Tolerance
from ufvideo_export.stages.language_model_check import compared_by_layer
from ufvideo_export.stages.language_model_reference import LanguageModelReference
from ufvideo_export.stages.stage import Arrays, OpenGraph, Stage, normal

# A power of two, so that scaling rounds nothing down to values of 0.004, where fp16 begins to keep
# fewer bits; updates up to four million fit.
UPDATE_SCALE = 64.0


class LanguageModelStage(Stage):
    """Qwen2."""

    @property
    def tolerance(self) -> Tolerance:
        """See `Stage`; integers are multiplied exactly at accuracy level 1."""
        rounded = self.precision in INTEGER_BITS and self.quantization.accuracy_level != 1
        return TOLERANCES["int8_inputs" if rounded else self._floats]

    @property
    def _floats(self) -> str:
        return language_floats(self.precision, self.quantization)

    @property
    def _block(self) -> BlockFormat | None:
        return block_format(self.precision, self.quantization)

    @property
    def _head_block(self) -> BlockFormat | None:
        return block_format(self.quantization.head or self.precision, self.quantization)

    def graph(self) -> ir.Model:
        """See `Stage`; docs/package_format.md has its inputs and outputs."""
        graph = GraphWriter(self.spec, self._floats)
        sizes = self.checkpoint.sizes
        cos, sin = self._rotary_tables()
        tables = (
            graph.weight("cos_cache", cos.shape, lambda: cos),
            graph.weight("sin_cache", sin.shape, lambda: sin),
        )
        residual = graph.inputs["inputs_embeds"]
        # The standard RMSNormalization came with opset 23; this one ONNX Runtime has always had.
        normed = graph.node(
            "SimplifiedLayerNormalization",
            residual,
            self._vector(graph, layer_key(0, "input_layernorm.weight")),
            axis=-1,
            epsilon=sizes.rms_norm_eps,
            stash_type=1,
        )
        outputs: dict[str, ir.Value] = {}
        for layer in range(sizes.num_layers):
            attended, *present = self._attention(graph, layer, graph.from_float(normed), tables)
            outputs[f"present.{layer}.key"], outputs[f"present.{layer}.value"] = present
            gain = layer_key(layer, "post_attention_layernorm.weight")
            normed, residual = self._skip_norm(graph, residual, attended, gain)
            fed = self._feed_forward(graph, layer, graph.from_float(normed))
            last = layer + 1 == sizes.num_layers
            gain = FINAL_NORM_KEY if last else layer_key(layer + 1, "input_layernorm.weight")
            normed, residual = self._skip_norm(graph, residual, fed, gain)
        outputs["hidden_states"] = normed
        last_idx = graph.constant("last_idx", np.array([-1], np.int64))
        state = graph.from_float(graph.node("Gather", normed, last_idx, axis=1))
        level = self.quantization.accuracy_level
        logits = write_linear(graph, state, self._head_rows(), self._head_block, level)
        outputs["logits"] = graph.to_float(logits)
        return graph.finish(outputs)

    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """See `Stage`; a sequence is fed in chunks of different lengths, see `run`."""
        width = self.checkpoint.sizes.hidden_size
        shapes = ((1, 19, width), (2, 6, width), (1, 1, width))
        longest = self.checkpoint.sizes.max_position_embeddings
        return [
            {"inputs_embeds": normal(random, batch, min(length, longest), width)}
            for batch, length, width in shapes
        ]

    def run(self, session: OpenedGraph, inputs: Arrays) -> Arrays:
        """Feed the sequence chunk by chunk through a cache with room to spare."""
        embeds = inputs["inputs_embeds"]
        batch, length, _ = embeds.shape
        parts = [tensor.name for tensor in self.spec.inputs]
        parts = [name for name in parts if name.startswith("past_key_values")]
        cache = self.empty_cache(batch, length, parts)
        names = [tensor.name for tensor in self.spec.outputs]
        logits, states, start = [], [], 0
        for end in self.chunk_ends(batch, length):
            feed = {"inputs_embeds": embeds[:, start:end], **self.lengths(batch, end)}
            found = dict(zip(names, session.run(names, feed | cache), strict=True))
            logits.append(found.pop("logits"))
            states.append(found.pop("hidden_states"))
            cache = {name.replace("present", "past_key_values"): found[name] for name in found}
            start = end
        return {
            "logits": np.concatenate(logits, axis=1),
            "hidden_states": np.concatenate(states, axis=1),
        }

    def empty_cache(self, batch: int, length: int, names: Iterable[str]) -> Arrays:
        """Parts of a cache for a sequence, with room to spare."""
        sizes = self.checkpoint.sizes
        shape = (batch, sizes.num_key_value_heads, length + 3, sizes.head_dim)
        dtype = np.float16 if self._floats == "fp16" else np.float32
        return {name: np.zeros(shape, dtype) for name in names}

    @staticmethod
    def lengths(batch: int, end: int) -> Arrays:
        """How many positions are held once a chunk that ends at `end` is fed."""
        return {
            "seqlens_k": np.full(batch, end - 1, np.int32),
            "total_sequence_length": np.array([end], np.int32),
        }

    def reference(self, inputs: Arrays) -> Arrays:
        """Run the whole sequence at once, one layer in memory at a time."""
        batch, length, _ = inputs["inputs_embeds"].shape
        reference = self.torch_reference()
        with torch.inference_mode():
            for (states,) in reference.sums([inputs["inputs_embeds"]]):
                last = states
            normed = reference.normed(last)
            ends = torch.tensor(self.chunk_ends(batch, length))
            logits = self.reference_logits(normed[:, ends - 1])
        return {"logits": logits, "hidden_states": normed.numpy()}

    def compared(
        self, path: Path, probes: list[Arrays], open_graph: OpenGraph
    ) -> Iterator[tuple[Arrays, Arrays]]:
        """See `Stage`; layer by layer where the weights lie in a file of their own.

        And where inputs are rounded: what that does would add up over the layers.
        """
        apart = path.with_name(f"{path.name}.data").exists()
        if not apart and self.tolerance == TOLERANCES[self._floats]:
            yield from super().compared(path, probes, open_graph)
            return
        with torch.inference_mode():
            yield from compared_by_layer(self, path, probes, open_graph)

    def torch_reference(self) -> LanguageModelReference:
        """PyTorch's side, with the weights that the graph's stand for."""
        return LanguageModelReference(self.checkpoint, self._block)

    def reference_logits(self, states: torch.Tensor) -> NDArray[np.float32]:
        """Logits of final states [..., D], float32 [..., V]."""
        return LanguageModelReference.logits(states, self._head_rows(), self._head_block)

    @staticmethod
    def chunk_ends(batch: int, length: int) -> list[int]:
        """Where the chunks of a sequence end: some positions, one, then the rest.

        The attention operator takes several positions onto a filled cache for one sequence only, so
        a batch goes on position by position.
        """
        first = max(length // 3, 1)
        if batch > 1:
            return list(range(first, length + 1))
        return sorted({first, min(first + 1, length), length})

    def _rotary_tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cosine and sine of every position, float32 [positions, head / 2]."""
        sizes = self.checkpoint.sizes
        # The same float32 arithmetic as PyTorch's, whose rounding shows at far positions.
        exponents = torch.arange(0, sizes.head_dim, 2).float() / sizes.head_dim
        frequencies = 1.0 / sizes.rope_theta**exponents
        angles = torch.outer(torch.arange(sizes.max_position_embeddings).float(), frequencies)
        return angles.cos().numpy(), angles.sin().numpy()

    def _attention(
        self, graph: GraphWriter, layer: int, normed: ir.Value, tables: tuple[ir.Value, ir.Value]
    ) -> tuple[ir.Value, ir.Value, ir.Value]:
        """What attention adds to the sum, float32, and the layer's keys and values."""
        sizes = self.checkpoint.sizes
        query, cache = (
            n * sizes.head_dim for n in (sizes.num_attention_heads, sizes.num_key_value_heads)
        )
        rows = (("q_proj", query), ("k_proj", cache), ("v_proj", cache))

        def key(name: str, kind: str) -> str:
            return layer_key(layer, f"self_attn.{name}.{kind}")

        def packed_bias() -> NDArray[np.float32]:
            parts = [self.checkpoint.tensor(key(name, "bias"), (n,)) for name, n in rows]
            return torch.cat(parts).numpy()

        weight = WeightRows(
            self.checkpoint,
            key("qkv_proj", "weight"),
            [(key(name, "weight"), n) for name, n in rows],
            sizes.hidden_size,
        )
        bias = graph.weight(key("qkv_proj", "bias"), (query + 2 * cache,), packed_bias)
        attended, keys, values = graph.nodes(
            "GroupQueryAttention",
            graph.node("Add", self._linear(graph, normed, weight), bias),
            None,
            None,
            graph.inputs[f"past_key_values.{layer}.key"],
            graph.inputs[f"past_key_values.{layer}.value"],
            graph.inputs["seqlens_k"],
            graph.inputs["total_sequence_length"],
            *tables,
            num_outputs=3,
            domain=MICROSOFT,
            num_heads=sizes.num_attention_heads,
            kv_num_heads=sizes.num_key_value_heads,
            do_rotary=1,
            rotary_interleaved=0,
        )
        update = self._scaled(graph, attended, key("o_proj", "weight"), sizes.hidden_size, query)
        return self._scaled_back(graph, update), keys, values

    def _feed_forward(self, graph: GraphWriter, layer: int, normed: ir.Value) -> ir.Value:
        """What the MLP adds to the sum, float32."""
        width, inner = self.checkpoint.sizes.hidden_size, self.checkpoint.sizes.intermediate_size
        gate_key, up_key, down_key = (
            layer_key(layer, f"mlp.{name}_proj.weight") for name in ("gate", "up", "down")
        )
        gate = self._linear(graph, normed, self._rows(gate_key, inner, width))
        up = self._scaled(graph, normed, up_key, inner, width)
        activated = graph.node("Mul", gate, graph.node("Sigmoid", gate))
        inside = graph.node("Mul", activated, up)
        update = self._linear(graph, inside, self._rows(down_key, width, inner))
        return self._scaled_back(graph, update)

    def _scaled(
        self, graph: GraphWriter, value: ir.Value, key: str, num_rows: int, num_columns: int
    ) -> ir.Value:
        """Multiply with a weight of a layer; over `UPDATE_SCALE` in half precision.

        The weights are scaled, which costs nothing as the graph runs. The scale of an int8 block
        would lose its bits, and with them the largest integers: the value is scaled there.
        """
        rows = self._rows(key, num_rows, num_columns)
        if graph.half and self.precision == "int8":
            factor = graph.shared_constant("scaled_down", np.float16(1 / UPDATE_SCALE))
            value = graph.node("Mul", value, factor)
        elif graph.half:
            rows = self._rows(key, num_rows, num_columns, 1 / UPDATE_SCALE)
        return self._linear(graph, value, rows)

    @staticmethod
    def _scaled_back(graph: GraphWriter, update: ir.Value) -> ir.Value:
        """An update that `_scaled` made smaller, in its own size, float32."""
        if not graph.half:
            return update
        scale = graph.shared_constant("update_scale", np.float32(UPDATE_SCALE))
        return graph.node("Mul", graph.to_float(update), scale)

    def _skip_norm(
        self, graph: GraphWriter, residual: ir.Value, update: ir.Value, gain: str
    ) -> tuple[ir.Value, ir.Value]:
        """Add, normalise, and give the normed value and the sum, all float32."""
        normed, _, _, total = graph.nodes(
            "SkipSimplifiedLayerNormalization",
            residual,
            update,
            self._vector(graph, gain),
            num_outputs=4,
            unused=(1, 2),
            domain=MICROSOFT,
            epsilon=self.checkpoint.sizes.rms_norm_eps,
        )
        return normed, total

    def _linear(self, graph: GraphWriter, value: ir.Value, rows: WeightRows) -> ir.Value:
        """Multiply with a weight of a layer."""
        return write_linear(graph, value, rows, self._block, self.quantization.accuracy_level)

    def _rows(self, key: str, num_rows: int, num_columns: int, factor: float = 1.0) -> WeightRows:
        return WeightRows(self.checkpoint, key, [(key, num_rows)], num_columns, factor=factor)

    def _head_rows(self) -> WeightRows:
        sizes = self.checkpoint.sizes
        head = EMBEDDING_KEY if sizes.tie_word_embeddings else HEAD_KEY
        return self._rows(head, sizes.vocab_size, sizes.hidden_size)

    def _vector(self, graph: GraphWriter, key: str) -> ir.Value:
        shape = (self.checkpoint.sizes.hidden_size,)
        read = self.checkpoint.tensor
        return graph.lazy(key, ir.DataType.FLOAT, shape, lambda: read(key, shape).numpy())
