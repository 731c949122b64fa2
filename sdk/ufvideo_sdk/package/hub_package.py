"""A package that lies in a repository on the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.hub.download import DownloadCallback
from ufvideo_sdk.hub.hub_name import HubName, HubRevision, parse_hub_name
from ufvideo_sdk.hub.repository import HubRepository, cached_repository, open_repository
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import FileEntry, Manifest, listed_files, read_manifest

_NEEDED_BY = "a package on the Hugging Face Hub"


@dataclass(frozen=True)
class HubPackage:
    """A package of a repository, on this machine.

    Attributes:
        folder: Where its files are: links into the cache.
        source: The commit that they are of.
    """

    folder: Path
    source: HubRevision


def fetch_package(text: str, on_download: DownloadCallback | None = None) -> HubPackage:
    """Bring the files that a package's manifest lists from the Hub, unless they are here.

    The manifest is compared with the Hub's digest each time, and files when they are read; loading
    the package compares every file with the manifest's digests.

    Args:
        text: `hf:USER/NAME[@REVISION]`. Of a commit whose files are here the Hub is not asked.
        on_download: Called as bytes come; its exceptions end the download and are raised unchanged.

    Raises:
        ConfigError: When huggingface_hub is not installed.
        InputError: When the name is malformed.
        PackageError: When the repository cannot be read, holds no package, or a file is missing or
            is not what the Hub or the manifest lists.
        CapacityError: When the disk is too small.
    """
    name = parse_hub_name(text, "package")
    if name.is_commit:
        cached = cached_repository(name, needed_by=_NEEDED_BY, kind=PackageError)
        if cached is not None and MANIFEST_NAME in cached.files:
            entries = listed_files(_manifest(cached, None))
            if all(entry.path in cached.files for entry in entries):
                return HubPackage(cached.folder, cached.source)
    repository = open_repository(name, needed_by=_NEEDED_BY, kind=PackageError)
    manifest = _manifest(repository, on_download)
    names = []
    for entry in listed_files(manifest):
        _check_listed(repository, entry)
        names.append(entry.path)
    repository.download(names, on_download=on_download, check_present=False)
    return HubPackage(repository.folder, repository.source)


def _manifest(repository: HubRepository, on_download: DownloadCallback | None) -> Manifest:
    if MANIFEST_NAME not in repository.files:
        raise PackageError(
            f"{repository.name}: expected a package, whose {MANIFEST_NAME} is at the top of the"
            f" repository, found none{_instead(repository)}"
        )
    repository.download([MANIFEST_NAME], on_download=on_download)
    return read_manifest(repository.folder / MANIFEST_NAME)


def _instead(repository: HubRepository) -> str:
    if "config.json" not in repository.files:
        return ""
    return (
        "; it looks like a checkpoint, which is exported first: ufvideo export"
        f" {HubName(repository.source.repository, repository.source.revision)} package/"
    )


def _check_listed(repository: HubRepository, entry: FileEntry) -> None:
    """Compare what the manifest and the Hub say of a file, before anything is read."""
    file = repository.files.get(entry.path)
    if file is None:
        where = "in the cache (HF_HUB_OFFLINE is set)" if repository.is_offline else "there"
        raise PackageError(
            f"{repository.name}: expected {entry.path}, which the manifest lists, found none"
            f" {where}"
        )
    is_large = file.digest is not None and len(file.digest) == len(entry.sha256)
    if file.size_bytes != entry.size_bytes or (is_large and file.digest != entry.sha256):
        raise PackageError(
            f"{repository.name}: expected {entry.path} as the manifest lists it"
            f" ({entry.size_bytes} bytes, sha256 {entry.sha256}), the repository has another file"
            f" of that name ({file.size_bytes} bytes, {file.digest})"
        )
