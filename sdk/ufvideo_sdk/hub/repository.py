"""One commit of a repository: what it holds, and how its files come here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.hub.download import (
    Download,
    DownloadCallback,
    HubFile,
    changed_in_cache,
    digest_of,
    missing_bytes,
)
from ufvideo_sdk.hub.hub_cache import HubCache, digest_in_name, is_digest
from ufvideo_sdk.hub.hub_library import HubLibrary, hub_library
from ufvideo_sdk.hub.hub_name import HubName, HubRevision
from ufvideo_sdk.hub.hub_problem import hub_problem
from ufvideo_sdk.validation.paths import is_file

# All that packages and checkpoints are made of. A pickle, which can run code, is none of these.
_SUFFIXES = (".json", ".txt", ".safetensors", ".onnx", ".data")
_LISTING_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class HubRepository:
    """The files of one commit of a repository.

    Attributes:
        name: As it was asked for.
        source: The same with its commit.
        files: What the commit holds; without a network what the cache has of it.
        cache: Where its files go.
        library: What reads them.
        kind: The family of its errors.
        is_offline: Whether only the cache was asked.
    """

    name: HubName
    source: HubRevision
    files: Mapping[str, HubFile]
    cache: HubCache
    library: HubLibrary
    kind: type[UFVideoError]
    is_offline: bool

    @property
    def folder(self) -> Path:
        """Where its files are once they are here; links into the cache."""
        return self.cache.snapshot(self.source.commit)

    def missing(self, names: Iterable[str]) -> dict[str, HubFile]:
        """Those of its files that are not here."""
        return {name: self.files[name] for name in names if not is_file(self.folder / name)}

    def missing_bytes(self, names: Iterable[str]) -> int:
        """What is left to read of them."""
        return missing_bytes(self.cache, self.missing(names).values())

    def download(
        self,
        names: Iterable[str],
        *,
        on_download: DownloadCallback | None = None,
        check_present: bool = True,
    ) -> None:
        """Bring files here that are not here yet.

        Args:
            names: Files that it holds.
            on_download: Called as bytes come, in this thread; not if all files are here.
            check_present: Also compare files that are here already with their digests.

        Raises:
            CapacityError: When the disk is too small, before anything is read, or full.
            UFVideoError: Of `kind`, when a file cannot be had, has another digest than the Hub
                lists, or is of a kind that is never read.
        """
        names = list(dict.fromkeys(names))
        for name in names:
            self._check_name(name)
        missing = self.missing(names)
        if check_present:
            for name in names:
                if name not in missing:
                    self._check_digest(name)
        if missing:
            Download(self.name, self.source, self.cache, self.library, self.kind, on_download).run(
                missing
            )
            self.cache.remember(self.name, self.source.commit)

    def _check_name(self, name: str) -> None:
        path = PurePosixPath(name)
        is_inside = not path.is_absolute() and ".." not in path.parts and "\0" not in name
        if not is_inside or path.suffix not in _SUFFIXES:
            raise self.kind(
                f"{self.name}: expected files named {', '.join(f'*{each}' for each in _SUFFIXES)},"
                f" got {name!r}, which is never downloaded"
            )

    def _check_digest(self, name: str) -> None:
        digest, path = self.files[name].digest, self.folder / name
        if digest is not None and digest_of(path, digest) != digest:
            raise changed_in_cache(self.name, name, digest, path, self.kind)


def open_repository(name: HubName, *, needed_by: str, kind: type[UFVideoError]) -> HubRepository:
    """List a repository: one request, or a look into the cache with `HF_HUB_OFFLINE=1`.

    Args:
        name: The repository.
        needed_by: What asks, for the message if huggingface_hub is not installed.
        kind: The family of errors that a repository which cannot be read belongs to.

    Raises:
        ConfigError: When huggingface_hub is not installed.
        UFVideoError: Of `kind`, when the repository or its revision does not exist or may not be
            read, when the Hub cannot be reached, or offline when the cache has nothing of it.
    """
    library = hub_library(needed_by)
    if library.is_offline:
        cached = cached_repository(name, needed_by=needed_by, kind=kind)
        if cached is None:
            raise kind(
                f"{name}: expected its files in the cache {library.constants.HF_HUB_CACHE}, as"
                " HF_HUB_OFFLINE is set, found none of this revision; download it once without"
                " HF_HUB_OFFLINE, or name the cache that has it with HF_HOME"
            )
        return cached
    problem: UFVideoError | None = None
    try:
        listed = _listing(name, library)
    except Exception as error:
        problem = hub_problem(error, name, library, kind)
    if problem is not None:
        # Behind the handler, so that no traceback shows what it came of.
        raise problem
    commit, files = _files(listed, name, kind)
    return HubRepository(
        name=name,
        source=HubRevision(name.repository, name.revision, commit),
        files=files,
        cache=_cache(name, library),
        library=library,
        kind=kind,
        is_offline=False,
    )


def cached_repository(
    name: HubName, *, needed_by: str, kind: type[UFVideoError]
) -> HubRepository | None:
    """What the cache has of a repository, without asking the Hub; None if it has nothing.

    Args:
        name: The repository.
        needed_by: What asks, for the message if huggingface_hub is not installed.
        kind: The family of its errors.

    Raises:
        ConfigError: When huggingface_hub is not installed.
    """
    library = hub_library(needed_by)
    cache = _cache(name, library)
    commit = cache.commit_of(name)
    found = {} if commit is None else cache.files(commit)
    if commit is None or not found:
        return None
    return HubRepository(
        name=name,
        source=HubRevision(name.repository, name.revision, commit),
        files={
            each: HubFile(path.stat().st_size, digest_in_name(path)) for each, path in found.items()
        },
        cache=cache,
        library=library,
        kind=kind,
        is_offline=True,
    )


def _cache(name: HubName, library: HubLibrary) -> HubCache:
    return HubCache(Path(library.constants.HF_HUB_CACHE).expanduser().absolute(), name.repository)


def _listing(name: HubName, library: HubLibrary) -> Any:
    agent = {"user-agent": library.user_agent}
    api = library.api.HfApi(endpoint=library.constants.ENDPOINT, headers=agent)
    with library.quiet():
        return api.model_info(
            name.repository,
            revision=name.revision,
            files_metadata=True,
            timeout=_LISTING_TIMEOUT_S,
        )


def _files(listed: Any, name: HubName, kind: type[UFVideoError]) -> tuple[str, dict[str, HubFile]]:
    """The commit and the files of an answer of the Hub, which become names in the cache."""
    files = {}
    for each in listed.siblings or ():
        digest = each.lfs.sha256 if each.lfs is not None else each.blob_id
        files[each.rfilename] = HubFile(each.size, digest)
    commit = listed.sha
    is_commit = isinstance(commit, str) and HubName(name.repository, commit).is_commit
    if not is_commit or not all(_is_listed(file) for file in files.values()):
        raise kind(
            f"{name}: expected the commit, sizes and digests of its files, the server at the"
            " address in HF_ENDPOINT lists none"
        )
    return commit, files


def _is_listed(file: HubFile) -> bool:
    has_size = isinstance(file.size_bytes, int) and file.size_bytes >= 0
    return has_size and isinstance(file.digest, str) and is_digest(file.digest)
