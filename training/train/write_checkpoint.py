"""Nano's weights in the released on-disk format (docs/model.md, part 2)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import SiglipVisionModel

from training.train.nano import Nano
from training.train.sizes import SAM2, SIGLIP
from ufvideo_export.checkpoint.checkpoint import (
    ALIGNER_PREFIX,
    REGION_ENCODER_PREFIX,
    SEG_PROJECTION_PREFIX,
    SIGLIP_PREFIX,
    Keys,
    language_model_keys,
    prefixed_keys,
    sam2_keys,
    tensor_parts,
)
from ufvideo_export.checkpoint.config_files import SIGLIP_FOLDER, ConfigFiles
from ufvideo_export.checkpoint.siglip_config import siglip_config
from ufvideo_export.checkpoint.tokenizer_files import TOKENIZER_FILES


def write_checkpoint(nano: Nano, tokenizer_folder: Path, folder: Path) -> None:
    """Write a checkpoint of float16 safetensors, SigLIP in its own folder `siglip`.

    Args:
        nano: The trained model.
        tokenizer_folder: Where its tokenizer's files are.
        folder: The folder to make.

    Raises:
        FileExistsError: When it exists.
        ValueError: When a weight does not fit float16.
    """
    folder.mkdir(parents=True)
    for name in TOKENIZER_FILES:
        shutil.copyfile(tokenizer_folder / name, folder / name)
    ConfigFiles(nano.sizes, SIGLIP, SAM2, "stc_connector_v35", "float16").write(folder)
    parts: list[tuple[nn.Module, Keys]] = [
        (nano.language_model, language_model_keys),
        (nano.aligner, prefixed_keys(ALIGNER_PREFIX)),
        (nano.region_encoder, prefixed_keys(REGION_ENCODER_PREFIX)),
        (nano.seg_projection, prefixed_keys(SEG_PROJECTION_PREFIX)),
        (nano.sam, sam2_keys),
    ]
    _write_tensors(folder / "model.safetensors", parts)
    siglip = (_whole_siglip(nano), prefixed_keys(SIGLIP_PREFIX))
    _write_tensors(folder / SIGLIP_FOLDER / "model.safetensors", [siglip])


def _whole_siglip(nano: Nano) -> nn.Module:
    """SigLIP as its own release has it: the last layer and the head, never used, stay at 0."""
    wrapper = SiglipVisionModel(siglip_config(SIGLIP, SIGLIP.num_layers))
    model: nn.Module = getattr(wrapper, "vision_model", wrapper)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    model.load_state_dict(nano.vision_encoder.state_dict(), strict=False)
    return model


def _tensors(module: nn.Module, keys: Keys) -> Iterator[tuple[str, torch.Tensor]]:
    for target, parts in tensor_parts(module, keys):
        rows = target.split(parts[0][1][0]) if len(parts) > 1 else (target,)
        for (key, shape), tensor in zip(parts, rows, strict=True):
            small = tensor.detach().reshape(shape).to(torch.float16).contiguous()
            if not bool(small.isfinite().all()):
                raise ValueError(f"{key}: expected values that fit float16, got larger ones")
            yield key, small


def _write_tensors(path: Path, parts: list[tuple[nn.Module, Keys]]) -> None:
    tensors = {key: tensor.clone() for part in parts for key, tensor in _tensors(*part)}
    save_file(tensors, path, metadata={"format": "pt"})
