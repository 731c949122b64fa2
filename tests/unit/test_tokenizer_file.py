"""Which tokenizer.json a package may have; the tokenizers library would obey every other one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.small_words import FACTS, small_tokenizer, write_tokenizer
from ufvideo_sdk.cli import app
from ufvideo_sdk.errors import InputError, PackageError
from ufvideo_sdk.package import tokenizer_file
from ufvideo_sdk.package.tokenizer_file import check_tokenizer_json, tokenizer_errors
from ufvideo_sdk.text.tokenizer import MAX_TEXT_LENGTH, TextTokenizer

Values = dict[str, Any]
Change = Callable[[Values], Any]
TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"

TRUNCATION = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
PADDING = {
    "strategy": {"Fixed": 64},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "!",
}
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "b" * 100_000}
TEMPLATE = {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}


def put(*path: str | int, value: Any) -> Change:
    def change(values: Values) -> None:
        target: Any = values
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


def drop_byte(values: Values) -> None:
    del values["model"]["vocab"]["?"]


def add_token(**changes: Any) -> Change:
    def change(values: Values) -> None:
        token = {**values["added_tokens"][-1], "id": 626, "content": "<more>", **changes}
        values["added_tokens"].append(token)

    return change


SPLIT = ("pre_tokenizer", "pretokenizers", 0)
CASES: dict[str, tuple[Change, str]] = {
    "truncation": (put("truncation", value=TRUNCATION), "truncation: expected null"),
    # These two panic in the library.
    "stride": (put("truncation", value=TRUNCATION | {"stride": 9}), "truncation: expected null"),
    "prefix": (
        put("model", "continuing_subword_prefix", value="##"),
        'model.continuing_subword_prefix: expected null or "", got "##"',
    ),
    "padding": (put("padding", value=PADDING), "padding: expected null, got an object"),
    "version": (put("version", value="2.0"), 'version: expected "1.0"'),
    "unknown": (put("chat", value=1), "chat: unknown key"),
    "lowercase": (
        put("normalizer", value={"type": "Lowercase"}),
        'normalizer.type: expected "NFC", got "Lowercase"',
    ),
    "growth": (put("normalizer", value=REPLACE), 'normalizer.type: expected "NFC", got "Replace"'),
    "charsmap": (
        put("normalizer", value={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        "normalizer.type",
    ),
    "sequence": (
        put("normalizer", value={"type": "Sequence", "normalizers": [{"type": "NFC"}]}),
        "normalizer.type",
    ),
    "pattern": (put(*SPLIT, "pattern", value={"Regex": "(a+)+$"}), "expected Qwen2's pattern"),
    "behavior": (put(*SPLIT, "behavior", value="Removed"), 'behavior: expected "Isolated"'),
    "inverted": (put(*SPLIT, "invert", value=True), "invert: expected false"),
    "zero": (put(*SPLIT, "invert", value=0), "invert: expected false, got 0"),
    "space": (
        put("pre_tokenizer", "pretokenizers", 1, "add_prefix_space", value=True),
        "pre_tokenizer.pretokenizers[1].add_prefix_space: expected false",
    ),
    "no_pieces": (
        put("pre_tokenizer", "pretokenizers", value=[]),
        "pre_tokenizer.pretokenizers: expected a list of Split and ByteLevel",
    ),
    "whitespace": (put("pre_tokenizer", value={"type": "Whitespace"}), "pre_tokenizer.type"),
    "template": (put("post_processor", value=TEMPLATE), "post_processor.type"),
    "decoder": (
        put("decoder", value={"type": "Replace", "pattern": {"String": "a"}, "content": "b"}),
        'decoder.type: expected "ByteLevel"',
    ),
    "no_decoder": (put("decoder", value=None), "decoder"),
    "unigram": (put("model", "type", value="Unigram"), 'model.type: expected "BPE"'),
    "dropout": (put("model", "dropout", value=0.5), "model.dropout: expected null, got 0.5"),
    "unknown_token": (put("model", "unk_token", value="a"), "model.unk_token"),
    "fallback": (put("model", "byte_fallback", value=True), "model.byte_fallback"),
    "ignore_merges": (put("model", "ignore_merges", value=True), "model.ignore_merges"),
    "vocab": (put("model", "vocab", value=[]), "model.vocab: expected an object"),
    "byte": (drop_byte, 'model.vocab: expected a token for each of 256 bytes, got none for "?"'),
    "large_id": (put("model", "vocab", "zz", value=2**32 - 1), "model.vocab: expected ids from 0"),
    "float_id": (put("model", "vocab", "zz", value=7.0), "model.vocab: expected ids from 0"),
    "same_id": (put("model", "vocab", "zz", value=0), "two with the same one"),
    "long_token": (
        put("model", "vocab", "z" * 1025, value=521),
        "model.vocab: expected tokens of 1 to 1024 characters",
    ),
    "merges": (put("model", "merges", value={}), "model.merges: expected a list"),
    "broken_merge": (put("model", "merges", 0, value=["a", "nowhere"]), "reading failed"),
    "no_added": (put("added_tokens", value={}), "added_tokens: expected a list"),
    "plain": (put("added_tokens", 3, "special", value=False), "every added token to be special"),
    "strip": (put("added_tokens", 0, "lstrip", value=True), "added_tokens[0].lstrip"),
    "normalized": (put("added_tokens", 0, "normalized", value=True), "added_tokens[0].normalized"),
    "long_added": (add_token(content="x" * 1025), "added_tokens[105].content"),
    "added_over_added": (add_token(id=625), "added_tokens[105].id: expected an id of its own"),
    "added_over_vocab": (add_token(id=3), "added_tokens[105].id: expected an id of its own"),
    "added_twice": (add_token(content="[SEG]"), "added_tokens: expected each token once"),
    "gap": (add_token(id=700), "expected the added token '<more>' at the id 700"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tokenizer(tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(path: Path, case: str) -> None:
    change, words = CASES[case]
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(PackageError, match=re.escape(words)) as caught:
        TextTokenizer(path, FACTS)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "reading failed"),
        ("[" * 100_000, "reading failed"),
        ("[]", "expected an object"),
        ('{"version": "1.0", "version": "1.0"}', 'the key "version" is there twice'),
        ('{"version": ' + "9" * 5000 + "}", "reading failed"),
    ],
)
def test_no_tokenizer(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(PackageError, match=re.escape(words)):
        TextTokenizer(path, FACTS)


def test_bytes_that_are_no_utf_8(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"NFC"', b'"N\xffC"'))
    with pytest.raises(PackageError, match="reading failed"):
        TextTokenizer(path, FACTS)


def test_a_large_file_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PackageError, match=f"expected at most {32 << 20} bytes, got {1 << 40}"):
        TextTokenizer(path, FACTS)


def test_a_pipe_is_not_read(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(PackageError, match="found no plain file"):
        TextTokenizer(path, FACTS)


@pytest.mark.parametrize(
    "change", [put("normalizer", value=None), put("post_processor", value=None)]
)
def test_what_may_be_absent(path: Path, change: Change) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    assert TextTokenizer(path, FACTS).encode_text("What?")


@pytest.mark.parametrize("package", [TINY, Path(tokenizer_file.__file__).parents[1] / "nano"])
def test_tokenizers_that_the_exporter_wrote(package: Path) -> None:
    ids = check_tokenizer_json((package / "tokenizer.json").read_bytes())
    assert len(ids) == 105


def panicking() -> None:
    """Let the library panic: it truncates to less than its stride."""
    from tokenizers import Tokenizer

    values = json.loads((TINY / "tokenizer.json").read_text())
    values["truncation"] = TRUNCATION | {"stride": 9}
    Tokenizer.from_str(json.dumps(values)).encode("What happens to the red circle?")


def test_a_panic_of_the_library_is_no_exception() -> None:
    """So that the next test tests something."""
    with pytest.raises(BaseException, match="stride") as caught:
        panicking()
    assert not isinstance(caught.value, Exception)


def test_a_panic_becomes_an_error_of_ours() -> None:
    with (
        pytest.raises(PackageError, match=r"it failed: `stride` must be"),
        tokenizer_errors(lambda why: PackageError(f"it failed: {why}")),
    ):
        panicking()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_other_base_exceptions_pass(error: type[BaseException]) -> None:
    with pytest.raises(error), tokenizer_errors(PackageError):
        raise error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\ud800b", "expected a text with token ids"),
        ("a" * (MAX_TEXT_LENGTH + 1), f"at most {MAX_TEXT_LENGTH} characters, got"),
    ],
)
def test_texts_that_have_no_ids(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        small_tokenizer(tmp_path).encode_text(text)


class Panicking:
    """Stands for the library where its Rust code panics."""

    def encode(self, *_: Any, **__: Any) -> Any:
        panicking()

    decode = encode


def test_a_panic_while_a_question_is_asked(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path)
    tokenizer._tokenizer = Panicking()
    with pytest.raises(InputError, match="stride"):
        tokenizer.encode_text("What happens?")
    with pytest.raises(PackageError, match=r"tokenizer\.json: .*decoding failed: .*stride"):
        tokenizer.decode([1])


def test_verify_refuses_a_package_that_truncates(tmp_path: Path) -> None:
    """With digests repaired: only the tokenizer's check can see it."""
    package = Path(shutil.copytree(TINY, tmp_path / "package"))
    values = json.loads((package / "tokenizer.json").read_text())
    content = json.dumps(values | {"truncation": TRUNCATION}).encode()
    (package / "tokenizer.json").write_bytes(content)
    manifest = json.loads((package / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["path"] == "tokenizer.json":
            entry.update(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    (package / "manifest.json").write_text(json.dumps(manifest))
    for command in (["verify", str(package)], ["tokens", "What?", "--package", str(package)]):
        result = CliRunner().invoke(app, command, prog_name="ufvideo")
        assert result.exit_code == 4, result.output
        assert "truncation: expected null" in " ".join(result.output.split())
