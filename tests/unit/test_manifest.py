"""The manifest reader against the corpus that the C++ reader is tested with too."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ufvideo_sdk import _native
from ufvideo_sdk.errors import PackageError, PackageVersionError
from ufvideo_sdk.package.manifest import (
    STAGE_STEMS,
    FileEntry,
    Manifest,
    read_manifest,
)

CORPUS = Path(__file__).parents[1] / "data" / "manifests"
EXPECTED: dict[str, dict[str, str]] = json.loads((CORPUS / "invalid" / "expected.json").read_text())
ERRORS = {"InvalidPackage": PackageError, "UnsupportedPackage": PackageVersionError}


def test_every_invalid_file_is_expected() -> None:
    files = {path.name for path in (CORPUS / "invalid").glob("*.json")} - {"expected.json"}
    assert files == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_invalid_manifest_is_refused_by_name(name: str) -> None:
    case = EXPECTED[name]
    with pytest.raises(PackageError) as caught:
        read_manifest(CORPUS / "invalid" / name)
    assert type(caught.value) is ERRORS[case["error"]]
    message = str(caught.value)
    prefix = str(CORPUS / "invalid" / name)
    assert message.startswith(prefix)
    assert case["contains"] in message[len(prefix) :]


@pytest.mark.parametrize("path", sorted((CORPUS / "valid").glob("*.json")), ids=lambda p: p.name)
def test_written_manifest_equals_the_read_one(path: Path) -> None:
    manifest = read_manifest(path)
    assert json.loads(manifest.to_json()) == json.loads(path.read_text())
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.to_json().endswith("}\n")


def test_fields_are_read() -> None:
    manifest = read_manifest(CORPUS / "valid" / "small.json")
    assert manifest.model.hidden_size == 64
    assert manifest.tokens.end_ids == (521,)
    assert tuple(manifest.stages) == STAGE_STEMS
    assert manifest.stages["vision_encoder"].inputs[0].shape == ("T", 56, 56, 3)
    assert manifest.stages["vision_encoder"].weights is None


def test_a_manifest_made_in_code_checks_itself() -> None:
    manifest = read_manifest(CORPUS / "valid" / "small.json")
    with pytest.raises(PackageError, match=r"hidden_size: .*got 0"):
        dataclasses.replace(manifest.model, hidden_size=0)
    with pytest.raises(PackageError, match=r"stages.mask_decoder"):
        stages = {k: v for k, v in manifest.stages.items() if k != "mask_decoder"}
        dataclasses.replace(manifest, stages=stages)
    with pytest.raises(PackageError, match="path"):
        FileEntry("../x", 1, "0" * 64)


def test_duplicate_keys_name_their_full_path() -> None:
    text = (CORPUS / "invalid" / "duplicate_model.json").read_text()
    with pytest.raises(PackageError, match=r"model\.hidden_size: expected this key once"):
        Manifest.from_json(text)


def test_lone_surrogates_and_endless_numbers_are_refused() -> None:
    text = (CORPUS / "valid" / "small.json").read_text()
    with pytest.raises(PackageError, match=r"model\.name"):
        Manifest.from_json(text.replace('"name": "small"', '"name": "\\ud800"'))
    with pytest.raises(PackageError, match="JSON"):
        Manifest.from_json(text.replace('"num_frames": 8', '"num_frames": ' + "9" * 5000))
    with pytest.raises(PackageError, match="tolerance_abs"):
        Manifest.from_json(text.replace('"tolerance_abs": 0.001', '"tolerance_abs": 1e999', 1))


@pytest.mark.parametrize("end", ['"end_ids": [', '"video_placeholder_id"', '"video_plac', "-2"])
def test_a_text_that_is_cut_off_names_where_it_ends(end: str) -> None:
    """Not the key that was read last: what is missing stands behind it."""
    text = (CORPUS / "valid" / "small.json").read_text()
    text = text[: text.index(end) + len(end)]
    line = text.count("\n") + 1
    expected = f"expected JSON, got a text that is cut off: it ends in line {line} behind byte"
    with pytest.raises(PackageError, match=f"^{expected} {len(text)}$"):
        Manifest.from_json(text)


def test_a_text_that_only_the_native_reader_takes_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_native, "Manifest", lambda *_: None)
    with pytest.raises(PackageError, match=r"^there\.json: expected JSON, got: Extra data"):
        Manifest.from_json("{}{}", "there.json")


def test_file_that_is_missing_or_too_big(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b" " * (_native.MAX_MANIFEST_BYTES + 1))
    with pytest.raises(PackageError, match="at most 1048576 bytes"):
        read_manifest(tmp_path)
