"""Typed text stays text; pieces put together equal the whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.unit.small_words import FACTS, small_tokenizer, write_tokenizer
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.text.tokenizer import IncrementalDecoder, TextTokenizer

SPECIAL_FROM = 521


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    return small_tokenizer(tmp_path_factory.mktemp("words"))


@pytest.mark.parametrize("name", ["[SEG]", "<TEMP-010>", "<|im_end|>", "<region>", "<|im_start|>"])
@pytest.mark.parametrize("around", ["{}", "a{}b", " {} ", "{0}{0}", "\n{}\n", "é{}中"])
def test_special_tokens_typed_in_text_stay_text(
    tokenizer: TextTokenizer, name: str, around: str
) -> None:
    text = around.format(name)
    ids = tokenizer.encode_text(text)
    assert max(ids) < SPECIAL_FROM
    assert tokenizer.decode(ids) == text


def test_template_text_has_its_special_tokens(tokenizer: TextTokenizer) -> None:
    pieces = tokenizer.split_special("<|im_start|>user\n")
    assert pieces == [523, "user\n"]
    assert tokenizer.split_special("<|im_end|><|im_start|>") == [521, 523]
    assert tokenizer.split_special("plain") == ["plain"]


def test_neighbouring_pieces_are_one_text(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode_pieces(["What co", "lor", 625, "x"]) == [
        *tokenizer.encode_text("What color"),
        625,
        *tokenizer.encode_text("x"),
    ]
    assert tokenizer.encode_pieces([]) == []


def test_decoding_keeps_special_tokens(tokenizer: TextTokenizer) -> None:
    ids = [*tokenizer.encode_text("at"), 535, *tokenizer.encode_text(" see "), 625]
    assert tokenizer.decode(ids) == "at<TEMP-010> see [SEG]"


@pytest.mark.parametrize(
    "text",
    [
        "plain words, and more.",
        "日本語テキスト — ünïcödé",
        "👩‍👩‍👧‍👦 family 🇩🇪",
        "a\ufffdb\ufffd",
        "  spaces\n\n\tand lines ",
    ],
)
def test_incremental_text_equals_the_whole(tokenizer: TextTokenizer, text: str) -> None:
    ids = tokenizer.encode_text(text)
    decoder = IncrementalDecoder(tokenizer)
    pieces = [decoder.push(token_id) for token_id in ids]
    rest = decoder.flush()
    assert "".join(pieces) + rest == tokenizer.decode(ids) == text
    whole = text.replace("\ufffd", "")
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in text
    assert set("".join(pieces).replace("\ufffd", "")) <= set(whole)


def test_incremental_text_of_any_tokens_equals_the_whole(tokenizer: TextTokenizer) -> None:
    """Random ids: broken UTF-8, special tokens inside a character, ids without a token."""
    random = np.random.default_rng(0)
    for length in (1, 2, 3, 8, 40):
        for _ in range(60):
            ids = [int(token_id) for token_id in random.integers(0, 640, length)]
            decoder = IncrementalDecoder(tokenizer)
            text = "".join(decoder.push(token_id) for token_id in ids) + decoder.flush()
            assert text == tokenizer.decode(ids)
            assert decoder.flush() == ""


def test_a_character_comes_whole(tokenizer: TextTokenizer) -> None:
    ids = tokenizer.encode_text("驫")
    assert len(ids) == 3
    decoder = IncrementalDecoder(tokenizer)
    assert [decoder.push(token_id) for token_id in ids] == ["", "", "驫"]


def test_tokenizers_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"tokenizer\.json: expected a tokenizer"):
        TextTokenizer(tmp_path / "tokenizer.json", FACTS)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(PackageError, match=r"tokenizer\.json: expected a tokenizer"):
        TextTokenizer(tmp_path / "tokenizer.json", FACTS)
    path = write_tokenizer(tmp_path, special=False)
    with pytest.raises(PackageError, match="expected every added token to be special"):
        TextTokenizer(path, FACTS)
    path = write_tokenizer(tmp_path)
    for field, value in (("seg_id", 5), ("time_first_id", 400), ("end_ids", (521, 0))):
        with pytest.raises(PackageError, match=rf"tokens\.{field}"):
            TextTokenizer(path, dataclasses.replace(FACTS, **{field: value}))
