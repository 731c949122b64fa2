"""What the Hub, the network and the disk refuse, and the token that no message holds."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubServer, Repository
from tests.unit.hub_fixtures import SECRET, WANTED, WEIGHTS, cache, hub, opened, user_name
from ufvideo_sdk import CapacityError, ConfigError, PackageError
from ufvideo_sdk.hub import download as download_module
from ufvideo_sdk.hub import repository as repository_module

__all__ = ["cache", "hub", "user_name"]

# Version 0 of huggingface_hub leaves the connection of a stopped download to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def test_a_full_disk_is_refused_before_anything_is_read(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    free = len(WEIGHTS) + 10
    usage = shutil.disk_usage(cache.parents[1])._replace(free=free)
    places: list[Path] = []

    def disk_usage(place: Path) -> Any:
        places.append(Path(place))
        return usage

    monkeypatch.setattr(download_module.shutil, "disk_usage", disk_usage)
    with pytest.raises(
        CapacityError, match=r"expected 200\.8 kB of free space .* found 200\.8 kB at"
    ):
        opened().download(WANTED)
    assert hub.file_requests == []
    assert cache.is_relative_to(places[0])
    # What is there already counts.
    opened().download(["config.json"])
    opened().download(WANTED)


def test_a_disk_that_fills_up_is_a_capacity_error(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download_module._Counter, "write", full)
    with pytest.raises(CapacityError, match=r"No space left .* HF_HOME"):
        opened().download(["model.safetensors"])


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "../x.json", "/etc/x.json", "a/../../x.json", "x.pt", "x.pkl"]
)
def test_other_files_are_never_read(hub: HubServer, user_name: Repository, name: str) -> None:
    with pytest.raises(PackageError, match="never downloaded"):
        opened().download(["config.json", name])
    assert hub.file_requests == []


def test_what_the_hub_refuses(hub: HubServer, user_name: Repository) -> None:
    cases = {
        "hf:user/none": "found none of that name that may be read; if it is private, set HF_TOKEN",
        "hf:user/name@v9": "expected a branch, a tag or a commit of user/name, got 'v9'",
    }
    for text, message in cases.items():
        with pytest.raises(PackageError, match=message):
            opened(text)
    user_name.is_gated = True
    with pytest.raises(PackageError, match="it is gated: accept them on its page on the Hub"):
        opened()
    hub.status = 500
    with pytest.raises(PackageError, match="got HTTP status 500; try again later"):
        opened()


def test_nobody_listens(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PackageError, match=r"got Connection refused; .* HF_HUB_OFFLINE=1"):
        opened()


def test_a_server_that_lists_no_digests(
    hub: HubServer, user_name: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = repository_module._listing

    def without_sizes(*arguments: Any) -> Any:
        answer = listed(*arguments)
        answer.siblings[0].size = None
        return answer

    def with_a_path(*arguments: Any) -> Any:
        answer = listed(*arguments)
        answer.siblings[0].blob_id = "../../../x"
        return answer

    for changed in (without_sizes, with_a_path):
        monkeypatch.setattr(repository_module, "_listing", changed)
        with pytest.raises(PackageError, match="lists none"):
            opened()


def test_a_private_repository_and_its_token(
    hub: HubServer,
    user_name: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    user_name.token = SECRET
    with pytest.raises(PackageError, match="set HF_TOKEN or run `hf auth login`"):
        opened()
    monkeypatch.setenv("HF_TOKEN", "hf_" + "another" * 5)
    with pytest.raises(PackageError, match="check that the token in use may read it"):
        opened()
    monkeypatch.setenv("HF_TOKEN", SECRET)
    opened().download(WANTED)
    on_second_host = [each for each in hub.requests if each.host == "localhost"]
    assert on_second_host
    assert not any("authorization" in each.headers for each in on_second_host)
    assert "hf_" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("trouble", ["status", "wrong", "gated", "nobody", "no header"])
def test_no_message_holds_the_token(
    hub: HubServer,
    user_name: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    user_name.token = SECRET
    token = "hf_\u79d8\u5bc6" if trouble == "no header" else SECRET
    monkeypatch.setenv("HF_TOKEN", token)
    if trouble == "status":
        hub.status = 403
    elif trouble == "wrong":
        hub.wrong.add("model.safetensors")
    elif trouble == "gated":
        user_name.is_gated = True
    elif trouble == "nobody":
        constants: Any = pytest.importorskip("huggingface_hub.constants")
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with caplog.at_level(logging.DEBUG), pytest.raises(PackageError) as raised:
        opened().download(WANTED)
    # Not even behind the error, where a tool that shows a traceback's variables would find it.
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    for text in (str(raised.value), caplog.text, *capfd.readouterr()):
        assert token not in text
        assert "Bearer" not in text


def test_a_cache_that_cannot_be_written(hub: HubServer, user_name: Repository, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(b"a file")
    with pytest.raises(PackageError, match=f"expected a cache that can be written at {cache}"):
        opened().download(WANTED)


def test_a_missing_library_names_its_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"pip install 'ufvideo-sdk\[cpu,hub\]'"):
        opened()
