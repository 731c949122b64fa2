"""The checkpoint's tokenizer as one `tokenizer.json`, and the ids a runtime must know."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors as post_processors

from ufvideo_export.checkpoint.config import JsonFields, ModelSizes
from ufvideo_sdk.errors import InputError, PackageError
from ufvideo_sdk.package.manifest import TokenConfig
from ufvideo_sdk.package.tokenizer_file import (
    QWEN2_PATTERN,
    check_tokenizer_json,
    check_tokenizer_size,
    tokenizer_errors,
)

END_TOKEN = "<|im_end|>"
START_TOKEN = "<|im_start|>"
REGION_TOKEN = "<region>"
SEG_TOKEN = "[SEG]"
TIME_TOKEN = re.compile(r"<TEMP-(\d{3})>")
# What stands in a prompt's ids where the frames go; no tokens, so negative.
VIDEO_PLACEHOLDER_ID = -201
IMAGE_PLACEHOLDER_ID = -200

_CLASSES = ("Qwen2Tokenizer", "Qwen2TokenizerFast")

CHAT_TEMPLATE = {
    "default_system": "You are a helpful assistant.",
    "turn": ["<|im_start|>{role}\n", "{content}", "<|im_end|>\n"],
    "generation_prompt": "<|im_start|>assistant\n",
    "roles": {"system": "system", "user": "user", "assistant": "assistant"},
    "media_prefix": "{media}\n",
}


@dataclass(frozen=True)
class CheckpointTokenizer:
    """The tokenizer and the ids of the tokens with a meaning of their own."""

    tokenizer: Tokenizer
    facts: TokenConfig

    def write(self, path: Path) -> None:
        """Write `tokenizer.json`."""
        path.write_text(_text(self.tokenizer), encoding="utf-8")


def _text(tokenizer: Tokenizer) -> str:
    return str(tokenizer.to_str(pretty=True)) + "\n"


def chat_template_json() -> str:
    """The text of `chat_template.json`."""
    return json.dumps(CHAT_TEMPLATE, indent=2, ensure_ascii=False) + "\n"


def read_tokenizer(folder: Path, sizes: ModelSizes) -> CheckpointTokenizer:
    """Read the Qwen2 tokenizer of a checkpoint.

    `vocab.json` and `merges.txt` come first; a `tokenizer.json` serves where they are missing.

    Raises:
        InputError: When files are missing or contradict each other, an added token has another id
            than the checkpoint says, a token that the model needs is missing, or the tokenizer does
            anything that a package's may not; see `check_tokenizer_json`.
    """
    _refuse_other_class(folder)
    added = _added_tokens(folder)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        tokenizer = _build(folder)
    elif (folder / "tokenizer.json").is_file():
        tokenizer = _open(folder / "tokenizer.json")
    else:
        raise InputError(f"expected vocab.json and merges.txt (or tokenizer.json) in {folder}")
    tokenizer = _with_added_tokens(folder, tokenizer, added)
    try:
        check_tokenizer_json(_text(tokenizer).encode())
    except PackageError as error:
        raise InputError(
            f"expected Qwen2's tokenizer in {folder}, without truncation, padding or settings of"
            f" its own: {error}"
        ) from None
    return CheckpointTokenizer(tokenizer, _facts(folder, tokenizer, sizes))


def _with_added_tokens(folder: Path, tokenizer: Tokenizer, added: dict[str, int]) -> Tokenizer:
    contents = [content for content, _ in sorted(added.items(), key=lambda item: item[1])]
    tokens = [AddedToken(content, special=True, normalized=False) for content in contents]
    with tokenizer_errors(
        lambda why: InputError(f"expected added tokens of Qwen2's tokenizer in {folder}: {why}")
    ):
        tokenizer.add_special_tokens(tokens)
    for content, token_id in added.items():
        found = tokenizer.token_to_id(content)
        if found != token_id:
            raise InputError(
                f"expected the added token {content} at id {token_id}, found it at {found} in"
                f" {folder}"
            )
    return _all_special(tokenizer)


def _build(folder: Path) -> Tokenizer:
    with tokenizer_errors(
        lambda why: InputError(
            f"expected a byte-pair encoding in {folder / 'vocab.json'} and merges.txt: {why}"
        )
    ):
        model = models.BPE.from_file(
            str(folder / "vocab.json"), str(folder / "merges.txt"), fuse_unk=False
        )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = qwen2_pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = post_processors.ByteLevel(trim_offsets=False)
    return tokenizer


def qwen2_pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """What cuts a text into the words of Qwen2, before these are cut into tokens."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _open(path: Path) -> Tokenizer:
    with tokenizer_errors(lambda why: InputError(f"expected a tokenizer in {path}: {why}")):
        try:
            check_tokenizer_size(path.stat().st_size)
        except PackageError as error:
            raise InputError(f"expected a tokenizer in {path}: {error}") from None
        return Tokenizer.from_buffer(path.read_bytes())


