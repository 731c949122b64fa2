"""Files of a repository, from a server that speaks the Hub's protocol."""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubServer, Repository, git_digest
from tests.unit.hub_fixtures import FILES, WANTED, WEIGHTS, cache, hub, opened, user_name
from ufvideo_sdk import DownloadProgress, PackageError
from ufvideo_sdk.hub.hub_library import hub_library

__all__ = ["cache", "hub", "user_name"]

# Version 0 of huggingface_hub leaves the connection of a stopped download to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def test_files_come_into_the_cache_that_others_share(
    hub: HubServer, user_name: Repository, cache: Path
) -> None:
    repository = opened()
    repository.download(WANTED)
    folder = cache / "models--user--name" / "snapshots" / user_name.commit
    assert repository.folder == folder
    assert {name: (folder / name).read_bytes() for name in WANTED} == {
        name: FILES[name] for name in WANTED
    }
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert (folder / "model.safetensors").readlink() == Path(f"../../blobs/{digest}")
    assert (folder / "sub/merges.txt").readlink().name == git_digest(FILES["sub/merges.txt"])
    assert (cache / "models--user--name/refs/main").read_text() == user_name.commit
    # huggingface_hub finds them as its own.
    library: Any = pytest.importorskip("huggingface_hub")
    for name in WANTED:
        found = library.try_to_load_from_cache("user/name", name, cache_dir=cache)
        assert Path(found).read_bytes() == FILES[name]


def test_one_listing_and_one_request_for_each_file(hub: HubServer, user_name: Repository) -> None:
    opened().download(WANTED)
    paths = [request.path for request in hub.requests]
    assert paths[0] == "/api/models/user/name/revision/main"
    assert sum(path.startswith("/api/") for path in paths) == 1
    # An empty file needs none; a large one is sent on to a second host.
    assert len(hub.file_requests) == 4
    before = len(hub.requests)
    opened().download(WANTED)
    assert [each.path for each in hub.requests[before:]] == paths[:1]


@pytest.mark.parametrize("revision", ["v1", "refs/pr/1", "commit"])
def test_revisions(hub: HubServer, user_name: Repository, cache: Path, revision: str) -> None:
    text = user_name.commit if revision == "commit" else revision
    repository = opened(f"hf:user/name@{text}")
    repository.download(["config.json"])
    assert repository.source.revision == text
    assert repository.source.commit == user_name.commit
    ref = cache / "models--user--name" / "refs" / text
    assert ref.is_file() == (revision != "commit")


def test_a_moved_branch_is_another_commit(hub: HubServer, user_name: Repository) -> None:
    first = opened()
    first.download(["config.json"])
    user_name.files["config.json"] = b'{"size": 4}'
    second = opened()
    second.download(["config.json"])
    assert first.source.commit != second.source.commit
    assert (first.folder / "config.json").read_bytes() == b'{"size": 3}'
    assert (second.folder / "config.json").read_bytes() == b'{"size": 4}'


def test_progress_counts_bytes(hub: HubServer, user_name: Repository, cache: Path) -> None:
    seen: list[DownloadProgress] = []
    opened().download(WANTED, on_download=seen.append)
    total = sum(len(FILES[name]) for name in WANTED)
    done = [progress.done_bytes for progress in seen]
    assert done[0] == 0
    assert done[-1] == total
    assert done == sorted(done)
    assert len(set(done)) > 10
    assert {progress.total_bytes for progress in seen} == {total}
    assert {progress.folder for progress in seen} == {cache}
    assert [name for name in WANTED if name in {progress.file for progress in seen}] == WANTED
    seen.clear()
    opened().download(WANTED, on_download=seen.append)
    assert seen == []


