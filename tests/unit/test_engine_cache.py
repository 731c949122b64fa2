"""TensorRT's engines on disk: keys, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import re
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ufvideo_sdk.errors import CapacityError, ConfigError, PackageError
from ufvideo_sdk.tensorrt import engine_cache
from ufvideo_sdk.tensorrt.engine_cache import EngineCache, default_folder
from ufvideo_sdk.tensorrt.engine_metadata import EngineKey, EngineRecord, check_folder, folder_state

COMMAND = "ufvideo build pkg --force"
KEY = EngineKey(
    manifest_sha256="ab" * 32,
    onnxruntime="1.31.1",
    tensorrt="10.13.0",
    device="Orin",
    compute_capability="8.7",
    stages={"aligner": {"trt_fp16_enable": "1", "trt_profile_min_shapes": "features:2x4x8"}},
)
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines", COMMAND)


def write_engines(folder: Path) -> None:
    for stem in ("aligner", "vision_encoder"):
        (folder / stem).mkdir()
        (folder / stem / "trt_sm87.engine").write_bytes(b"engine of " + stem.encode())
        (folder / stem / "trt_sm87.profile").write_bytes(b"profile")
    (folder / "timing").mkdir()
    (folder / "timing" / "sm87.timing").write_bytes(b"timing")


def visible(cache: EngineCache) -> list[str]:
    return sorted(p.name for p in cache.folder.iterdir() if not p.name.endswith(".lock"))


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
            "files[0].path: expected a relative path",
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


def slowly(folder: Path) -> None:
    time.sleep(0.2)
    write_engines(folder)
    (folder / "builder").write_text(str(os.getpid()))


def build_in_process(folder: Path, replace: bool, results: Any) -> None:
    try:
        entry = EngineCache(folder, COMMAND).build(KEY, slowly, replace=replace)
        results.put((entry / "builder").read_text())
    except BaseException as error:
        results.put(repr(error))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("replace", [False, True])
def test_processes_that_build_at_once(cache: EngineCache, replace: bool) -> None:
    results = FORK.Queue()
    arguments = (cache.folder, replace, results)
    workers = [FORK.Process(target=build_in_process, args=arguments) for _ in range(4)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert set(found) <= {str(worker.pid) for worker in workers}, found
    if not replace:
        assert len(set(found)) == 1
    assert cache.find(KEY) is not None
    assert visible(cache) == [KEY.digest]


def build_and_die(folder: Path) -> None:
    def dies(draft: Path) -> None:
        write_engines(draft)
        os.kill(os.getpid(), signal.SIGKILL)

    EngineCache(folder, COMMAND).build(KEY, dies)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_a_killed_builder_left_is_no_entry_and_is_swept(cache: EngineCache) -> None:
    worker = FORK.Process(target=build_and_die, args=(cache.folder,))
    worker.start()
    worker.join(30)
    assert worker.exitcode == -signal.SIGKILL
    assert len(visible(cache)) == 1
    assert cache.find(KEY) is None
    cache.build(KEY, write_engines)
    assert visible(cache) == [KEY.digest]


def test_an_entry_in_use_is_not_taken_away(cache: EngineCache) -> None:
    entry = cache.build(KEY, write_engines)
    results = FORK.Queue()
    worker = FORK.Process(target=build_in_process, args=(cache.folder, True, results))
    with cache.in_use(KEY):
        before = folder_state(entry)
        worker.start()
        time.sleep(0.6)  # The other one is built by now, and waits.
        assert folder_state(entry) == before
        assert cache.find(KEY) == entry
    assert results.get(timeout=30) == str(worker.pid)
    worker.join(30)
    assert folder_state(entry) != before


OTHER = dataclasses.replace(KEY, tensorrt="10.12.0")


def test_clean_removes_all_but_one(cache: EngineCache, tmp_path: Path) -> None:
    entry = cache.build(KEY, write_engines)
    size = sum(p.stat().st_size for p in cache.build(OTHER, write_engines).rglob("*.*"))
    left = cache.folder / f".{'cd' * 32}.building-abc_123"
    left.mkdir()
    (left / "half").write_bytes(b"12345")
    (cache.folder / ("ef" * 32)).symlink_to(tmp_path / "outside")
    for name in ("ab" * 32, "ba" * 32):
        (cache.folder / (name + ".timing")).write_bytes(b"times")
    removed = cache.clean(KEY, cache.folder / ("ab" * 32 + ".timing"))
    assert removed.pop("ef" * 32) > 0
    assert removed == {OTHER.digest: size, "cd" * 32: 5, "ba" * 32 + ".timing": 5}
    assert visible(cache) == sorted([KEY.digest, "ab" * 32 + ".timing"])
    assert cache.find(KEY) == entry
    assert cache.clean(KEY, cache.folder / ("ab" * 32 + ".timing")) == {}


def test_clean_touches_nothing_else(cache: EngineCache, tmp_path: Path) -> None:
    """Neither what lies in the folder under other names, nor what links of an entry lead to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis").write_bytes(b"mine")
    linked = cache.build(OTHER, write_engines)
    (linked / "link").symlink_to(outside)
    (cache.folder / ("ef" * 32)).symlink_to(outside)
    names = (
        "photos",
        "ab" * 31,
        "AB" * 32,
        "ab" * 32 + ".timings",
        "notes.timing",
        "." + "ab" * 32,
    )
    for name in names:
        (cache.folder / name).mkdir()
        (cache.folder / name / "file").touch()
    assert set(cache.clean(KEY, cache.folder / "none")) == {OTHER.digest, "ef" * 32}
    assert not linked.exists()
    assert (outside / "thesis").read_bytes() == b"mine"
    assert all((cache.folder / name / "file").exists() for name in names)


def clean_in_process(folder: Path, results: Any) -> None:
    results.put(EngineCache(folder, COMMAND).clean(KEY, folder / "none"))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_clean_leaves_what_others_use(cache: EngineCache) -> None:
    entry = cache.build(OTHER, write_engines)
    results = FORK.Queue()
    worker = FORK.Process(target=clean_in_process, args=(cache.folder, results))
    with cache.in_use(OTHER):
        worker.start()
        assert results.get(timeout=30) == {}
        worker.join(30)
        assert cache.find(OTHER) == entry
    assert set(cache.clean(KEY, cache.folder / "none")) == {OTHER.digest}


def test_the_lock_files_are_no_links(cache: EngineCache, tmp_path: Path) -> None:
    (cache.folder / f".{KEY.digest}.build.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        cache.build(KEY, write_engines)
    assert not (tmp_path / "elsewhere").exists()
    assert engine_cache.__doc__
