"""Random weights on disk, of any size: one shard in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import save_file

from ufvideo_export.checkpoint.config_files import write_json
from ufvideo_export.checkpoint.tensor_files import INDEX_NAME

Shape = tuple[int, ...]
# Tables and single vectors, which multiply nothing.
_TABLE = re.compile(
    r"(embed_tokens|position_embedding|_tokens?|_embed|point_embeddings\.\d)\.weight$"
    r"|(_embed|_embed_window|_enc|_ptr|gaussian_matrix|probe)$"
)
# Of a tensor in float32, before it is cut down to the dtype it is kept in.
_CHUNK_VALUES = 16 << 20


def write_random_weights(
    folder: Path,
    shapes: Mapping[str, Shape],
    num_shards: int,
    dtype: torch.dtype,
    random: torch.Generator,
) -> None:
    """Write one file, or shards of about one size with an index; one shard in memory at a time.

    Args:
        folder: Where; it exists.
        shapes: Of every tensor, by its key.
        num_shards: At most; a tensor is never cut.
        dtype: Of every tensor.
        random: What the values come from.
    """
    shards = list(_shards(shapes, num_shards))
    weight_map: dict[str, str] = {}
    total_bytes = 0
    for number, names in enumerate(shards):
        file_name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
        file_name = file_name if num_shards > 1 else "model.safetensors"
        tensors = {name: random_tensor(name, shapes[name], random, dtype) for name in names}
        save_file(tensors, folder / file_name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(names, file_name)
        total_bytes += sum(tensor.nbytes for tensor in tensors.values())
        # Before the next shard is made.
        del tensors
    if num_shards > 1:
        index = {"metadata": {"total_size": total_bytes}, "weight_map": weight_map}
        write_json(folder / INDEX_NAME, index)


def _shards(shapes: Mapping[str, Shape], num_shards: int) -> Iterator[list[str]]:
    """Keys in order, cut where the values behind them pass each shard's share."""
    names = sorted(shapes)
    total = sum(torch.Size(shape).numel() for shape in shapes.values())
    cuts, behind = [0], 0
    for number, name in enumerate(names):
        if behind * num_shards >= len(cuts) * total:
            cuts.append(number)
        behind += torch.Size(shapes[name]).numel()
    for begin, end in pairwise([*cuts, len(names)]):
        yield names[begin:end]


def random_tensor(
    key: str, shape: Shape, random: torch.Generator, dtype: torch.dtype
) -> torch.Tensor:
    """Normal values at which activations keep their size through the layers.

    Args:
        key: What the tensor is, by its name in a checkpoint.
        shape: Its shape.
        random: What the values come from.
        dtype: What they are rounded to, piece by piece.
    """
    whole = torch.empty(shape, dtype=dtype)
    flat = whole.view(-1)
    for begin in range(0, flat.numel(), _CHUNK_VALUES):
        piece = flat[begin : begin + _CHUNK_VALUES]
        piece.copy_(_scaled(key, shape, torch.randn(piece.shape, generator=random)))
    return whole


def _scaled(key: str, shape: Shape, values: torch.Tensor) -> torch.Tensor:
    if len(shape) == 1 and key.endswith("weight"):
        return 1 + 0.1 * values
    if len(shape) == 1 or key.endswith("bias"):
        return 0.1 * values
    if _TABLE.search(key):
        return 0.5 * values
    fan_in = max(torch.Size(shape[1:]).numel(), 1)
    return values / fan_in**0.5
