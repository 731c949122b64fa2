"""Nano's weights in the released on-disk format, model part 2."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import SiglipVisionModel

from training.train.nano import Nano
from training.train.sizes import SAM2, SIGLIP
from ufvideo_export.checkpoint import (
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
from ufvideo_export.checkpoint_config import ARCHITECTURE
from ufvideo_export.vision_encoder import siglip_config

_TOKENIZER_FILES = ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json")


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
    for name in _TOKENIZER_FILES:
        shutil.copyfile(tokenizer_folder / name, folder / name)
    _write_json(folder / "config.json", _config(nano))
    _write_json(folder / "generation_config.json", {"transformers_version": "4.46.3"})
    sam2 = {key.removesuffix("_px"): value for key, value in asdict(SAM2).items()}
    _write_json(folder / "sam2_config.json", sam2)
    parts: list[tuple[nn.Module, Keys]] = [
        (nano.language_model, language_model_keys),
        (nano.aligner, prefixed_keys(ALIGNER_PREFIX)),
        (nano.region_encoder, prefixed_keys(REGION_ENCODER_PREFIX)),
        (nano.seg_projection, prefixed_keys(SEG_PROJECTION_PREFIX)),
        (nano.sam, sam2_keys),
    ]
    _write_tensors(folder / "model.safetensors", parts)
    (folder / "siglip").mkdir()
    _write_json(folder / "siglip" / "config.json", _siglip_json())
    siglip = (_whole_siglip(nano), prefixed_keys(SIGLIP_PREFIX))
    _write_tensors(folder / "siglip" / "model.safetensors", [siglip])


def _whole_siglip(nano: Nano) -> nn.Module:
    """SigLIP as its own release has it: the last layer and the head, never used, stay at 0."""
    model = SiglipVisionModel(siglip_config(SIGLIP, SIGLIP.num_layers))
    model = getattr(model, "vision_model", model)
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


def _config(nano: Nano) -> dict[str, object]:
    sizes = nano.sizes
    return {
        "architectures": ["VideoReferQwen2ForCausalLM"],
        "model_type": ARCHITECTURE,
        "hidden_act": "silu",
        "hidden_size": sizes.hidden_size,
        "intermediate_size": sizes.intermediate_size,
        "num_hidden_layers": sizes.num_layers,
        "num_attention_heads": sizes.num_attention_heads,
        "num_key_value_heads": sizes.num_key_value_heads,
        "vocab_size": sizes.vocab_size,
        "max_position_embeddings": sizes.max_position_embeddings,
        "rms_norm_eps": sizes.rms_norm_eps,
        "rope_theta": sizes.rope_theta,
        "rope_scaling": None,
        "tie_word_embeddings": sizes.tie_word_embeddings,
        "use_sliding_window": False,
        "mm_hidden_size": SIGLIP.hidden_size,
        "mm_projector_type": "stc_connector_v35",
        "mm_region_encoder_type": "pooling",
        "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": sizes.vision_select_layer,
        "mm_vision_tower": sizes.vision_tower,
        "num_frames": sizes.num_frames,
        "sam_out_dim": sizes.sam_out_dim,
        "seg_token_id": sizes.seg_token_id,
        "torch_dtype": "float16",
    }


def _siglip_json() -> dict[str, object]:
    return {
        "architectures": ["SiglipVisionModel"],
        "model_type": "siglip_vision_model",
        "hidden_act": SIGLIP.hidden_act,
        "hidden_size": SIGLIP.hidden_size,
        "image_size": SIGLIP.image_size_px,
        "intermediate_size": SIGLIP.intermediate_size,
        "layer_norm_eps": SIGLIP.layer_norm_eps,
        "num_attention_heads": SIGLIP.num_attention_heads,
        "num_channels": 3,
        "num_hidden_layers": SIGLIP.num_layers,
        "patch_size": SIGLIP.patch_size_px,
    }


def _write_json(path: Path, values: dict[str, object]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
