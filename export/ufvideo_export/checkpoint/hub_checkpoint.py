"""A checkpoint, or SigLIP, that lies in a repository on the Hugging Face Hub.

Only files that an export reads are downloaded, the small ones first: a repository that is no
checkpoint is refused by its list of files or its configuration, before gigabytes of weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ufvideo_export.checkpoint.config import read_model_sizes, read_sam2_sizes, read_siglip_sizes
from ufvideo_export.checkpoint.other_formats import refuse_other_files
from ufvideo_export.checkpoint.tensor_files import INDEX_NAME, weight_names
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.hub.download import DownloadCallback, check_space
from ufvideo_sdk.hub.hub_name import HubName, HubRevision, is_hub_name, parse_hub_name
from ufvideo_sdk.hub.repository import HubRepository, open_repository
from ufvideo_sdk.package.file_names import MANIFEST_NAME

_SIGLIP_FILES = ("config.json", "preprocessor_config.json", INDEX_NAME)
_CHECKPOINT_FILES = (
    *_SIGLIP_FILES,
    "generation_config.json",
    "sam2_config.json",
    "siglip_config.json",
    "added_tokens.json",
    "tokenizer_config.json",
)
# The second one serves if the first is not whole.
_VOCABULARY = (("vocab.json", "merges.txt"), ("tokenizer.json",))


@dataclass(frozen=True)
class Source:
    """Where a checkpoint or SigLIP lies on this machine.

    Attributes:
        folder: Its folder.
        hub: The commit of a repository that it came from; None for a plain folder.
    """

    folder: Path
    hub: HubRevision | None = None

    @property
    def name(self) -> str | None:
        """The repository's own name; None for a plain folder."""
        return None if self.hub is None else self.hub.repository.split("/")[1]


@dataclass(frozen=True)
class HubWeights:
    """Weights that are about to be downloaded.

    Attributes:
        cache: The folder that they go into, which may be missing still.
        missing_bytes: What is left to read.
        num_values: How many values they hold at least.
    """

    cache: Path
    missing_bytes: int
    num_values: int


OnWeights = Callable[[HubWeights], None]


@dataclass(frozen=True)
class _Fetch:
    """A repository whose small files are here, and which weights are to come."""

    repository: HubRepository
    names: list[str]


def locate(
    checkpoint: Path | str,
    vision_tower: Path | str | None,
    on_download: DownloadCallback | None,
    on_weights: OnWeights | None = None,
) -> tuple[Source, Source | None]:
    """Find a checkpoint and SigLIP, each a folder or `hf:USER/NAME[@REVISION]`, and download them.

    Args:
        checkpoint: The checkpoint.
        vision_tower: SigLIP, if it is elsewhere.
        on_download: Called as bytes come from the Hub; its exceptions end the download.
        on_weights: Called once before weights are downloaded, if any are to come from the Hub; its
            exceptions are raised unchanged.

    Raises:
        ConfigError: When huggingface_hub is not installed.
        InputError: When a name is malformed, or a repository cannot be read or is not what it
            should be.
        CapacityError: When the disk is too small, before weights are read.
    """
    fetches = {
        argument: _small_files(given, argument, on_download, is_alone=vision_tower is None)
        for argument, given in (("checkpoint", checkpoint), ("vision_tower", vision_tower))
    }
    hub = [fetch for fetch in fetches.values() if isinstance(fetch, _Fetch)]
    if hub:
        weights = _weights_of(hub)
        if len(hub) > 1:
            # Two downloads may fit alone and not together.
            names = " and ".join(str(fetch.repository.name) for fetch in hub)
            check_space(weights.cache, weights.missing_bytes, names)
        if on_weights is not None:
            on_weights(weights)
    for fetch in hub:
        fetch.repository.download(fetch.names, on_download=on_download)
    found = {argument: _source(fetch) for argument, fetch in fetches.items()}
    located = found["checkpoint"]
    assert located is not None
    return located, found["vision_tower"]


def _source(fetch: _Fetch | Path | None) -> Source | None:
    if isinstance(fetch, _Fetch):
        return Source(fetch.repository.folder, fetch.repository.source)
    return None if fetch is None else Source(fetch)


