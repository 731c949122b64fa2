"""A tokenizer in Qwen2's files, trained on the world's questions and answers."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from training.tasks.vocabulary import corpus, vocabulary
from training.train.sizes import TokenizerSizes
from ufvideo_export.checkpoint.config import JsonFields
from ufvideo_export.checkpoint.tokenizer import qwen2_pre_tokenizer
from ufvideo_export.checkpoint.tokenizer_files import write_tokenizer_files

_TEMPLATE = "system\nYou are a helpful assistant.\nuser\n assistant\n"
# Room for every word, bare and behind a space, and for the pieces on the way to it.
_MOST_TOKENS = 1400


def train_tokenizer(folder: Path) -> None:
    """Write vocab.json, merges.txt, added_tokens.json and tokenizer_config.json.

    Every word of the world is one token; anything else falls back to bytes.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = qwen2_pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=_MOST_TOKENS,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    words = [form for word in vocabulary() for form in (word, f" {word}")] * 2
    tokenizer.train_from_iterator([*corpus(), *words, _TEMPLATE, _TEMPLATE], trainer)
    values = json.loads(tokenizer.to_str())["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in values["merges"]]
    write_tokenizer_files(folder, values["vocab"], merges)


def tokenizer_sizes(folder: Path) -> TokenizerSizes:
    """Sizes that the model takes from a tokenizer on disk."""
    added = JsonFields(folder / "added_tokens.json").values
    return TokenizerSizes(vocab_size=max(added.values()) + 1, seg_id=added["[SEG]"])
