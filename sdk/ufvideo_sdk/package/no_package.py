"""What people name in place of a package, and what to do with it."""

from __future__ import annotations

import os
from pathlib import Path

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.hub.hub_name import hub_name_of_url, hub_remedy
from ufvideo_sdk.validation.known_content import NUM_HEAD_BYTES, known_content
from ufvideo_sdk.validation.known_folders import (
    MANIFEST_NAME,
    FolderKind,
    folder_kind,
    package_inside,
)
from ufvideo_sdk.validation.paths import is_file, is_folder, shown
from ufvideo_sdk.validation.urls import is_url, shown_url

_PACKAGE_FILES = (".onnx", ".data", ".json")
_WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx")


def no_package(path: Path, given: object) -> PackageError:
    """The error for a path that is no folder.

    Args:
        path: The path.
        given: The same as the caller wrote it: pathlib merges the slashes of a URL.
    """
    if is_url(given):
        name = hub_name_of_url(given)
        remedy = "download it, and give the path of the folder"
        if name:
            remedy = f"{name} names it on the Hugging Face Hub"
        return PackageError(f"expected a package folder, got the URL {shown_url(given)}: {remedy}")
    if is_file(path):
        return PackageError(f"expected a package folder, got the file {shown(path)}{_file(path)}")
    return PackageError(
        f"expected a package folder, found none at {shown(path)}{_on_the_hub(path)}"
    )


def no_manifest(path: Path) -> PackageError:
    """The error for a folder without a manifest.

    Args:
        path: Where the manifest should be.
    """
    folder = path.parent
    if is_file(folder):
        return no_package(folder, folder)
    expected = f"expected a package with a {MANIFEST_NAME}, found "
    if folder_kind(folder) is FolderKind.CHECKPOINT:
        return PackageError(
            f"{expected}a checkpoint at {shown(folder)}: export it first, ufvideo export"
            f" {os.fspath(folder)} package/ --vision-tower siglip-so400m-patch14-384/, and load"
            " package/"
        )
    inner = package_inside(folder)
    remedy = "" if inner is None else f"; a package is in it: {shown(inner)}"
    return PackageError(f"{expected}no file {shown(path)}{remedy or _on_the_hub(folder)}")


def _on_the_hub(path: Path) -> str:
    """How to name a repository of the Hugging Face Hub, if a path that names nothing may be one."""
    return "" if is_folder(path) else hub_remedy(os.fspath(path))


def _file(path: Path) -> str:
    """What to do with a file that is given in place of the folder; empty if that is unknown."""
    suffix = path.suffix.lower()
    if is_file(path.parent / MANIFEST_NAME) and suffix in _PACKAGE_FILES:
        return f": give the folder that it lies in, {shown(path.parent)}"
    # PyTorch writes weights as a zip archive, which nobody should unpack.
    if suffix in _WEIGHT_FILES:
        return ": ufvideo export makes a package of the checkpoint's folder"
    try:
        with path.open("rb") as file:
            found = known_content(path, file.read(NUM_HEAD_BYTES))
    except OSError:
        found = ""
    if found:
        return f", {found}"
    return ": a package is what `ufvideo export` wrote; a video is what the model is asked about"
