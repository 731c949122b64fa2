"""Packages that lie in a repository on the Hub, opened by the SDK and by the commands."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hub_server import HubServer, Repository
from tests.unit.hub_fixtures import SECRET, TINY, cache, environment, hub
from ufvideo_sdk import (
    DownloadProgress,
    GenerationConfig,
    InputError,
    PackageError,
    UFVideo,
)
from ufvideo_sdk.bench import measure, measure_pair
from ufvideo_sdk.bench.run import Side
from ufvideo_sdk.package.hub_package import fetch_package

__all__ = ["cache", "hub"]

# Version 0 of huggingface_hub leaves the connection of a stopped download to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

UFVIDEO = Path(sys.executable).with_name("ufvideo")
needs_command = pytest.mark.skipif(not UFVIDEO.exists(), reason="needs the command: pip install .")
STAGE = "mask_encoder.onnx"


@pytest.fixture
def tiny(hub: HubServer) -> Repository:
    """A package, with files beside it that no package has."""
    repository = hub.add_folder("user/tiny", TINY)
    repository.files |= {"README.md": b"# tiny", "model.bin": b"a pickle", "other.onnx": b"x"}
    return repository


def answer(model: UFVideo) -> list[int]:
    frames = np.random.default_rng(1).integers(0, 255, (4, 32, 48, 3), np.uint8)
    with model.open(frames, fps=2.0) as session:
        found = session.ask("What happens?", config=GenerationConfig(max_new_tokens=4))
    return list(found.token_ids)


def test_a_loaded_package_answers_as_the_folder(hub: HubServer, tiny: Repository) -> None:
    seen: list[DownloadProgress] = []
    model = UFVideo.load("hf:user/tiny", on_download=seen.append)
    assert answer(model) == answer(UFVideo.load(TINY))
    assert model.hub is not None
    assert (model.hub.repository, model.hub.revision) == ("user/tiny", "main")
    assert model.hub.commit == tiny.commit
    assert repr(model) == f"UFVideo(tiny, hf:user/tiny (commit {tiny.commit[:12]}))"
    assert seen[-1].done_bytes == seen[-1].total_bytes
    from_folder = UFVideo.load(TINY)
    assert from_folder.hub is None
    assert tuple(model.load_stats.phases_ms) == tuple(from_folder.load_stats.phases_ms)


def test_bench_downloads_a_package_and_does_not_load_it(
    hub: HubServer, tiny: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UFVideo, "load", lambda *_: pytest.fail("loaded"))
    measured: list[list[Side]] = []

    def remember(sides: list[Side], *_: object) -> list[Side]:
        measured.append(sides)
        return sides

    monkeypatch.setattr("ufvideo_sdk.bench.run._measured", remember)
    measure("hf:user/tiny")
    measure_pair(TINY, "hf:user/tiny")
    ((downloaded,), (folder, other)) = measured
    assert downloaded.package.name == other.package.name == tiny.commit
    assert folder.package == TINY
    with pytest.raises(PackageError, match="user/none"):
        measure("hf:user/none")


def test_only_files_of_the_manifest_are_read(hub: HubServer, tiny: Repository) -> None:
    UFVideo.load("hf:user/tiny")
    read = {request.path.rsplit("/", 1)[1] for request in hub.file_requests}
    assert read == {path.name for path in TINY.iterdir()}


def test_quiet_unless_asked(
    hub: HubServer, tiny: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    UFVideo.load("hf:user/tiny")
    assert "".join(capfd.readouterr()) == ""


def test_a_second_load_reads_no_file(hub: HubServer, tiny: Repository) -> None:
    UFVideo.load("hf:user/tiny")
    hub.requests.clear()
    seen: list[DownloadProgress] = []
    UFVideo.load("hf:user/tiny", on_download=seen.append)
    assert [request.path for request in hub.requests] == ["/api/models/user/tiny/revision/main"]
    assert seen == []


def test_of_a_commit_that_is_here_nobody_is_asked(hub: HubServer, tiny: Repository) -> None:
    name = f"hf:user/tiny@{tiny.commit}"
    UFVideo.load(name)
    hub.requests.clear()
    model = UFVideo.load(name)
    assert hub.requests == []
    assert model.hub is not None
    assert model.hub.commit == tiny.commit


def test_offline(hub: HubServer, tiny: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PackageError, match="HF_HUB_OFFLINE is set"):
        UFVideo.load("hf:user/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    folder = UFVideo.load("hf:user/tiny").package
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = UFVideo.load("hf:user/tiny")
    assert model.hub is not None
    assert model.hub.commit == tiny.commit
    (folder / STAGE).unlink()
    with pytest.raises(PackageError, match=rf"expected {STAGE}.* in the cache \(HF_HUB_OFFLINE"):
        UFVideo.load("hf:user/tiny")
    assert hub.requests == []


def test_a_snapshot_opens_as_a_plain_folder_too(hub: HubServer, tiny: Repository) -> None:
    """What huggingface_hub's own downloads return."""
    folder = fetch_package("hf:user/tiny").folder
    assert (folder / STAGE).is_symlink()
    hub.requests.clear()
    model = UFVideo.load(folder)
    assert answer(model) == answer(UFVideo.load(TINY))
    assert hub.requests == []


