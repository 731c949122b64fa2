"""A checkpoint of any size with random weights that are made when they are read, never stored."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import torch

from testing.ufvideo_testing.random_checkpoint import (
    RandomSizes,
    checkpoint_shapes,
    write_config_files,
)
from testing.ufvideo_testing.random_weights import random_tensor
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.config import (
    read_model_sizes,
    read_sam2_sizes,
    read_siglip_sizes,
)
from ufvideo_export.checkpoint.config_files import SIGLIP_FOLDER
from ufvideo_export.checkpoint.tensor_files import TensorFiles


class UnwrittenTensors(TensorFiles):
    """Tensors by name: equal names and rows give equal values."""

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.folder = folder
        self.ignored = ()
        self._files = dict.fromkeys(shapes, folder)
        self._headers = {name: (shape, "F16") for name, shape in shapes.items()}

    def files(self) -> set[Path]:
        """None: nothing is stored."""
        return set()

    def read(self, name: str) -> torch.Tensor:
        """A whole tensor, float16."""
        return self._random(name, self.shape(name), 0)

    def read_rows(self, name: str, begin: int, end: int) -> torch.Tensor:
        """Rows `begin` to `end` of a tensor, float16; no others are made."""
        return self._random(name, (end - begin, *self.shape(name)[1:]), begin)

    @staticmethod
    def _random(name: str, shape: tuple[int, ...], begin: int) -> torch.Tensor:
        seed = zlib.crc32(f"{name} {begin}".encode())
        generator = torch.Generator().manual_seed(seed)
        return random_tensor(name, shape, generator, torch.float16)


class UnwrittenCheckpoint(Checkpoint):
    """A checkpoint of which only the config files are on disk."""

    def __init__(self, folder: Path, sizes: RandomSizes) -> None:
        """Write the config files.

        Args:
            folder: Where to; it must not exist.
            sizes: Every size; SigLIP is a folder of its own.
        """
        write_config_files(folder, sizes)
        shapes, siglip_shapes = checkpoint_shapes(sizes)
        siglip = folder / SIGLIP_FOLDER
        self.folder = folder
        self.sizes = read_model_sizes(folder)
        self.tensors = UnwrittenTensors(folder, shapes)
        self.sam2 = read_sam2_sizes(folder)
        self._siglip = UnwrittenTensors(siglip, siglip_shapes)
        self._siglip_prefix = ""
        self.siglip = read_siglip_sizes(siglip / "config.json")
