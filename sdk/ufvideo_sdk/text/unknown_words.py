"""Words that a small model was never taught: its vocabulary has no token for them."""

from __future__ import annotations

import re

from ufvideo_sdk.text.tokenizer import TextTokenizer

# A single letter tells nothing; a mark as <region> is no word.
_WORD = re.compile(r"(?<![\w<])[^\W\d_]{2,}(?![\w>])")
# Questions with as many unknown words are unlike everything that the model was taught: see
# `is_unlike`.
_UNLIKE_SHARE = 0.25


def unknown_words(tokenizer: TextTokenizer, text: str) -> tuple[str, ...]:
    """Return the words of a text that are no token, in order, each once.

    This tells something of a model whose vocabulary holds whole words only because it was taught
    them, as nano's does. A vocabulary of natural language spells rare words in parts.

    Args:
        tokenizer: Of the package.
        text: A question, an expression or an event.
    """
    words = dict.fromkeys(word[0] for word in _WORD.finditer(text))
    return tuple(word for word in words if not _is_token(tokenizer, word))


def is_unlike(text: str, unknown: tuple[str, ...]) -> bool:
    """Return whether a quarter of a text's words or more are unknown.

    Args:
        text: A question, an expression or an event.
        unknown: Its unknown words, of `unknown_words`.
    """
    words = {word[0] for word in _WORD.finditer(text)}
    return len(unknown) >= max(_UNLIKE_SHARE * len(words), 1)


def _is_token(tokenizer: TextTokenizer, word: str) -> bool:
    """Whether the word is one token, in one case or another.

    With the space before it: without one, parts of words are tokens too.
    """
    forms = dict.fromkeys((word, word.lower(), word.capitalize()))
    return any(len(tokenizer.encode_text(f" {form}")) == 1 for form in forms)
