"""The text of an answer up to a stop string, whatever its tokens are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.small_words import FACTS, small_tokenizer
from ufvideo_sdk import StreamAction
from ufvideo_sdk.text.stop_strings import AnswerText, token_callback
from ufvideo_sdk.text.tokenizer import TextTokenizer

END_ID = FACTS.end_ids[0]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    return small_tokenizer(tmp_path_factory.mktemp("words"))


def as_bytes(tokenizer: TextTokenizer, text: str) -> list[int]:
    """A token for each byte: the finest way a byte-level vocabulary spells a text."""
    by_byte = {
        spelled: i
        for i, spelled in enumerate(tokenizer._tokenizer.id_to_token(k) or "" for k in range(256))
    }
    byte_level = tokenizer._tokenizer.pre_tokenizer
    pieces = byte_level.pre_tokenize_str(text)
    return [by_byte[char] for piece, _ in pieces for char in piece]


def streamed(
    tokenizer: TextTokenizer, ids: Sequence[int], stops: tuple[str, ...]
) -> tuple[list[str], AnswerText]:
    text = AnswerText(tokenizer, (END_ID,), stops)
    pieces = []
    for token_id in ids:
        pieces.append(text.push(token_id))
        if text.is_stopped:
            break
    pieces.append(text.flush())
    return pieces, text


def reference(whole: str, stops: tuple[str, ...]) -> str:
    """Letter by letter: cut where the first stop string is complete, before the longest there."""
    for end in range(1, len(whole) + 1):
        complete = [stop for stop in stops if whole[:end].endswith(stop)]
        if complete:
            return whole[: end - len(max(complete, key=len))]
    return whole


@pytest.mark.parametrize(
    ("whole", "stops", "left"),
    [
        ("one. two", (".",), "one"),
        ("one. two", ("two", "."), "one"),
        ("one. two", ("three", ". x"), "one. two"),
        ("abcabd", ("abd",), "abc"),
        ("aaab", ("aab",), "a"),
        ("abcd", ("abcd", "c"), "ab"),
        ("abcd", ("bcd", "abcd"), ""),
        ("x", ("x",), ""),
        ("ends with on", ("one",), "ends with on"),
        ("日本語。テキスト", ("。テ",), "日本語"),
        ("👩‍👩‍👧‍👦 family 🇩🇪 flag", ("🇩🇪",), "👩‍👩‍👧‍👦 family "),
    ],
)
@pytest.mark.parametrize("finest", [True, False])
def test_the_text_ends_before_a_stop_string(
    tokenizer: TextTokenizer, whole: str, stops: tuple[str, ...], left: str, finest: bool
) -> None:
    ids = as_bytes(tokenizer, whole) if finest else tokenizer.encode_text(whole)
    assert tokenizer.decode(ids) == whole
    pieces, text = streamed(tokenizer, ids, stops)
    assert "".join(pieces) == text.text == left == reference(whole, stops)
    assert text.is_stopped == (left != whole)
    assert not any("\ufffd" in piece for piece in pieces), "a character was split"


def test_any_text_equals_the_reference_and_no_piece_is_taken_back(tokenizer: TextTokenizer) -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        whole = "".join(random.choice(list("ab.é"), random.integers(1, 14)))
        stops = tuple("".join(random.choice(list("ab.é"), random.integers(1, 4))) for _ in range(2))
        expected = reference(whole, stops)
        for ids in (as_bytes(tokenizer, whole), tokenizer.encode_text(whole)):
            pieces, text = streamed(tokenizer, ids, stops)
            assert "".join(pieces) == text.text == expected, (whole, stops)
            so_far = ""
            for piece in pieces:
                so_far += piece
                assert expected.startswith(so_far)


def test_tokens_that_begin_before_the_stop_string_stay(tokenizer: TextTokenizer) -> None:
    ids = [*as_bytes(tokenizer, "aé"), FACTS.seg_id, *as_bytes(tokenizer, "é!")]
    for stop, kept in (("é!", 4), ("[SEG]", 3), ("SEG]é", 4), ("é[", 1), ("a", 0), ("!", 6)):
        _, text = streamed(tokenizer, ids, (stop,))
        assert text.is_stopped and text.num_tokens == kept, stop
    assert streamed(tokenizer, ids, ())[1].num_tokens == len(ids)


def test_what_is_held_back_comes_at_the_end(tokenizer: TextTokenizer) -> None:
    ids = [*as_bytes(tokenizer, "one"), END_ID]
    pieces, text = streamed(tokenizer, ids, ("ones",))
    assert pieces == ["", "", "", "one", ""]
    assert not text.is_stopped
    assert text.push(5) != "" or text.flush() != ""


def test_after_a_stop_string_nothing_is_added(tokenizer: TextTokenizer) -> None:
    _, text = streamed(tokenizer, tokenizer.encode_text("a.b"), (".",))
    assert (text.push(5), text.flush(), text.text) == ("", "", "a")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, StreamAction.STOP),
        (StreamAction.CONTINUE, StreamAction.STOP),
        (StreamAction.CANCEL, StreamAction.CANCEL),
    ],
)
def test_the_callback_stops_unless_the_callers_cancels(
    tokenizer: TextTokenizer, answer: Any, expected: Any
) -> None:
    events = []

    def on_text(event: Any) -> Any:
        events.append(event)
        return answer

    text = AnswerText(tokenizer, (END_ID,), (".",))
    on_token = token_callback(text, on_text)
    ids = as_bytes(tokenizer, "a.")
    assert on_token(ids[0]) is answer
    assert on_token(ids[1]) is expected
    assert [event.text for event in events] == ["a", ""]
    assert (
        token_callback(AnswerText(tokenizer, (END_ID,), ("a",)), None)(ids[0]) is StreamAction.STOP
    )
