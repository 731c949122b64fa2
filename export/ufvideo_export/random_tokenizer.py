"""A small tokenizer in Qwen2's files, for random checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

# Whole words of this list are one token each; everything else falls back to bytes.
_WORDS = """
the a is what in video Please segment describe object ball circle square triangle red blue green
yellow moving When does it this image Sure system user assistant You are helpful
"""
_ADDED = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<region>",
    *(f"<TEMP-{k:03d}>" for k in range(100)),
    "[SEG]",
)
# [SEG] is the last token of the vocabulary.
SEG_OFFSET = 1


def num_needed_tokens() -> int:
    """The size of the smallest vocabulary."""
    vocabulary, _ = _vocabulary()
    return len(vocabulary) + len(_ADDED)


def write_tokenizer(folder: Path, vocab_size: int) -> None:
    """Write vocab.json, merges.txt, added_tokens.json and tokenizer_config.json.

    Raises:
        ValueError: When the vocabulary is too small for the bytes and the added tokens.
    """
    vocabulary, merges = _vocabulary()
    num_fillers = vocab_size - num_needed_tokens()
    if num_fillers < 0:
        raise ValueError(f"expected a vocab_size of at least {num_needed_tokens()}: {vocab_size}")
    # No merge leads to a filler, so text never becomes one, but a model may say it.
    vocabulary += [f"Ġ~{number}" for number in range(num_fillers)]
    added = {content: len(vocabulary) + number for number, content in enumerate(_ADDED)}
    decoder = {
        str(token_id): {
            "content": content,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for content, token_id in added.items()
    }
    config = {
        "added_tokens_decoder": decoder,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    ids = {token: number for number, token in enumerate(vocabulary)}
    for name, values in (
        ("vocab.json", ids),
        ("added_tokens.json", added),
        ("tokenizer_config.json", config),
    ):
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8"
    )


def _vocabulary() -> tuple[list[str], list[str]]:
    """Tokens and merges: all bytes, and each word (bare and behind a space) letter by letter."""
    tokens = sorted(ByteLevel.alphabet())
    merges: list[str] = []
    for word in _WORDS.split():
        for spelled in (word, f"Ġ{word}"):
            for end in range(2, len(spelled) + 1):
                if spelled[:end] not in tokens:
                    tokens.append(spelled[:end])
                    merges.append(f"{spelled[: end - 1]} {spelled[end - 1]}")
    return tokens, merges
