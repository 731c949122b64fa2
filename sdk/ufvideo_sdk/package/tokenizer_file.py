"""What a package's `tokenizer.json` may hold: Qwen2's byte-level pair encoding, and nothing else.

The tokenizers library obeys whatever the file says: truncation cuts questions to a few tokens,
padding and normalizers make text grow without a bound, dropout gives other ids each time, and a
regular expression can take forever. So components, their settings and the sizes are allow-listed
before the library reads anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from tokenizers.pre_tokenizers import ByteLevel

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.validation.strict_json import FieldError, as_exact_object, inside, shown

# Qwen2's file has 7 to 15 MiB. Parsed JSON takes up to 20 times its text.
MAX_FILE_BYTES = 32 << 20
MAX_TOKENS = 1 << 22
# Of a token, in characters; Qwen2's longest has 128. It bounds the text of an answer.
MAX_TOKEN_LENGTH = 1024
# How Qwen2 cuts text before byte-pair encoding.
QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_ANY_BOOL = (True, False)
_NO_TEXT = (None, "")
# Of a component: its type, then each setting with the values it may have.
_Settings = Mapping[str, tuple[Any, ...]]
_NFC: _Settings = {"type": ("NFC",)}
_SPLIT: _Settings = {
    "type": ("Split",),
    "pattern": ({"Regex": QWEN2_PATTERN},),
    "behavior": ("Isolated",),
    "invert": (False,),
}
_BYTES_OF_WORDS: _Settings = {
    "type": ("ByteLevel",),
    "add_prefix_space": (False,),
    "trim_offsets": _ANY_BOOL,
    "use_regex": (False,),
}
# Behind the encoding, and in a decoder, these settings change no id and no text.
_BYTES: _Settings = {
    "type": ("ByteLevel",),
    "add_prefix_space": _ANY_BOOL,
    "trim_offsets": _ANY_BOOL,
    "use_regex": _ANY_BOOL,
}
_BPE: _Settings = {
    "type": ("BPE",),
    "dropout": (None,),
    "unk_token": (None,),
    "continuing_subword_prefix": _NO_TEXT,
    "end_of_word_suffix": _NO_TEXT,
    "fuse_unk": (False,),
    "byte_fallback": (False,),
    "ignore_merges": (False,),
}
_ADDED_TOKEN: _Settings = {
    "single_word": (False,),
    "lstrip": (False,),
    "rstrip": (False,),
    "normalized": (False,),
}
_TOP = (
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
)


@contextmanager
def tokenizer_errors(make: Callable[[str], UFVideoError]) -> Iterator[None]:
    """Turn every error of the tokenizers library into one of ours.

    The library raises plain Exception, and where its Rust code panics a PanicException, which is a
    BaseException: `except Exception` misses it.

    Args:
        make: Makes the error from the library's message.
    """
    try:
        yield
    except UFVideoError:
        raise
    except BaseException as error:
        is_panic = type(error).__module__ == "pyo3_runtime"
        if not is_panic and not isinstance(error, Exception):
            raise
        raise make(str(error)) from None


def check_tokenizer_json(content: bytes) -> dict[str, int]:
    """Check the bytes of a `tokenizer.json` before the tokenizers library reads them.

    Args:
        content: The whole file.

    Returns:
        The id of each added token.

    Raises:
        FieldError: With the path of the first key that is not as the exporter writes it, what was
            expected there and what was found.
    """
    check_tokenizer_size(len(content))
    try:
        values = json.loads(content.decode("utf-8"), object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise FieldError("", f"expected a tokenizer as JSON, reading failed: {error}") from None
    top = as_exact_object(values, _TOP)
    _only("version", top["version"], ("1.0",))
    for key in ("truncation", "padding"):
        _only(key, top[key], (None,))
    if top["normalizer"] is not None:
        _component("normalizer", top["normalizer"], _NFC)
    _check_pre_tokenizer(top["pre_tokenizer"])
    if top["post_processor"] is not None:
        _component("post_processor", top["post_processor"], _BYTES)
    _component("decoder", top["decoder"], _BYTES)
    with inside("model"):
        vocabulary = _check_model(top["model"])
    with inside("added_tokens"):
        return _check_added_tokens(top["added_tokens"], vocabulary)


def check_tokenizer_size(num_bytes: int) -> None:
    """Refuse a file too large to be read.

    Raises:
        FieldError: With both sizes.
    """
    if num_bytes > MAX_FILE_BYTES:
        raise FieldError("", f"expected at most {MAX_FILE_BYTES} bytes, got {num_bytes}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; Rust's reader and Python's might choose another one of two equal keys."""
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {shown(key)} is there twice")
            seen.add(key)
    return values