def test_a_snapshot_of_the_library_itself(hub: HubServer, tiny: Repository, cache: Path) -> None:
    source = "import huggingface_hub; print(huggingface_hub.snapshot_download('user/tiny'))"
    found = subprocess.run(
        [sys.executable, "-c", source],
        env=environment(hub, cache.parent, HF_HUB_DISABLE_XET="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer(UFVideo.load(found.stdout.strip())) == answer(UFVideo.load(TINY))
    hub.requests.clear()
    UFVideo.load("hf:user/tiny")
    assert [request for request in hub.file_requests if request.method == "GET"] == []


def test_weights_beside_a_graph_are_found_through_links(
    hub: HubServer, tiny: Repository, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="changes a graph")
    package = tmp_path / "package"
    shutil.copytree(TINY, package)
    path, data = package / "region_encoder.onnx", package / "region_encoder.onnx.data"
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location=data.name,
        size_threshold=64,
    )
    manifest = json.loads((package / "manifest.json").read_text())
    stage = manifest["stages"]["region_encoder"]
    for key, file in (("graph", path), ("weights", data)):
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        stage[key] = {"path": file.name, "size_bytes": len(content), "sha256": digest}
    (package / "manifest.json").write_text(json.dumps(manifest))
    UFVideo.load(package)
    hub.add_folder("user/large", package)
    model = UFVideo.load("hf:user/large")
    assert (model.package / data.name).is_symlink()
    assert answer(model) == answer(UFVideo.load(TINY))
    # Beside where the graph's link leads, its name may lead nowhere.
    blob = (model.package / path.name).resolve()
    shutil.copyfile(data, blob.with_name(data.name))
    with pytest.raises(PackageError, match="expected weights in"):
        UFVideo.load("hf:user/large")


def test_links_of_a_snapshot_lead_to_blobs_only(
    hub: HubServer, tiny: Repository, tmp_path: Path
) -> None:
    folder = fetch_package("hf:user/tiny").folder
    outside = tmp_path / STAGE
    shutil.copyfile(TINY / STAGE, outside)
    (folder / STAGE).unlink()
    (folder / STAGE).symlink_to(outside)
    with pytest.raises(PackageError, match="expected a file inside the package, it is a link to"):
        UFVideo.load("hf:user/tiny")


def test_a_changed_blob_is_refused_by_the_manifest(hub: HubServer, tiny: Repository) -> None:
    folder = fetch_package("hf:user/tiny").folder
    blob = (folder / STAGE).resolve()
    blob.write_bytes(bytes(blob.stat().st_size))
    with pytest.raises(PackageError, match=f"{STAGE}: expected sha256"):
        UFVideo.load("hf:user/tiny")


def test_a_changed_manifest_in_the_cache_is_refused(hub: HubServer, tiny: Repository) -> None:
    """It holds the digests of all others."""
    folder = fetch_package("hf:user/tiny").folder
    blob = (folder / "manifest.json").resolve()
    blob.write_bytes(blob.read_bytes().replace(b'"tiny"', b'"Tiny"'))
    for name in ("hf:user/tiny", f"hf:user/tiny@{tiny.commit}"):
        with pytest.raises(PackageError, match=r"expected manifest\.json with the digest"):
            UFVideo.load(name)


def test_repositories_that_hold_no_package(hub: HubServer) -> None:
    hub.repositories["user/data"] = Repository({"train.json": b"[]"})
    with pytest.raises(PackageError, match=r"expected a package, whose manifest\.json .*found non"):
        UFVideo.load("hf:user/data")
    hub.repositories["user/model"] = Repository({"config.json": b"{}", "x.safetensors": b"x"})
    with pytest.raises(
        PackageError, match=r"exported first: ufvideo export hf:user/model package/$"
    ):
        UFVideo.load("hf:user/model")
    assert hub.file_requests == []


def test_a_package_that_lacks_a_file(hub: HubServer, tiny: Repository) -> None:
    content = tiny.files.pop(STAGE)
    with pytest.raises(PackageError, match=f"expected {STAGE}, which the manifest lists, found no"):
        UFVideo.load("hf:user/tiny")
    tiny.files[STAGE] = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(PackageError, match="the repository has another file"):
        UFVideo.load("hf:user/tiny")
    # Both are seen before anything large is read.
    assert all(request.path.endswith("manifest.json") for request in hub.file_requests)


def test_a_manifest_that_names_a_pickle(hub: HubServer, tiny: Repository) -> None:
    manifest = json.loads(tiny.files["manifest.json"])
    digest = hashlib.sha256(b"a pickle").hexdigest()
    manifest["files"].append({"path": "model.bin", "size_bytes": 8, "sha256": digest})
    tiny.files["manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(PackageError, match=r"got 'model\.bin', which is never downloaded"):
        UFVideo.load("hf:user/tiny")


def test_a_plain_path_is_never_asked_for(hub: HubServer, tmp_path: Path, tiny: Repository) -> None:
    for package in ("user/tiny", "./hf:user/tiny", Path("hf:user/tiny"), tmp_path / "none"):
        with pytest.raises(PackageError, match="found none at"):
            UFVideo.load(package)
    assert hub.requests == []
    with pytest.raises(InputError, match="package: expected hf:USER/NAME"):
        UFVideo.load("hf:tiny")


def test_a_plain_path_imports_no_library_of_the_hub() -> None:
    source = (
        "import sys; from ufvideo_sdk import UFVideo; UFVideo.load(sys.argv[1]);"
        "assert 'huggingface_hub' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", source, str(TINY)], check=True)


def test_an_exception_of_the_callback_ends_a_download(hub: HubServer, tiny: Repository) -> None:
    def stop(progress: DownloadProgress) -> None:
        if progress.file == STAGE:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        UFVideo.load("hf:user/tiny", on_download=stop)
    with pytest.raises(InputError, match="on_download"):
        UFVideo.load("hf:user/tiny", on_download=3)  # type: ignore[arg-type]
    UFVideo.load("hf:user/tiny")


def run(hub: HubServer, home: Path, *arguments: str, **variables: str) -> Any:
    return subprocess.run(
        [str(UFVIDEO), *arguments],
        env=environment(hub, home, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_command
def test_commands_take_a_repository(hub: HubServer, tiny: Repository, tmp_path: Path) -> None:
    first = run(hub, tmp_path, "info", "hf:user/tiny", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["hub"] == {
        "repository": "user/tiny",
        "revision": "main",
        "commit": tiny.commit,
    }
    assert first.stderr.count("kB of hf:user/tiny (commit") == 1
    assert f"into {tmp_path / 'hub'}" in first.stderr
    second = run(hub, tmp_path, "info", "hf:user/tiny", HF_HUB_OFFLINE="1")
    assert second.returncode == 0, second.stderr
    assert f"hf:user/tiny@main, commit {tiny.commit}" in second.stdout
    assert second.stderr == ""
    third = run(hub, tmp_path, "verify", f"hf:user/tiny@{tiny.commit}")
    assert third.returncode == 0, third.stderr
    fourth = run(hub, tmp_path, "tokens", "What happens?", UFVIDEO_PACKAGE="hf:user/tiny")
    assert fourth.returncode == 0, fourth.stderr


@needs_command
def test_commands_say_what_is_wrong(hub: HubServer, tiny: Repository, tmp_path: Path) -> None:
    tiny.token = SECRET
    for name, code, message in (
        ("hf:tiny", 3, "expected hf:USER/NAME"),
        ("hf:user/tiny", 4, "set HF_TOKEN or run `hf auth login`"),
        ("hf:user/tiny@v2", 4, "a token that may read it"),
    ):
        found = run(hub, tmp_path, "info", name)
        assert (found.returncode, message in found.stderr) == (code, True), found.stderr
        assert found.stderr.count("\n") == 1
    hub.status = 403
    found = run(hub, tmp_path, "info", "hf:user/tiny", HF_TOKEN=SECRET, UFVIDEO_TRACEBACK="1")
    assert found.returncode == 4
    assert SECRET not in found.stderr + found.stdout


SLOW = """
import sys
from ufvideo_sdk import UFVideo

def said(progress):
    print(progress.done_bytes, flush=True)

UFVideo.load(sys.argv[1], on_download=said)
"""


@needs_command
@pytest.mark.slow
@pytest.mark.parametrize("how", ["command", "program"])
def test_an_interrupt_ends_a_download_that_can_go_on(
    hub: HubServer, tmp_path: Path, how: str
) -> None:
    package = {path.name: path.read_bytes() for path in TINY.iterdir()}
    # Of several parts of the library's 10 MiB, so that one is on the disk.
    large = bytes(24 << 20)
    digest = hashlib.sha256(large).hexdigest()
    manifest = json.loads(package["manifest.json"])
    manifest["stages"]["aligner"]["weights"] = {
        "path": "aligner.onnx.data",
        "size_bytes": len(large),
        "sha256": digest,
    }
    package["manifest.json"] = json.dumps(manifest).encode()
    package["aligner.onnx.data"] = large
    hub.repositories["user/large"] = Repository(package)
    hub.bytes_per_s = 12e6
    command = [str(UFVIDEO), "info", "hf:user/large"]
    if how == "program":
        command = [sys.executable, "-c", SLOW, "hf:user/large"]
    with subprocess.Popen(
        command,
        env=environment(hub, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Also where the test runner ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        partial = tmp_path / "hub" / "models--user--large" / "blobs" / f"{digest}.incomplete"
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size > 0):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        # A fraction of a second on a quiet machine.
        _, errors = process.communicate(timeout=30)
    if how == "command":
        assert process.returncode == 130
        assert errors.splitlines()[-1] == "interrupted"
    else:
        assert "KeyboardInterrupt" in errors
    have = partial.stat().st_size
    assert 10 << 20 <= have < len(large)
    hub.bytes_per_s = None
    hub.requests.clear()
    found = run(hub, tmp_path, "info", "hf:user/large")
    assert found.returncode == 0, found.stderr
    ranges = [request.headers.get("range") for request in hub.file_requests]
    assert f"bytes={have}-" in ranges