def _refuse_other_class(folder: Path) -> None:
    """Refuse a tokenizer_config.json that asks for other ids than Qwen2's tokenizer gives."""
    path = folder / "tokenizer_config.json"
    if path.is_file():
        fields = JsonFields(path)
        fields.only("tokenizer_class", (*_CLASSES, None), None)
        fields.only("add_prefix_space", (False, None), None)


def _all_special(tokenizer: Tokenizer) -> Tokenizer:
    """Mark every added token special, also those an existing tokenizer.json kept as plain text."""
    values = json.loads(tokenizer.to_str())
    for token in values["added_tokens"]:
        token["special"], token["normalized"] = True, False
    return Tokenizer.from_str(json.dumps(values))


def _added_tokens(folder: Path) -> dict[str, int]:
    """Added tokens of `added_tokens.json` and `tokenizer_config.json`, which must agree."""
    added: dict[str, int] = {}
    if (folder / "added_tokens.json").is_file():
        added |= JsonFields(folder / "added_tokens.json").values
    path = folder / "tokenizer_config.json"
    decoder = JsonFields(path).values.get("added_tokens_decoder", {}) if path.is_file() else {}
    try:
        configured = {entry["content"]: int(token_id) for token_id, entry in decoder.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"expected added_tokens_decoder to map ids to tokens with a content in {path}"
        ) from error
    for entry in decoder.values():
        for key in ("lstrip", "rstrip", "single_word"):
            if entry.get(key):
                raise InputError(
                    f"expected {key} of the added token {entry['content']} to be false, found"
                    f" {entry[key]!r} in {path}"
                )
    for content, token_id in configured.items():
        if added.setdefault(content, token_id) != token_id:
            raise InputError(
                f"expected one id for {content}, found {added[content]} in"
                f" {folder / 'added_tokens.json'} and {token_id} in {path}"
            )
    for content, token_id in added.items():
        if isinstance(token_id, bool) or not isinstance(token_id, int):
            raise InputError(f"expected an id for {content} in {folder}, found {token_id!r}")
    return added


def _facts(folder: Path, tokenizer: Tokenizer, sizes: ModelSizes) -> TokenConfig:
    def token_id(content: str) -> int:
        found = tokenizer.token_to_id(content)
        if found is None:
            raise InputError(f"expected the token {content} in the tokenizer of {folder}")
        return int(found)

    token_id(START_TOKEN)
    seg_id = token_id(SEG_TOKEN)
    if sizes.seg_token_id is not None and sizes.seg_token_id != seg_id:
        raise InputError(
            f"expected seg_token_id to be the tokenizer's id of {SEG_TOKEN}, {seg_id}, found"
            f" {sizes.seg_token_id} in {folder / 'config.json'}"
        )
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    if largest >= sizes.vocab_size:
        raise InputError(
            f"expected ids below vocab_size {sizes.vocab_size}, found {largest} in the tokenizer"
            f" of {folder}"
        )
    time_first_id, num_time_tokens = _time_tokens(folder, tokenizer)
    return TokenConfig(
        end_ids=_end_ids(folder, token_id(END_TOKEN)),
        video_placeholder_id=VIDEO_PLACEHOLDER_ID,
        image_placeholder_id=IMAGE_PLACEHOLDER_ID,
        region_id=token_id(REGION_TOKEN),
        time_first_id=time_first_id,
        num_time_tokens=num_time_tokens,
        seg_id=seg_id,
    )


def _time_tokens(folder: Path, tokenizer: Tokenizer) -> tuple[int, int]:
    matches = ((TIME_TOKEN.fullmatch(text), number) for text, number in _vocabulary(tokenizer))
    ids = {int(match[1]): number for match, number in matches if match}
    first = ids.get(0, -1)
    if len(ids) < 2 or ids != {k: first + k for k in range(len(ids))}:
        raise InputError(
            f"expected time tokens <TEMP-000>, <TEMP-001>, ... with consecutive ids in the"
            f" tokenizer of {folder}, found {len(ids)}"
        )
    return first, len(ids)


def _vocabulary(tokenizer: Tokenizer) -> list[tuple[str, int]]:
    return list(tokenizer.get_vocab(with_added_tokens=True).items())


def _end_ids(folder: Path, end_id: int) -> tuple[int, ...]:
    """`<|im_end|>` and whatever else generation_config.json stops at."""
    path = folder / "generation_config.json"
    stops: Any = JsonFields(path).values.get("eos_token_id") if path.is_file() else None
    stops = stops if isinstance(stops, list) else [] if stops is None else [stops]
    for stop in stops:
        if isinstance(stop, bool) or not isinstance(stop, int):
            raise InputError(f"expected eos_token_id to be an id or ids in {path}, found {stop!r}")
    return (end_id, *(stop for stop in dict.fromkeys(stops) if stop != end_id))
