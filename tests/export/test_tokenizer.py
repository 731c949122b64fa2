"""tokenizer.json against the checkpoint's own tokenizer files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
from tokenizers import Tokenizer  # noqa: E402

from ufvideo_export.checkpoint.config import read_model_sizes  # noqa: E402
from ufvideo_export.checkpoint.tokenizer import read_tokenizer  # noqa: E402
from ufvideo_sdk.errors import InputError  # noqa: E402
from ufvideo_sdk.package.manifest import read_manifest  # noqa: E402

pytestmark = pytest.mark.torch

TEXTS = (
    "Hello world",
    "What's the ball doing at 12345 or 12.5 s? I'LL see, don't.",
    "  two  spaces\n\n new\tline \r\n\r\n end  ",
    "\u00e9 e\u0301 \u6f22\u5b57 \U0001f600\U0001f44d\U0001f3fd \u2028\u00a0",
    "<|im_start|>user\nhi<|im_end|>\n",
    "Sure, [SEG]. {<TEMP-012><TEMP-099>} object_1: [<region>]",
    "",
)


def test_ids_are_those_of_the_slow_tokenizer(small_package: Path, small_checkpoint: Path) -> None:
    transformers = pytest.importorskip("transformers")
    ours = Tokenizer.from_file(str(small_package / "tokenizer.json"))
    theirs = transformers.AutoTokenizer.from_pretrained(small_checkpoint, use_fast=False)
    for text in TEXTS:
        ids = ours.encode(text, add_special_tokens=False).ids
        assert ids == theirs.encode(text, add_special_tokens=False), text
        if text.isascii():
            assert ours.decode(ids, skip_special_tokens=False) == text


def test_every_added_token_is_special(small_package: Path, small_checkpoint: Path) -> None:
    content = json.loads((small_package / "tokenizer.json").read_text(encoding="utf-8"))
    added = json.loads((small_checkpoint / "added_tokens.json").read_text(encoding="utf-8"))
    assert {token["content"]: token["id"] for token in content["added_tokens"]} == added
    assert all(token["special"] for token in content["added_tokens"])


def test_facts(small_package: Path) -> None:
    tokens = read_manifest(small_package / "manifest.json").tokens
    assert (tokens.end_ids, tokens.region_id, tokens.seg_id) == ((521,), 524, 625)
    assert (tokens.time_first_id, tokens.num_time_tokens) == (525, 100)
    assert (tokens.video_placeholder_id, tokens.image_placeholder_id) == (-201, -200)


def test_chat_template(small_package: Path) -> None:
    template = json.loads((small_package / "chat_template.json").read_text(encoding="utf-8"))
    assert template["turn"] == ["<|im_start|>{role}\n", "{content}", "<|im_end|>\n"]
    assert template["default_system"] == "You are a helpful assistant."


def test_an_existing_tokenizer_json_serves(
    small_package: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    content = json.loads((small_package / "tokenizer.json").read_text(encoding="utf-8"))
    for token in content["added_tokens"]:
        token["special"] = False
    (copy / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    for name in ("vocab.json", "merges.txt"):
        (copy / name).unlink()
    read = read_tokenizer(copy, read_model_sizes(copy))
    read.write(tmp_path / "tokenizer.json")
    written = (tmp_path / "tokenizer.json").read_bytes()
    assert written == (small_package / "tokenizer.json").read_bytes()


def test_stop_tokens_of_the_generation_config(small_checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    path = copy / "generation_config.json"
    for stops, expected in (([521, 522], (521, 522)), (522, (521, 522)), (None, (521,))):
        path.write_text(json.dumps({"eos_token_id": stops}), encoding="utf-8")
        assert read_tokenizer(copy, read_model_sizes(copy)).facts.end_ids == expected
    path.write_text('{"eos_token_id": "end"}', encoding="utf-8")
    with pytest.raises(InputError, match="eos_token_id"):
        read_tokenizer(copy, read_model_sizes(copy))


def test_vocabulary_larger_than_the_table(small_checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    (copy / "config.json").write_text(json.dumps(config | {"vocab_size": 600}), encoding="utf-8")
    with pytest.raises(InputError, match="vocab_size 600"):
        read_tokenizer(copy, read_model_sizes(copy))


TRUNCATION = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}


@pytest.fixture
def fast_only(small_package: Path, small_checkpoint: Path, tmp_path: Path) -> Path:
    """The golden checkpoint with a tokenizer.json in place of vocab.json and merges.txt."""
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    shutil.copy(small_package / "tokenizer.json", copy / "tokenizer.json")
    for name in ("vocab.json", "merges.txt"):
        (copy / name).unlink()
    return copy


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("truncation", TRUNCATION, "truncation: expected null"),
        ("normalizer", {"type": "Lowercase"}, "normalizer.type"),
        ("pre_tokenizer", {"type": "Whitespace"}, "pre_tokenizer.type"),
        # The library panics while it reads this.
        (
            "normalizer",
            {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
            "expected a tokenizer in",
        ),
    ],
)
def test_a_tokenizer_json_that_does_something_else(
    fast_only: Path, key: str, value: object, words: str
) -> None:
    path = fast_only / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=words) as caught:
        read_tokenizer(fast_only, read_model_sizes(fast_only))
    assert str(fast_only) in str(caught.value)


def test_a_tokenizer_json_of_any_size(fast_only: Path) -> None:
    with (fast_only / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="expected at most"):
        read_tokenizer(fast_only, read_model_sizes(fast_only))


@pytest.mark.parametrize(
    ("key", "value"), [("tokenizer_class", "LlamaTokenizer"), ("add_prefix_space", True)]
)
def test_a_tokenizer_config_of_another_class(
    small_checkpoint: Path, tmp_path: Path, key: str, value: object
) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    path = copy / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=key):
        read_tokenizer(copy, read_model_sizes(copy))


def test_added_tokens_that_eat_spaces(small_checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    path = copy / "tokenizer_config.json"
    values = json.loads(path.read_text())
    next(iter(values["added_tokens_decoder"].values()))["lstrip"] = True
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="lstrip of the added token"):
        read_tokenizer(copy, read_model_sizes(copy))


def test_a_vocabulary_without_a_byte(small_checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_checkpoint, tmp_path / "copy"))
    path = copy / "vocab.json"
    vocabulary = json.loads(path.read_text())
    vocabulary["nobody writes this"] = vocabulary.pop("!")
    path.write_text(json.dumps(vocabulary))
    with pytest.raises(InputError, match="a token for each of 256 bytes"):
        read_tokenizer(copy, read_model_sizes(copy))
