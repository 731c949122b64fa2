"""Text to token ids and back. What a user types never becomes a special token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ufvideo_sdk.errors import InputError, PackageError
from ufvideo_sdk.package.manifest import TokenConfig
from ufvideo_sdk.package.token_check import check_token_ids
from ufvideo_sdk.package.tokenizer_file import (
    check_tokenizer_json,
    check_tokenizer_size,
    tokenizer_errors,
)
from ufvideo_sdk.validation.strict_json import FieldError

# Of one text, in characters: what a context of 131072 tokens holds. At worst (emoji that the
# vocabulary spells in bytes) it takes 4 s and 400 MiB to encode.
MAX_TEXT_LENGTH = 1 << 19

# What an incomplete UTF-8 sequence decodes to.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class TextTokenizer:
    """The package's tokenizer, shared by all sessions and threads."""

    def __init__(self, path: Path, tokens: TokenConfig) -> None:
        """Open a `tokenizer.json` and compare it with the manifest.

        Raises:
            PackageError: When it cannot be read, holds another component or setting than
                `check_tokenizer_json` allows, or a token of the manifest is not among its added
                tokens.
        """
        self._path = path
        content, placed = _read(path)
        with tokenizer_errors(self._failed("reading")):
            self._tokenizer = Tokenizer.from_buffer(content)
            added = self._tokenizer.get_added_tokens_decoder()
        _check_placed(path, placed, added)
        self._special_ids = {token.content: token_id for token_id, token in added.items()}
        names = {token_id: token.content for token_id, token in added.items()}
        check_token_ids(path, tokens, names)
        # Special tokens in a text are from now on encoded like any other characters.
        self._tokenizer.encode_special_tokens = True
        longest_first = sorted(self._special_ids, key=len, reverse=True)
        self._special_pattern = re.compile("|".join(re.escape(name) for name in longest_first))

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text; `[SEG]` or `<|im_end|>` in it are characters like others.

        Raises:
            InputError: When the text is longer than MAX_TEXT_LENGTH or no Unicode text.
        """
        if len(text) > MAX_TEXT_LENGTH:
            raise InputError(
                f"expected a text of at most {MAX_TEXT_LENGTH} characters, got {len(text)}"
            )
        with tokenizer_errors(lambda why: InputError(f"expected a text with token ids: {why}")):
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def split_special(self, text: str) -> list[str | int]:
        """Cut a template's own text into plain pieces and the ids of its special tokens."""
        pieces: list[str | int] = []
        end = 0
        for found in self._special_pattern.finditer(text):
            pieces += [text[end : found.start()], self._special_ids[found[0]]]
            end = found.end()
        pieces.append(text[end:])
        return [piece for piece in pieces if piece != ""]

    def encode_pieces(self, pieces: Iterable[str | int]) -> list[int]:
        """Token ids of plain pieces and ids; neighbouring plain pieces are one text."""
        ids: list[int] = []
        text = ""
        for piece in pieces:
            if isinstance(piece, str):
                text += piece
                continue
            ids += [*(self.encode_text(text) if text else ()), piece]
            text = ""
        return ids + (self.encode_text(text) if text else [])

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids, special tokens spelled out; ids without a token have none.

        Raises:
            PackageError: When the tokenizer cannot decode them.
        """
        with tokenizer_errors(self._failed("decoding")):
            text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text

    def _failed(self, doing: str) -> Callable[[str], PackageError]:
        return lambda why: PackageError(
            f"{self._path}: expected a tokenizer, {doing} failed: {why}"
        )


class IncrementalDecoder:
    """Text of tokens as they come. Pieces put together equal the text decoded as a whole."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        # Tokens from _begin on are decoded with each new one, since what stands before a token may
        # change how it is spelled; those up to _read were handed out already.
        self._begin = 0
        self._read = 0

    def push(self, token_id: int) -> str:
        """Take a token; return the characters it completes, none while one is incomplete."""
        self._ids.append(token_id)
        text = self._tokenizer.decode(self._ids[self._begin :])
        return "" if text.endswith(_REPLACEMENT) else self._hand_out(text)

    def flush(self) -> str:
        """What is left at the end: replacement characters where a character never completed."""
        return self._hand_out(self._tokenizer.decode(self._ids[self._begin :]))

    def _hand_out(self, text: str) -> str:
        given = self._tokenizer.decode(self._ids[self._begin : self._read])
        self._begin, self._read = self._read, len(self._ids)
        return text[len(given) :]


def _read(path: Path) -> tuple[bytes, dict[str, int]]:
    """The content of a `tokenizer.json`, checked, and the ids of its added tokens.

    The library is given these very bytes, so nothing else can be read than was checked.
    """
    try:
        # A pipe has no size and no end.
        if path.exists() and not path.is_file():
            raise PackageError(f"{path}: expected a tokenizer, found no plain file")
        check_tokenizer_size(path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise PackageError(f"{path}: expected a tokenizer, reading failed: {error}") from None
    except FieldError as error:
        raise PackageError(f"{path}: expected a tokenizer, {error}") from None
    try:
        return content, check_tokenizer_json(content)
    except FieldError as error:
        raise PackageError(
            f"{path}: expected a tokenizer as `ufvideo export` writes it, {error}"
        ) from None


def _check_placed(path: Path, written: Mapping[str, int], added: Mapping[int, Any]) -> None:
    """Refuse added tokens that the library moved: it counts on from the vocabulary's size."""
    placed = {token.content: token_id for token_id, token in added.items()}
    for name, token_id in written.items():
        if placed.get(name) != token_id:
            raise PackageError(
                f"{path}: expected the added token {name!r} at the id {token_id}, as the file says,"
                f" the vocabulary leaves {placed.get(name)} for it"
            )
