"""A question in words that nano was never taught is answered, after a line that says so."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from ufvideo_sdk import PackageError, UFVideo, demo_clip
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.text.unknown_words import is_unlike, unknown_words

SAID = "nano does not know these words: "
KNOWN = (
    "Is there a red circle in the video?",
    "What color is the square at the end?",
    "What is the object [<region>] doing at <time>?",
    "the object that moves left",
)
UNKNOWN = (
    "Is the man wearing a hat?",
    "What does the dog eat?",
    "zzz",
    "How do I bake bread?",
    "Does the worker wear a helmet?",
)


@pytest.fixture(scope="module")
def nano() -> UFVideo:
    try:
        return UFVideo.load(shipped_package())
    except PackageError as error:
        pytest.skip(str(error))


def test_words_without_a_token_are_unknown(nano: UFVideo) -> None:
    text = "Is the man WEARING a Hat, a hat or a red Circle?"
    assert unknown_words(nano.tokenizer, text) == ("man", "WEARING", "Hat", "hat")
    assert unknown_words(nano.tokenizer, "3 + 4, <region>!") == ()


@pytest.mark.parametrize("text", KNOWN)
def test_what_nano_was_taught_is_known(nano: UFVideo, text: str) -> None:
    assert not is_unlike(text, unknown_words(nano.tokenizer, text))


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_nano_was_never_taught_is_unlike_it(nano: UFVideo, text: str) -> None:
    assert is_unlike(text, unknown_words(nano.tokenizer, text))


def test_one_unknown_word_of_many_is_no_matter() -> None:
    text = "one two three four five"
    assert not is_unlike(text, ("five",)) and is_unlike(text, ("four", "five"))
    assert not is_unlike("", ())


@pytest.mark.parametrize(
    "command",
    [["ask", "What does the dog eat?"], ["segment", "the brown dog"], ["locate", "a dog barks"]],
)
def test_the_commands_say_it(nano: UFVideo, command: list[str]) -> None:
    name, text = command
    done = CliRunner().invoke(app, [name, str(demo_clip()), text])
    assert done.exit_code == 0, done.output
    assert f"{SAID}{'brown, ' if 'brown' in text else ''}dog" in done.stderr
    assert SAID not in done.stdout


def test_nothing_is_said_of_known_words_and_of_other_packages(nano: UFVideo) -> None:
    clip = str(demo_clip())
    done = CliRunner().invoke(app, ["ask", clip, KNOWN[0]])
    assert done.exit_code == 0 and SAID not in done.stderr
    named = ["ask", clip, UNKNOWN[0], "--package", str(nano.package), "--json"]
    done = CliRunner().invoke(app, named)
    assert done.exit_code == 0 and SAID not in done.stderr
