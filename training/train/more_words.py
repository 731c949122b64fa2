"""More words for a tokenizer that is in use: what was one token stays the token that it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models

from training.wordings.vocabulary import first_words, words_behind_spaces
from ufvideo_export.checkpoint.tokenizer import qwen2_pre_tokenizer
from ufvideo_export.checkpoint.tokenizer_files import write_tokenizer_files

# How byte-level pair encoding writes a space.
_SPACE = "Ġ"


def add_wordings(folder: Path) -> int:
    """Make each word of the wordings one token, and return the number of new tokens.

    New tokens get ids behind the vocabulary's last one. The tokens with a meaning of their own
    follow them, as in Qwen2's files. A second call changes nothing.

    Args:
        folder: Holds the tokenizer's files, which are written again.
    """
    words = [f" {word}" for word in words_behind_spaces()]
    return add_words(folder, [*words, *first_words()])


def add_words(folder: Path, words: Sequence[str]) -> int:
    """Make each text one token, and return the number of new tokens; see `add_wordings`.

    Args:
        folder: Holds the tokenizer's files.
        words: Words as they stand in a text, with the space before them or without.

    Raises:
        ValueError: When a text cannot be one token.
    """
    vocabulary = _vocabulary(folder)
    merges = _merges(folder)
    before = len(vocabulary)
    tokenizer = _byte_pairs(vocabulary, merges)
    for word in words:
        pieces = _pieces(tokenizer, word)
        if len(pieces) == 1:
            continue
        while len(pieces) > 1:
            joined = "".join(pieces[:2])
            vocabulary.setdefault(joined, len(vocabulary))
            merges.append(" ".join(pieces[:2]))
            pieces = [joined, *pieces[2:]]
        tokenizer = _byte_pairs(vocabulary, merges)
        if len(_pieces(tokenizer, word)) != 1:
            raise ValueError(f"words: expected some that can be one token, got {word!r}")
    if len(vocabulary) > before:
        write_tokenizer_files(folder, vocabulary, merges)
    return len(vocabulary) - before


def carried_rows(rows: torch.Tensor, before: Path, after: Path) -> torch.Tensor:
    """Rows of an embedding for a tokenizer with more words.

    A token that was there keeps its row, whatever its id is now. A new one starts as the mean of
    the tokens that its text was written with.

    Args:
        rows: Embedding of the tokenizer before, float32 [V, D].
        before: Folder of its files.
        after: Folder of the files with more words.

    Returns:
        float32 [V + new tokens, D].
    """
    old, new = _all_tokens(before), _all_tokens(after)
    tokenizer = _byte_pairs(_vocabulary(before), _merges(before))
    carried = rows.new_zeros(max(new.values()) + 1, rows.shape[1])
    for token, token_id in new.items():
        ids = [old[token]] if token in old else _ids(tokenizer, token)
        carried[token_id] = rows[ids].mean(0)
    return carried


def _ids(tokenizer: Tokenizer, token: str) -> list[int]:
    ids: list[int] = tokenizer.encode(token.replace(_SPACE, " "), add_special_tokens=False).ids
    return ids


def _pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    pieces: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
    return pieces


def _vocabulary(folder: Path) -> dict[str, int]:
    values: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    return values


def _merges(folder: Path) -> list[str]:
    """The merges; the first line of their file is its version."""
    return (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]


def _all_tokens(folder: Path) -> Mapping[str, int]:
    added = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    return {**_vocabulary(folder), **added}


def _byte_pairs(vocabulary: Mapping[str, int], merges: Sequence[str]) -> Tokenizer:
    pairs = [(left, right) for left, right in (merge.split(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocabulary), merges=pairs))
    tokenizer.pre_tokenizer = qwen2_pre_tokenizer()
    return tokenizer