def test_a_cut_connection_goes_on_from_its_last_byte(
    hub: HubServer, user_name: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    hub.cut_after = 100_000
    repository = opened()
    with caplog.at_level(logging.DEBUG, logger="huggingface_hub.file_download"):
        repository.download(["model.safetensors"])
    assert (repository.folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [each.headers.get("range") for each in hub.file_requests if each.host == "localhost"]
    assert ranges[0] is None
    assert ranges[1] is not None
    begin = int(ranges[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < begin <= 100_000
    # Its lines name addresses that the Hub has signed.
    assert "signed-by-the-hub" not in caplog.text


def test_a_stopped_download_goes_on_the_next_time(
    hub: HubServer, user_name: Repository, cache: Path
) -> None:
    class StopError(Exception):
        pass

    def stop(progress: DownloadProgress) -> None:
        if progress.done_bytes > 60_000:
            raise StopError

    with pytest.raises(StopError):
        opened().download(["model.safetensors"], on_download=stop)
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    partial = cache / "models--user--name" / "blobs" / f"{digest}.incomplete"
    have = partial.stat().st_size
    assert 60_000 < have < len(WEIGHTS)
    assert partial.read_bytes() == WEIGHTS[:have]
    hub.requests.clear()
    seen: list[DownloadProgress] = []
    repository = opened()
    assert repository.missing_bytes(["model.safetensors"]) == len(WEIGHTS) - have
    repository.download(["model.safetensors"], on_download=seen.append)
    assert (repository.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert seen[0].done_bytes == have
    assert hub.file_requests[-1].headers["range"] == f"bytes={have}-"
    assert not partial.exists()


def test_a_killed_download_of_another_length_begins_anew(
    hub: HubServer, user_name: Repository, cache: Path
) -> None:
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    partial = cache / "models--user--name" / "blobs" / f"{digest}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(len(WEIGHTS) + 1))
    repository = opened()
    repository.download(["model.safetensors"])
    assert (repository.folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_wrong_digest_is_refused(
    hub: HubServer, user_name: Repository, cache: Path, name: str
) -> None:
    hub.wrong.add(name)
    repository = opened()
    with pytest.raises(PackageError, match=f"expected {name} with the digest [0-9a-f]+ that the"):
        repository.download([name])
    assert [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    hub.wrong.clear()
    repository.download([name])
    assert (repository.folder / name).read_bytes() == FILES[name]


def test_partial_bytes_of_another_file_are_refused_and_removed(
    hub: HubServer, user_name: Repository, cache: Path
) -> None:
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    partial = cache / "models--user--name" / "blobs" / f"{digest}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(1000))
    with pytest.raises(PackageError, match="digest"):
        opened().download(["model.safetensors"])
    opened().download(["model.safetensors"])


def test_a_changed_file_in_the_cache_is_refused(hub: HubServer, user_name: Repository) -> None:
    repository = opened()
    repository.download(WANTED)
    blob = (repository.folder / "model.safetensors").resolve()
    blob.write_bytes(bytes(len(WEIGHTS)))
    with pytest.raises(PackageError, match=f"remove {blob} and download it again"):
        opened().download(WANTED)


def test_offline_asks_nobody(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = opened()
    repository.download(WANTED)
    hub.requests.clear()
    monkeypatch.setattr(repository.library.constants, "HF_HUB_OFFLINE", True)
    offline = opened()
    assert offline.is_offline
    assert offline.source == repository.source
    assert sorted(offline.files) == sorted(WANTED)
    offline.download(WANTED)
    with pytest.raises(PackageError, match="HF_HUB_OFFLINE is set, found none of this revision"):
        opened("hf:user/name@v1")
    with pytest.raises(PackageError, match="expected its files in the cache"):
        opened("hf:user/other")
    (offline.folder / "model.safetensors").resolve().write_bytes(b"short")
    with pytest.raises(PackageError, match="with the digest"):
        opened().download(WANTED)
    assert hub.requests == []


def test_the_user_agent_names_the_library_alone(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    library: Any = pytest.importorskip("huggingface_hub")
    opened().download(WANTED)
    agents = {request.headers["user-agent"] for request in hub.requests}
    assert agents == {f"hf_hub/{library.__version__}"}


def test_nothing_is_drawn_or_logged(
    hub: HubServer,
    user_name: Repository,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    utils: Any = pytest.importorskip("huggingface_hub.utils")
    # As on a terminal.
    monkeypatch.setenv("TQDM_POSITION", "-1")
    hub.cut_after = 100_000
    opened().download(WANTED)
    assert "".join(capfd.readouterr()) == ""
    assert not utils.are_progress_bars_disabled("huggingface_hub.http_get")
    assert logging.getLogger("huggingface_hub.file_download").filters == []


def test_bars_stay_off_until_the_last_thread_is_done(hub: HubServer) -> None:
    utils: Any = pytest.importorskip("huggingface_hub.utils")
    name = "huggingface_hub.http_get"
    first, second = hub_library("a test").quiet(), hub_library("a test").quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert utils.are_progress_bars_disabled(name)
    second.__exit__(None, None, None)
    assert not utils.are_progress_bars_disabled(name)
    utils.disable_progress_bars(name)
    try:
        with hub_library("a test").quiet():
            pass
        assert utils.are_progress_bars_disabled(name), "the user switched them off"
    finally:
        utils.enable_progress_bars(name)


def test_two_at_once_read_each_file_once(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.bytes_per_s = 2_000_000
    problems: list[BaseException] = []

    def read() -> None:
        try:
            opened().download(WANTED)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    read = [request.path for request in hub.file_requests if request.host == "localhost"]
    assert len(read) == 1
    # And one for each small file, and the large one's on the first host.
    assert len(hub.file_requests) == 4


def test_a_disk_without_links_keeps_files(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(self: Path, target: str, target_is_directory: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", no_links)
    repository = opened()
    repository.download(WANTED)
    assert not (repository.folder / "config.json").is_symlink()
    opened().download(WANTED)


def test_a_blob_of_another_commit_is_compared_too(hub: HubServer, user_name: Repository) -> None:
    first = opened()
    first.download(WANTED)
    user_name.files["config.json"] = b"{}"
    blob = (first.folder / "model.safetensors").resolve()
    hub.requests.clear()
    second = opened()
    second.download(WANTED)
    assert [request.path.rsplit("/", 1)[1] for request in hub.file_requests] == ["config.json"]
    blob.write_bytes(bytes(len(WEIGHTS)))
    user_name.files["config.json"] = b"[]"
    with pytest.raises(PackageError, match=f"remove {blob} and download it again"):
        opened().download(WANTED)
