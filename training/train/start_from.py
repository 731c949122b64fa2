"""A run that goes on from a trained checkpoint: "occluded", "memory" and "wordings" are left.

Words of `training.wordings` that the checkpoint's tokenizer lacks become tokens of the run's one.

A checkpoint in the released format lacks what exists in training alone: the heads that read facts,
and the prompts that stand in for [SEG] states. They are kept in a small file beside it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from training.train.looks import LooksPrompt
from training.train.more_words import add_wordings, carried_rows
from training.train.nano import Nano, save_whole
from training.train.pretrain_language import Reader
from training.train.sizes import SAM2_WIDTHS
from training.train.turns import TurnTokenizer
from training.train.workplace import Workplace
from training.train.world_tokenizer import tokenizer_sizes
from ufvideo_export.checkpoint.checkpoint import SEG_PROJECTION_PREFIX, Checkpoint, prefixed_keys
from ufvideo_export.checkpoint.tokenizer_files import TOKENIZER_FILES
from ufvideo_export.torch_model.model import (
    load_aligner,
    load_language_model,
    load_region_encoder,
    load_sam2,
    load_vision_encoder,
)

HEADS_FILE = "training_heads.safetensors"
CHECKPOINT_FOLDER = "checkpoint"
_HEADS = ("video_heads", "mention_heads", "late_heads", "scene_head", "clock_head")
_EARLIER_STAGES = ("vision", "masks", "tracking", "names", "language", "joint", "answers")
_EMBEDDING = "embed_tokens.weight"


def write_heads(reader: Reader, looks_prompt: LooksPrompt, path: Path) -> None:
    """Write what exists in training alone, float16 safetensors."""
    parts: dict[str, nn.Module] = {name: getattr(reader, name) for name in _HEADS}
    parts["looks_prompt"] = looks_prompt
    tensors = {
        f"{name}.{key}": value.detach().to(torch.float16).contiguous()
        for name, module in parts.items()
        for key, value in module.state_dict().items()
    }
    save_file(tensors, path)


def start_from(folder: Path, place: Workplace) -> None:
    """Fill a run's folder with the weights of a trained model.

    Args:
        folder: Holds `checkpoint` and `training_heads.safetensors`; training/nano does.
        place: A folder in which no stage has begun.

    Raises:
        FileExistsError: When a stage has left weights there.
        InputError: For a checkpoint that is none, or is of other sizes.
        FileNotFoundError: When the heads are missing.
    """
    begun = [stage for stage in _EARLIER_STAGES if place.weights(stage).exists()]
    if begun:
        raise FileExistsError(f"{place.folder}: expected no run, found one of stage {begun[0]}")
    heads = load_file(folder / HEADS_FILE)
    checkpoint = Checkpoint(folder / CHECKPOINT_FOLDER)
    place.tokenizer.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        shutil.copyfile(checkpoint.folder / name, place.tokenizer / name)
    add_wordings(place.tokenizer)
    nano = Nano(tokenizer_sizes(place.tokenizer))
    for target, filled in (
        (nano.vision_encoder, load_vision_encoder(checkpoint)),
        (nano.aligner, load_aligner(checkpoint)),
        (nano.region_encoder, load_region_encoder(checkpoint)),
        (nano.sam, load_sam2(checkpoint)),
    ):
        target.load_state_dict(filled.state_dict())
    words = load_language_model(checkpoint).model.state_dict()
    words[_EMBEDDING] = carried_rows(words[_EMBEDDING], checkpoint.folder, place.tokenizer)
    nano.language_model.model.load_state_dict(words)
    checkpoint.fill(nano.seg_projection, prefixed_keys(SEG_PROJECTION_PREFIX))
    reader = Reader(nano, TurnTokenizer(place.tokenizer), train_vision=False)
    looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
    for name in _HEADS:
        getattr(reader, name).load_state_dict(_part(heads, name))
    looks_prompt.load_state_dict(_part(heads, "looks_prompt"))
    parts = {
        "reader": reader.state_dict(),
        "sam": nano.sam.state_dict(),
        "looks": looks_prompt.state_dict(),
    }
    # The stage "wordings" loads the prompts of "masks" and the rest of "answers"; "occluded" loads
    # "joint", and "memory" what "occluded" leaves, or the checkpoint's if that is not run.
    for stage in ("masks", "joint", "occluded", "answers"):
        save_whole(parts, place.weights(stage))
    for stage in _EARLIER_STAGES:
        place.set_done(stage)


def _part(tensors: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    prefix = f"{name}."
    return {k[len(prefix) :]: v.float() for k, v in tensors.items() if k.startswith(prefix)}
