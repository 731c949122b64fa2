"""A cache and a server in place of the Hugging Face Hub's, for tests in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer, Repository, hub_server
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.hub.hub_name import parse_hub_name
from ufvideo_sdk.hub.repository import HubRepository, open_repository

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny" / "package"
SECRET = "hf_" + "SecretOfTheTests" * 2
WEIGHTS = bytes(range(251)) * 800
FILES = {
    "config.json": b'{"size": 3}',
    "sub/merges.txt": b"a b\n",
    "empty.txt": b"",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
}
WANTED = ["config.json", "sub/merges.txt", "empty.txt", "model.safetensors"]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hf" / "hub"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A server that huggingface_hub asks, with an empty cache and no token."""
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason="needs the hub extra: pip install '.[hub]'"
    )
    with hub_server() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache.parent / "token"))
        # Parts that are smaller than the files of the tests.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1 << 14)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def tiny(hub: HubServer) -> Repository:
    """A package, with files beside it that no package has."""
    repository = hub.add_folder("user/tiny", TINY)
    repository.files |= {"README.md": b"# tiny", "model.bin": b"a pickle", "other.onnx": b"x"}
    return repository


def environment(server: HubServer, home: Path, **variables: str) -> dict[str, str]:
    """Variables of a process that asks the server, and has no other settings of the Hub."""
    names = ("HF_", "HUGGING", "TRANSFORMERS_OFFLINE", "UFVIDEO_PACKAGE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(names)}
    return {**kept, "HF_ENDPOINT": server.endpoint, "HF_HOME": str(home), **variables}


@pytest.fixture
def user_name(hub: HubServer) -> Repository:
    hub.repositories["user/name"] = Repository(dict(FILES), revisions=("v1", "refs/pr/1"))
    return hub.repositories["user/name"]


def opened(text: str = "hf:user/name") -> HubRepository:
    return open_repository(parse_hub_name(text, "package"), needed_by="a test", kind=PackageError)
