"""A small tokenizer in Qwen2's files, for random checkpoints."""

from __future__ import annotations

from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

from ufvideo_export.checkpoint.tokenizer_files import ADDED_TOKENS, write_tokenizer_files

# Whole words of this list are one token each; everything else falls back to bytes.
_WORDS = """
the a is what in video Please segment describe object ball circle square triangle red blue green
yellow moving When does it this image Sure system user assistant You are helpful
"""
# [SEG] is the last token of the vocabulary.
SEG_OFFSET = 1


def num_needed_tokens() -> int:
    """The size of the smallest vocabulary."""
    vocabulary, _ = _vocabulary()
    return len(vocabulary) + len(ADDED_TOKENS)


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
    ids = {token: number for number, token in enumerate(vocabulary)}
    write_tokenizer_files(folder, ids, merges)


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
