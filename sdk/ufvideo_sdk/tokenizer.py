"""Text to token ids and back. What a user types never becomes a special token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer  # type: ignore[import-untyped]

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.manifest import TokenFacts
from ufvideo_sdk.token_check import check_token_ids

# What an incomplete UTF-8 sequence decodes to.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class TextTokenizer:
    """The package's tokenizer, shared by all sessions and threads."""

    def __init__(self, path: Path, facts: TokenFacts) -> None:
        """Open a `tokenizer.json` and compare it with the manifest.

        Raises:
            PackageError: When it cannot be read, an added token is not special, or a token of the
                manifest is not among them.
        """
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        # The tokenizers library raises plain Exception.
        except Exception as error:
            raise PackageError(f"{path}: expected a tokenizer, reading failed: {error}") from None
        added = self._tokenizer.get_added_tokens_decoder()
        for token_id, token in added.items():
            if not token.special:
                raise PackageError(
                    f"{path}: expected every added token to be special, {token.content!r}"
                    f" ({token_id}) is not"
                )
        self._special_ids = {token.content: token_id for token_id, token in added.items()}
        check_token_ids(path, facts, {token_id: token.content for token_id, token in added.items()})
        # Special tokens in a text are from now on encoded like any other characters.
        self._tokenizer.encode_special_tokens = True
        longest_first = sorted(self._special_ids, key=len, reverse=True)
        self._special_pattern = re.compile("|".join(re.escape(name) for name in longest_first))

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text; `[SEG]` or `<|im_end|>` in it are characters like others."""
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
        """Text of token ids, special tokens spelled out."""
        text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text


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