def _small_files(
    given: Path | str | None,
    argument: str,
    on_download: DownloadCallback | None,
    *,
    is_alone: bool,
) -> _Fetch | Path | None:
    if given is None or not is_hub_name(given):
        return None if given is None else Path(given)
    name = parse_hub_name(str(given), argument)
    repository = open_repository(name, needed_by=f"{argument}={given}", kind=InputError)
    if argument == "vision_tower":
        return _Fetch(repository, _siglip(repository, on_download))
    return _Fetch(repository, _checkpoint(repository, on_download, is_alone=is_alone))


def _checkpoint(
    repository: HubRepository, on_download: DownloadCallback | None, *, is_alone: bool
) -> list[str]:
    """Names of a checkpoint's weights; its small files are here afterwards."""
    names = _at_top(repository)
    refuse_other_files(names, repository.name)
    small = [each for each in (*_CHECKPOINT_FILES, *_vocabulary(names)) if each in names]
    _require(repository, "config.json", small)
    # By its names alone, before anything comes.
    if INDEX_NAME not in names:
        weight_names(names, None, repository.name)
    repository.download(small, on_download=on_download)
    sizes = read_model_sizes(repository.folder)
    read_sam2_sizes(repository.folder)
    weights = _weights(repository, names)
    if is_alone:
        # As a checkpoint's folder may hold SigLIP's.
        for folder in dict.fromkeys((Path(sizes.vision_tower).name, "siglip")):
            weights += _inner(repository, folder)
    return weights


def _siglip(repository: HubRepository, on_download: DownloadCallback | None) -> list[str]:
    """Names of SigLIP's weights; its small files are here afterwards."""
    names = _at_top(repository)
    small = [each for each in _SIGLIP_FILES if each in names]
    _require(repository, "config.json", small)
    if INDEX_NAME not in names:
        weight_names(names, None, repository.name)
    repository.download(small, on_download=on_download)
    read_siglip_sizes(repository.folder / "config.json")
    return _weights(repository, names)


def _weights(repository: HubRepository, names: frozenset[str]) -> list[str]:
    index = repository.folder / INDEX_NAME if INDEX_NAME in names else None
    return weight_names(names, index, repository.name)


def _inner(repository: HubRepository, folder: str) -> list[str]:
    """Files of SigLIP in a folder of the repository."""
    inside = [name for name in repository.files if name.startswith(f"{folder}/")]
    wanted = {f"{folder}/{name}" for name in _SIGLIP_FILES}
    return [
        name
        for name in inside
        if name in wanted or (name.startswith(f"{folder}/model") and name.endswith(".safetensors"))
    ]


def _at_top(repository: HubRepository) -> frozenset[str]:
    """Names at the top of a repository, as a folder would list them."""
    return frozenset(name.split("/")[0] for name in repository.files)


def _vocabulary(names: frozenset[str]) -> Iterable[str]:
    return next((each for each in _VOCABULARY if set(each) <= names), ())


def _require(repository: HubRepository, name: str, names: list[str]) -> None:
    if name in names:
        return
    instead = ""
    if MANIFEST_NAME in repository.files:
        asked = HubName(repository.source.repository, repository.source.revision)
        instead = f"; it is a package already, which needs no export: --package {asked}"
    elif repository.is_offline:
        instead = " in the cache (HF_HUB_OFFLINE is set)"
    raise InputError(
        f"{repository.name}: expected a checkpoint with a {name} at the top of the repository,"
        f" found none{instead}"
    )


def _weights_of(fetches: list[_Fetch]) -> HubWeights:
    num_values = 0
    for fetch in fetches:
        repository = fetch.repository
        num_bytes = sum(repository.files[name].size_bytes or 0 for name in fetch.names)
        num_values += num_bytes // _most_value_bytes(repository.folder / "config.json")
    return HubWeights(
        cache=fetches[0].repository.cache.root,
        missing_bytes=sum(fetch.repository.missing_bytes(fetch.names) for fetch in fetches),
        num_values=num_values,
    )


def _most_value_bytes(config: Path) -> int:
    """Bytes of a weight, by what the configuration says of all; 4 where it does not say."""
    values = json.loads(config.read_bytes())
    return 2 if values.get("torch_dtype") in ("float16", "bfloat16") else 4
