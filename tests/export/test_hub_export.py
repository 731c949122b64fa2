"""`ufvideo export hf:USER/NAME`, from a server that speaks the Hub's protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the export extra")

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from tests.export.test_resume import FakeStage, measured
from tests.hub_server import HubServer, Repository
from tests.small_package import assemble
from tests.unit.hub_fixtures import ROOT, cache, environment, hub
from ufvideo_export import add_track, export_package
from ufvideo_export.checkpoint import hub_checkpoint
from ufvideo_export.package import write_package
from ufvideo_sdk import CapacityError, DownloadProgress, InputError
from ufvideo_sdk.hub import download as download_module
from ufvideo_sdk.package.manifest import CAPABILITY_STAGES, read_manifest

__all__ = ["cache", "hub"]

pytestmark = pytest.mark.torch

SMALL = ROOT / "tests" / "data" / "small"
UFVIDEO = Path(sys.executable).with_name("ufvideo")
NOT_READ = {"README.md": b"# model", "pytorch_model.bin": b"a pickle", "spiece.model": b"x"}


@pytest.fixture
def checkpoint(hub: HubServer) -> Repository:
    repository = hub.add_folder("user/small", SMALL / "checkpoint", revisions=("v1",))
    repository.files |= NOT_READ
    return repository


@pytest.fixture
def siglip(hub: HubServer) -> Repository:
    repository = hub.add_folder("user/siglip", SMALL / "siglip")
    repository.files |= NOT_READ
    return repository


def read(hub: HubServer) -> set[str]:
    return {request.path.split("/", 5)[5] for request in hub.file_requests}


@pytest.mark.slow
def test_an_export_of_repositories_equals_one_of_folders(
    hub: HubServer, checkpoint: Repository, siglip: Repository, tmp_path: Path
) -> None:
    seen: list[DownloadProgress] = []
    package = tmp_path / "package"
    manifest = export_package(
        "hf:user/small@v1",
        package,
        vision_tower="hf:user/siglip",
        track=False,
        on_download=seen.append,
    )
    assert manifest.model.name == "small"
    expected = {
        "source": "hf:user/small",
        "source_revision": "v1",
        "source_commit": checkpoint.commit,
        "vision_tower": "hf:user/siglip",
        "vision_tower_revision": "main",
        "vision_tower_commit": siglip.commit,
    }
    assert {key: manifest.provenance.get(key) for key in expected} == expected
    plain = json.loads((SMALL / "package" / "manifest.json").read_text())
    assert {stem: stage.graph.sha256 for stem, stage in manifest.stages.items()} == {
        stem: stage["graph"]["sha256"] for stem, stage in plain["stages"].items()
    }
    assert {progress.source.repository for progress in seen} == {"user/small", "user/siglip"}
    assert read(hub) == {
        *("config.json", "generation_config.json", "sam2_config.json", "added_tokens.json"),
        *("tokenizer_config.json", "vocab.json", "merges.txt", "model.safetensors"),
        "preprocessor_config.json",
    }


@pytest.mark.slow
def test_the_command(hub: HubServer, tmp_path: Path) -> None:
    if not UFVIDEO.exists():
        pytest.skip("needs the command: pip install .")
    sizes = RandomSizes(num_layers=1, num_aligner_blocks=1)
    folder = make_random_checkpoint(tmp_path / "tiny", sizes, seed=1)
    siglip = hub.add_folder("user/siglip", folder / "siglip")
    shutil.rmtree(folder / "siglip")
    checkpoint = hub.add_folder("user/small", folder)
    package = tmp_path / "package"
    arguments = ["hf:user/small", f"{package}/", "--vision-tower", "hf:user/siglip"]
    found = subprocess.run(
        [str(UFVIDEO), "export", *arguments],
        env=environment(hub, tmp_path / "hf"),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "B of hf:user/small (commit" in found.stderr
    manifest = json.loads((package / "manifest.json").read_text())
    assert manifest["provenance"]["source_commit"] == checkpoint.commit
    assert manifest["provenance"]["vision_tower_commit"] == siglip.commit


def located(
    checkpoint: str = "hf:user/small", vision_tower: str | None = "hf:user/siglip"
) -> tuple[Any, Any]:
    return hub_checkpoint.locate(checkpoint, vision_tower, None)


def test_small_files_come_first(hub: HubServer, checkpoint: Repository, siglip: Repository) -> None:
    located()
    names = [request.path.split("/", 5)[5] for request in hub.file_requests]
    first = names.index("model.safetensors")
    assert set(names[first:]) == {"model.safetensors"}


def test_folders_go_to_no_network(hub: HubServer) -> None:
    source, tower = hub_checkpoint.locate(SMALL / "checkpoint", str(SMALL / "siglip"), None)
    assert (source.folder, source.hub, source.name) == (SMALL / "checkpoint", None, None)
    assert tower is not None
    assert tower.folder == SMALL / "siglip"
    assert hub.requests == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train.json": b"[]"}, r"expected a checkpoint with a config\.json .* found none$"),
        ({"manifest.json": b"{}"}, "it is a package already.*--package hf:user/small$"),
        ({"config.json": b"{}", "adapter_config.json": b"{}"}, "merge the LoRA weights"),
        ({"config.json": b"{}", "pytorch_model.bin": b"x"}, "a pickle can run code"),
        ({"config.json": b"{}", "global_step1/x.pt": b"x"}, "a DeepSpeed checkpoint"),
        ({"config.json": b"{}", "model.gguf": b"x"}, "llama.cpp's weights"),
        ({"config.json": b"{}"}, "expected model.safetensors or its shards in hf:user/small"),
        (
            {"config.json": b"{}", "model.safetensors": b"x", "sam2.safetensors": b"x"},
            "expected only weights named",
        ),
    ],
)
def test_what_is_no_checkpoint_is_refused_by_its_list(
    hub: HubServer, files: dict[str, bytes], message: str
) -> None:
    hub.repositories["user/small"] = Repository(files)
    with pytest.raises(InputError, match=message):
        located()
    assert hub.file_requests == []


def test_another_model_is_refused_before_its_weights(
    hub: HubServer, checkpoint: Repository, siglip: Repository
) -> None:
    checkpoint.files["config.json"] = b'{"model_type": "qwen2"}'
    with pytest.raises(InputError, match="model_type"):
        located()
    assert "model.safetensors" not in read(hub)
    checkpoint.files["config.json"] = (SMALL / "checkpoint" / "config.json").read_bytes()
    siglip.files["config.json"] = b'{"model_type": "clip"}'
    with pytest.raises(InputError, match="hidden_size"):
        located()
    assert "model.safetensors" not in read(hub)


def test_shards_are_those_of_the_index(hub: HubServer, siglip: Repository) -> None:
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    files = {"model.safetensors.index.json": json.dumps({"weight_map": names}).encode()}
    config = (SMALL / "siglip" / "config.json").read_bytes()
    siglip.files = {
        "config.json": config,
        **files,
        **{name: name.encode() for name in names.values()},
    }
    source, _ = hub_checkpoint.locate(SMALL / "checkpoint", "hf:user/siglip", None)
    assert source.hub is None
    assert set(names.values()) <= read(hub)
    del siglip.files[names["b"]]
    with pytest.raises(InputError, match=r"expected the shard model-00002-of-00002\.safetensors"):
        hub_checkpoint.locate(SMALL / "checkpoint", "hf:user/siglip", None)


def test_siglip_inside_the_repository(hub: HubServer, checkpoint: Repository) -> None:
    for path in (SMALL / "siglip").iterdir():
        checkpoint.files[f"siglip/{path.name}"] = path.read_bytes()
    checkpoint.files["siglip/pytorch_model.bin"] = b"a pickle"
    source, tower = located(vision_tower=None)
    assert tower is None
    assert sorted(path.name for path in (source.folder / "siglip").iterdir()) == sorted(
        path.name for path in (SMALL / "siglip").iterdir()
    )


def test_both_must_fit_on_the_disk(
    hub: HubServer,
    checkpoint: Repository,
    siglip: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    largest = len(checkpoint.files["model.safetensors"])
    usage = shutil.disk_usage(tmp_path)._replace(free=largest + 1000)
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(CapacityError, match="hf:user/small and hf:user/siglip: expected 11"):
        located()
    assert "model.safetensors" not in read(hub)


@pytest.mark.parametrize(
    ("precision", "least_share"), [("fp32", 1.75), ("fp16", 0.85), ("int4", 0.2)]
)
def test_the_package_must_fit_beside_the_download(
    hub: HubServer,
    checkpoint: Repository,
    siglip: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    least_share: float,
) -> None:
    weights = sum(len(each.files["model.safetensors"]) for each in (checkpoint, siglip))
    seen: list[DownloadProgress] = []

    def export(free: float) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=int(free))
        monkeypatch.setattr(download_module.shutil, "disk_usage", lambda place: usage)
        export_package(
            "hf:user/small",
            tmp_path / "package",
            vision_tower="hf:user/siglip",
            precision=precision,
            on_download=seen.append,
        )

    with pytest.raises(CapacityError, match=r"for the download and the package, found .* HF_HOME"):
        export(weights * (1 + least_share))
    assert "model.safetensors" not in read(hub)
    # The bound is a lower one: behind the download it is known what the package takes.
    with pytest.raises(CapacityError, match="free space for the package"):
        export(weights * (1.1 + least_share))
    assert "model.safetensors" in read(hub)


def test_a_cache_on_another_disk_takes_no_room_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_package, "_is_on_the_same_disk", lambda cache, place: False)
    free = shutil.disk_usage(tmp_path).free
    write_package.check_space(tmp_path / "out", 1, cache=tmp_path, download_bytes=2 * free)
    with pytest.raises(CapacityError, match="free space for the package, found"):
        write_package.check_space(tmp_path / "out", 2 * free, cache=tmp_path, download_bytes=1)


def test_what_is_in_the_cache_is_no_download(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(CapacityError, match="free space for the package, found"):
        write_package.check_space(tmp_path / "out", 2 * free, cache=tmp_path, download_bytes=0)


def test_a_changed_shard_in_the_cache_is_refused(
    hub: HubServer, checkpoint: Repository, siglip: Repository
) -> None:
    source, _ = located()
    blob = (source.folder / "model.safetensors").resolve()
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(bytes(content))
    with pytest.raises(InputError, match=f"remove {blob} and download it again"):
        located()


def test_offline(
    hub: HubServer,
    checkpoint: Repository,
    siglip: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    first, _ = located()
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again, _ = located()
    assert again == first
    (first.folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"expected model\.safetensors or its shards"):
        located()
    assert hub.requests == []


def test_an_addition_takes_a_repository_too(
    hub: HubServer,
    checkpoint: Repository,
    siglip: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stems = CAPABILITY_STAGES["track"]
    monkeypatch.setattr("ufvideo_export.write_stages.STAGES", dict.fromkeys(stems, FakeStage))
    monkeypatch.setattr("ufvideo_export.write_stages.verify_stage", measured)
    package = assemble(tmp_path / "package")
    seen: list[DownloadProgress] = []
    manifest = add_track(
        "hf:user/small@v1", package, vision_tower="hf:user/siglip", on_download=seen.append
    )
    assert {str(each.source.repository) for each in seen} == {"user/small", "user/siglip"}
    assert manifest == read_manifest(package) and "track" in manifest.capabilities
    # Where the package itself came from stays.
    assert manifest.provenance["source"] == "small"
