"""TensorRT's engines on disk: processes that build and clean at once."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.built_engines import COMMAND, KEY, visible, write_engines
from ufvideo_sdk.tensorrt import engine_cache
from ufvideo_sdk.tensorrt.engine_cache import EngineCache
from ufvideo_sdk.tensorrt.engine_metadata import folder_state

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines", COMMAND)


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