def _only(key: str, value: object, allowed: tuple[Any, ...]) -> None:
    """Refuse a value that is none of `allowed`; false is not 0."""
    if not any(value == each and type(value) is type(each) for each in allowed):
        texts = (
            "Qwen2's pattern" if isinstance(each, dict) else json.dumps(each) for each in allowed
        )
        raise FieldError(key, f"expected {' or '.join(texts)}, got {shown(value)}")


def _component(key: str, value: object, settings: _Settings) -> None:
    with inside(key):
        if isinstance(value, dict):
            # Before the keys, which are other ones for another type.
            _only("type", value.get("type"), settings["type"])
        fields = as_exact_object(value, tuple(settings))
        for name, allowed in settings.items():
            _only(name, fields[name], allowed)


def _check_pre_tokenizer(value: object) -> None:
    with inside("pre_tokenizer"):
        if isinstance(value, dict):
            _only("type", value.get("type"), ("Sequence",))
        fields = as_exact_object(value, ("type", "pretokenizers"))
        parts = fields["pretokenizers"]
        if not isinstance(parts, list) or len(parts) != 2:
            _refuse("pretokenizers", "a list of Split and ByteLevel", parts)
        _component("pretokenizers[0]", parts[0], _SPLIT)
        _component("pretokenizers[1]", parts[1], _BYTES_OF_WORDS)


def _check_model(value: object) -> Mapping[str, int]:
    if isinstance(value, dict):
        _only("type", value.get("type"), ("BPE",))
    fields = as_exact_object(value, (*_BPE, "vocab", "merges"))
    for name, allowed in _BPE.items():
        _only(name, fields[name], allowed)
    vocabulary, merges = fields["vocab"], fields["merges"]
    if not isinstance(vocabulary, dict) or len(vocabulary) > MAX_TOKENS:
        _refuse("vocab", f"an object of at most {MAX_TOKENS} tokens", vocabulary)
    for token, token_id in vocabulary.items():
        _check_token("vocab", token, token_id)
    if len(set(vocabulary.values())) != len(vocabulary):
        raise FieldError("vocab", "expected one token for each id, got two with the same one")
    missing = sorted(set(ByteLevel.alphabet()) - vocabulary.keys())
    if missing:
        # The library drops such bytes of a text without a word.
        raise FieldError(
            "vocab", f"expected a token for each of 256 bytes, got none for {shown(missing[0])}"
        )
    if not isinstance(merges, list) or len(merges) > MAX_TOKENS:
        _refuse("merges", f"a list of at most {MAX_TOKENS} pairs", merges)
    return vocabulary


def _check_added_tokens(value: object, vocabulary: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(value, list) or len(value) > MAX_TOKENS:
        _refuse("", f"a list of at most {MAX_TOKENS} tokens", value)
    contents: dict[int, str] = {}
    taken = {token_id: token for token, token_id in vocabulary.items()} if value else {}
    for index, token in enumerate(value):
        with inside(f"[{index}]"):
            fields = as_exact_object(token, ("id", "content", "special", *_ADDED_TOKEN))
            content, token_id = fields["content"], fields["id"]
            _check_token("content", content, token_id)
            for name, allowed in _ADDED_TOKEN.items():
                _only(name, fields[name], allowed)
            if fields["special"] is not True:
                raise FieldError(
                    "special",
                    f"expected every added token to be special, {shown(content)} at {token_id} is"
                    " not",
                )
            other = contents.setdefault(token_id, taken.get(token_id, content))
            if other != content:
                raise FieldError(
                    "id", f"expected an id of its own, got {token_id}, which {shown(other)} has"
                )
    ids = {token["content"]: token["id"] for token in value}
    if len(ids) != len(value):
        raise FieldError("", "expected each token once, got one twice")
    return ids


def _check_token(key: str, token: object, token_id: object) -> None:
    if not isinstance(token, str) or not 1 <= len(token) <= MAX_TOKEN_LENGTH:
        _refuse(key, f"tokens of 1 to {MAX_TOKEN_LENGTH} characters", token)
    if type(token_id) is not int or not 0 <= token_id < MAX_TOKENS:
        _refuse(key, f"ids from 0 to {MAX_TOKENS - 1}", token_id)


def _refuse(key: str, expected: str, value: object) -> NoReturn:
    raise FieldError(key, f"expected {expected}, got {shown(value)}")
