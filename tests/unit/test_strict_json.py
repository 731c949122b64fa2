"""JSON that is hostile wherever it stands: endless numbers, and keys that cannot be printed."""

from __future__ import annotations

import pytest

from ufvideo_sdk.validation.strict_json import (
    FieldError,
    as_exact_object,
    as_object,
    parse_json,
    shown_key,
)


@pytest.mark.parametrize("digits", [401, 5000, 100_000])
def test_endless_integers_are_refused_in_our_words(digits: int) -> None:
    with pytest.raises(FieldError, match=f"expected JSON, .*a number of {digits} digits$"):
        parse_json("[" + "9" * digits + "]")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("\ud800", r"\ud800"),
        ("\x1b[2J", r"\u001b[2J"),
        ("a\nb", r"a\nb"),
        ("x" * 5000, "x" * 77 + "..."),
        ("häufig 2", "häufig 2"),
    ],
)
def test_keys_of_a_file_can_be_printed(key: str, text: str) -> None:
    """A terminal takes some characters for commands, and others cannot be written at all."""
    assert shown_key(key) == text
    with pytest.raises(FieldError) as unknown:
        as_exact_object({key: 1}, ("model",))
    assert str(unknown.value) == f"{text}: unknown key, expected model"
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    repeated = parse_json(f'{{"{escaped}": 1, "{escaped}": 2}}')
    with pytest.raises(FieldError) as twice:
        as_object(repeated)
    assert str(twice.value) == f"{text}: expected once, got it more than once"
