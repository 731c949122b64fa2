"""A tokenizer's files in Qwen2's format, with the tokens that the released model adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ufvideo_export.checkpoint.config_files import write_json

TOKENIZER_FILES = ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json")
# In the released order, behind the vocabulary.
ADDED_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<region>",
    *(f"<TEMP-{k:03d}>" for k in range(100)),
    "[SEG]",
)


def write_tokenizer_files(
    folder: Path, vocabulary: Mapping[str, int], merges: Sequence[str]
) -> None:
    """Write TOKENIZER_FILES.

    Args:
        folder: Where to.
        vocabulary: Ids from 0 on, without the added tokens.
        merges: Pairs of tokens, "left right".
    """
    added = {content: len(vocabulary) + k for k, content in enumerate(ADDED_TOKENS)}
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    config = {
        "added_tokens_decoder": {
            str(token_id): {"content": content, **flags, "special": True}
            for content, token_id in added.items()
        },
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    write_json(folder / "vocab.json", dict(vocabulary))
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8"
    )
    write_json(folder / "added_tokens.json", added)
    write_json(folder / "tokenizer_config.json", config)
