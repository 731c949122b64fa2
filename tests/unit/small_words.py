"""The golden checkpoint's tokenizer and chat template as files of a package, made without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from ufvideo_sdk.package.manifest import TokenConfig
from ufvideo_sdk.text.chat_template import read_chat_template
from ufvideo_sdk.text.prompt import PromptBuilder
from ufvideo_sdk.text.tokenizer import TextTokenizer

CHECKPOINT = Path(__file__).parents[1] / "data" / "small" / "checkpoint"
FACTS = TokenConfig(
    end_ids=(521,),
    video_placeholder_id=-201,
    image_placeholder_id=-200,
    region_id=524,
    time_first_id=525,
    num_time_tokens=100,
    seg_id=625,
)
TEMPLATE: dict[str, Any] = {
    "default_system": "You are a helpful assistant.",
    "turn": ["<|im_start|>{role}\n", "{content}", "<|im_end|>\n"],
    "generation_prompt": "<|im_start|>assistant\n",
    "roles": {"system": "system", "user": "user", "assistant": "assistant"},
    "media_prefix": "{media}\n",
}
QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write_tokenizer(folder: Path, *, special: bool = True) -> Path:
    """Write `tokenizer.json`; `special` False marks its added tokens as ordinary ones."""
    tokenizer = Tokenizer(
        models.BPE.from_file(str(CHECKPOINT / "vocab.json"), str(CHECKPOINT / "merges.txt"))
    )
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    added = json.loads((CHECKPOINT / "added_tokens.json").read_text())
    names = sorted(added, key=lambda name: added[name])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in names])
    values = json.loads(tokenizer.to_str())
    for token in values["added_tokens"]:
        token["special"] = special
        assert added[token["content"]] == token["id"]
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(values))
    return path


def small_tokenizer(folder: Path) -> TextTokenizer:
    return TextTokenizer(write_tokenizer(folder), FACTS)


def small_prompts(folder: Path) -> PromptBuilder:
    path = folder / "chat_template.json"
    path.write_text(json.dumps(TEMPLATE))
    return PromptBuilder(small_tokenizer(folder), read_chat_template(path), FACTS)
