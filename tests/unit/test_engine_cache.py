"""TensorRT's engines on disk: keys, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.built_engines import COMMAND, KEY, visible, write_engines
from ufvideo_sdk.errors import CapacityError, ConfigError, PackageError
from ufvideo_sdk.tensorrt.engine_cache import EngineCache, default_folder
from ufvideo_sdk.tensorrt.engine_metadata import EngineRecord, check_folder


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines", COMMAND)


@pytest.mark.parametrize(
    "change",
    [
        {"manifest_sha256": "cd" * 32},
        {"onnxruntime": "1.32.0"},
        {"tensorrt": "10.14.1"},
        {"device": "NVIDIA H100"},
        {"compute_capability": "9.0"},
        {"stages": {"aligner": {**KEY.stages["aligner"], "trt_fp16_enable": "0"}}},
        {"stages": {"aligner": {"trt_profile_min_shapes": "features:1x4x8"}}},
        {"stages": {"vision_encoder": KEY.stages["aligner"]}},
        {"stages": {}},
    ],
)
def test_every_part_of_the_key_decides(change: dict[str, Any]) -> None:
    other = dataclasses.replace(KEY, **change)
    assert other.digest != KEY.digest
    assert re.fullmatch("[0-9a-f]{64}", other.digest)


def test_the_key_does_not_depend_on_order() -> None:
    options = dict(reversed(KEY.stages["aligner"].items()))
    assert dataclasses.replace(KEY, stages={"aligner": options}).digest == KEY.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"manifest_sha256": "AB" * 32}, "manifest_sha256: expected 64"),
        ({"device": ""}, "device: expected a string"),
        ({"stages": {"aligner": {"trt_fp16_enable": 1}}}, "stages.aligner.trt_fp16_enable"),
    ],
)
def test_a_key_checks_itself(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PackageError, match=re.escape(words)):
        dataclasses.replace(KEY, **change)


def test_what_is_built_is_found(cache: EngineCache) -> None:
    assert cache.find(KEY) is None
    entry = cache.build(KEY, write_engines)
    assert entry == cache.folder / KEY.digest == cache.find(KEY)
    assert (entry / "aligner" / "trt_sm87.engine").read_bytes() == b"engine of aligner"
    record = check_folder(entry, KEY)
    assert [file.path for file in record.files] == [
        "aligner/trt_sm87.engine",
        "aligner/trt_sm87.profile",
        "timing/sm87.timing",
        "vision_encoder/trt_sm87.engine",
        "vision_encoder/trt_sm87.profile",
    ]
    assert EngineRecord.from_json(record.to_json()) == record
    assert cache.find(dataclasses.replace(KEY, device="other")) is None


def test_everything_is_private(cache: EngineCache) -> None:
    old = os.umask(0)
    try:
        private = EngineCache(cache.folder.parent / "more", COMMAND)
        entry = private.build(KEY, write_engines)
    finally:
        os.umask(old)
    assert stat.S_IMODE(private.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o700
    for path in entry.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    for lock in private.folder.glob(".*.lock"):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_it_is_built_once(cache: EngineCache) -> None:
    cache.build(KEY, write_engines)

    def never(folder: Path) -> None:
        raise AssertionError("built again")

    assert cache.build(KEY, never) == cache.folder / KEY.digest


def test_a_build_that_fails_leaves_nothing(cache: EngineCache) -> None:
    def fails(folder: Path) -> None:
        write_engines(folder)
        raise RuntimeError("the GPU is gone")

    with pytest.raises(RuntimeError, match="the GPU is gone"):
        cache.build(KEY, fails)
    assert visible(cache) == []
    entry = cache.build(KEY, write_engines)
    # Nor does one that was to replace another.
    with pytest.raises(RuntimeError):
        cache.build(KEY, fails, replace=True)
    assert cache.find(KEY) == entry


def test_a_build_that_writes_nothing_is_refused(cache: EngineCache) -> None:
    with pytest.raises(PackageError, match="files: expected a list of 1 to 256 items, got a list"):
        cache.build(KEY, lambda folder: None)
    assert visible(cache) == []


def test_a_full_disk_is_a_matter_of_capacity(cache: EngineCache) -> None:
    def fills(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(CapacityError, match=r"expected room for TensorRT engines in .*No space"):
        cache.build(KEY, fills)


Spoil = Callable[[Path], object]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"!")


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[3] ^= 1
    path.write_bytes(raw)


def link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def edit_record(path: Path, *keys: Any, value: Any) -> None:
    record = json.loads(path.read_text())
    *parents, last = keys
    place = record
    for key in parents:
        place = place[key]
    place[last] = value
    path.write_text(json.dumps(record))


ENGINE = "aligner/trt_sm87.engine"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda e: flip(e / ENGINE), f"{ENGINE}: expected SHA-256"),
        (lambda e: append(e / ENGINE), "expected 17 bytes, got 18"),
        (lambda e: (e / ENGINE).write_bytes(b""), "expected 17 bytes, got 0"),
        (lambda e: flip(e / "timing" / "sm87.timing"), "sm87.timing: expected SHA-256"),
        (lambda e: (e / ENGINE).unlink(), f"{ENGINE}: expected what record.json lists, found no"),
        (lambda e: (e / "aligner" / "more.engine").write_bytes(b"x"), "a file that its record"),
        (lambda e: link(e / ENGINE), "expected a file or a folder, got something else"),
        (lambda e: os.mkfifo(e / "pipe"), "expected a file or a folder, got something else"),
        (lambda e: (e / ENGINE).chmod(0o666), "no other user may write it, got mode 666"),
        (lambda e: (e / "aligner").chmod(0o770), "no other user may write it, got mode 770"),
        (lambda e: e.chmod(0o720), "no other user may write it, got mode 720"),
        (lambda e: (e / "record.json").unlink(), "record.json: expected a record, got: No such"),
        (lambda e: (e / "record.json").write_bytes(b"\xff"), "expected JSON in UTF-8"),
        (lambda e: (e / "record.json").write_text("{"), "expected JSON"),
        (lambda e: (e / "record.json").write_bytes(b" " * (1 << 21)), "expected at most"),
        (lambda e: (e / "record.json").write_text("{}"), "record_version: expected this key"),
        (
            lambda e: edit_record(e / "record.json", "record_version", value=2),
            "record_version: expected an integer from 1 to 1, got 2",
        ),
        (
            lambda e: edit_record(e / "record.json", "files", 0, "path", value="../x"),
            'files[0]: path: expected a path without empty parts, "." and ".."',
        ),
        (
            lambda e: edit_record(e / "record.json", "key", "device", value="Thor"),
            "expected engines of device Orin, got Thor",
        ),
        (
            lambda e: edit_record(e / "record.json", "key", "stages", "aligner", value=3),
            "key.stages",
        ),
    ],
)
def test_what_its_builder_did_not_write_is_refused(
    cache: EngineCache, spoil: Spoil, words: str
) -> None:
    entry = cache.build(KEY, write_engines)
    spoil(entry)
    for refused in (lambda: cache.find(KEY), lambda: cache.build(KEY, write_engines)):
        with pytest.raises(PackageError) as caught:
            refused()
        assert words in str(caught.value)
        assert "nothing of them was loaded" in str(caught.value)
        assert f"build them again: {COMMAND}" in str(caught.value)
    # That command does.
    assert cache.build(KEY, write_engines, replace=True) == entry == cache.find(KEY)
    assert visible(cache) == [KEY.digest]


def test_engines_of_other_things_under_this_name_are_refused(cache: EngineCache) -> None:
    other = dataclasses.replace(KEY, tensorrt="10.14.1")
    cache.build(other, write_engines).rename(cache.folder / KEY.digest)
    with pytest.raises(PackageError, match=r"engines of tensorrt 10\.13\.0, got 10\.14\.1"):
        cache.find(KEY)


def test_a_link_in_place_of_an_entry_is_refused(cache: EngineCache, tmp_path: Path) -> None:
    cache.build(KEY, write_engines).rename(tmp_path / "moved")
    (cache.folder / KEY.digest).symlink_to(tmp_path / "moved")
    with pytest.raises(PackageError, match="expected a folder, got something else"):
        cache.find(KEY)
    cache.build(KEY, write_engines, replace=True)
    assert (tmp_path / "moved").is_dir()
    assert cache.find(KEY) is not None


def test_another_users_files_are_refused(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.build(KEY, write_engines)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(PackageError, match=f"a file of user {mine + 1}, got {mine}'s"):
        cache.find(KEY)
    with pytest.raises(ConfigError, match=rf"engine_cache: .* got {mine}'s; engines are run as"):
        EngineCache(cache.folder, COMMAND)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(ConfigError, match=f"engine_cache: .*mode {mode:o}; .*chmod 700"):
        EngineCache(tmp_path, COMMAND)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="engine_cache: expected a folder that can be made"):
        EngineCache(tmp_path / "file", COMMAND)
    with pytest.raises(ConfigError, match="Not a directory"):
        EngineCache(tmp_path / "file" / "below", COMMAND)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(ConfigError, match="expected a folder, got something else"):
        EngineCache(tmp_path / "link", COMMAND)


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "ufvideo" / "tensorrt"
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert default_folder() == Path.home() / ".cache" / "ufvideo" / "tensorrt"
