"""PyTorch's Qwen2 with the weights of a package's language model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import Qwen2Config, Qwen2ForCausalLM

from ufvideo_sdk.package.manifest import read_manifest

# That of every random checkpoint of this project.
_ROPE_THETA = 1e6
_QKV = ("q_proj", "k_proj", "v_proj")


class PackageWeights:
    """The language model's tensors in float32, read one at a time; integers are dequantised."""

    def __init__(self, package: Path) -> None:
        path = package / "language_model.onnx"
        self.graph = onnx.load(path, load_external_data=False).graph
        self._tensors = {tensor.name: tensor for tensor in self.graph.initializer}
        self._data = path.with_name(f"{path.name}.data")

    def tensor(self, name: str) -> NDArray[Any]:
        """An initializer as it is stored."""
        tensor = self._tensors[name]
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            return numpy_helper.to_array(tensor)
        place = {entry.key: entry.value for entry in tensor.external_data}
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        count = int(place["length"]) // dtype.itemsize
        values = np.fromfile(self._data, dtype, count, offset=int(place["offset"]))
        return values.reshape(tuple(tensor.dims))

    def matrix(self, name: str) -> NDArray[np.float32]:
        """A weight of a product, float32 [N, K]."""
        if name in self._tensors:
            return self.tensor(name).astype(np.float32).T
        packed, scales = self.tensor(f"{name}_q"), self.tensor(f"{name}_scales").astype(np.float32)
        middles = self.tensor(f"{name}_zero_points")
        num_rows, num_blocks = scales.shape
        values = _nibbles(packed).reshape(num_rows, num_blocks, -1).astype(np.float32)
        zero_points = _nibbles(middles)[:, :num_blocks].astype(np.float32)
        values -= zero_points[..., None]
        values *= scales[..., None]
        return values.reshape(num_rows, -1)

    @property
    def epsilon(self) -> float:
        """Of the norms."""
        (first, *_) = (n for n in self.graph.node if n.op_type == "SimplifiedLayerNormalization")
        return float(next(a.f for a in first.attribute if a.name == "epsilon"))


def _nibbles(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four-bit integers, the lower half of a byte first."""
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)


def load_language_model(package: Path, device: str, dtype: torch.dtype) -> Qwen2ForCausalLM:
    """Qwen2 as transformers computes it, with a package's weights; its embeddings are random.

    Args:
        package: fp16, or int4 with asymmetric blocks.
        device: PyTorch's name of it.
        dtype: What it computes in.
    """
    model, weights = read_manifest(package).model, PackageWeights(package)
    first_gate = weights.matrix("model.layers.0.mlp.gate_proj.weight")
    config = Qwen2Config(
        hidden_size=model.hidden_size,
        intermediate_size=first_gate.shape[0],
        num_hidden_layers=model.num_layers,
        num_attention_heads=model.num_attention_heads,
        num_key_value_heads=model.num_key_value_heads,
        vocab_size=model.vocab_size,
        max_position_embeddings=model.max_position_embeddings,
        rms_norm_eps=weights.epsilon,
        rope_theta=_ROPE_THETA,
        tie_word_embeddings=False,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            qwen = Qwen2ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
    targets = qwen.state_dict()
    with torch.no_grad():
        for key, values in _parameters(weights, model.num_layers, targets):
            targets[key].copy_(torch.tensor(values))
    return qwen


def _parameters(
    weights: PackageWeights, num_layers: int, targets: dict[str, torch.Tensor]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Key and values, float32, of everything but the embeddings."""
    scale = float(weights.tensor("update_scale"))
    for layer in range(num_layers):
        prefix = f"model.layers.{layer}."
        for kind in ("weight", "bias"):
            name = f"{prefix}self_attn.qkv_proj.{kind}"
            whole = weights.matrix(name) if kind == "weight" else weights.tensor(name)
            begin = 0
            for part in _QKV:
                key = f"{prefix}self_attn.{part}.{kind}"
                end = begin + targets[key].shape[0]
                yield key, whole[begin:end].astype(np.float32)
                begin = end
        # These two are stored divided by the scale, so that half precision does not overflow.
        for name in ("self_attn.o_proj", "mlp.up_proj"):
            yield f"{prefix}{name}.weight", scale * weights.matrix(f"{prefix}{name}.weight")
        for name in ("mlp.gate_proj", "mlp.down_proj"):
            yield f"{prefix}{name}.weight", weights.matrix(f"{prefix}{name}.weight")
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{prefix}{name}.weight", weights.tensor(f"{prefix}{name}.weight")
    yield "model.norm.weight", weights.tensor("model.norm.weight")
    yield "lm_head.weight", weights.matrix("lm_head.weight")
