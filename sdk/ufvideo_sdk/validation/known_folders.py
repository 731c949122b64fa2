"""Folders that are given in place of each other: packages, checkpoints, frames, data sets."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from ufvideo_sdk.validation.paths import is_file

MANIFEST_NAME = "manifest.json"

_WEIGHT_PATTERNS = ("*.safetensors", "pytorch_model*.bin", "*.safetensors.index.json")


class FolderKind(Enum):
    """What a folder is, by the names in it."""

    PACKAGE = "a package"
    CHECKPOINT = "a checkpoint"
    OTHER = "another folder"


def folder_kind(folder: Path) -> FolderKind:
    """Tell packages and checkpoints from other folders; one that may not be read is another one."""
    try:
        if is_file(folder / MANIFEST_NAME):
            return FolderKind.PACKAGE
        has_weights = any(any(folder.glob(pattern)) for pattern in _WEIGHT_PATTERNS)
    except OSError:
        return FolderKind.OTHER
    is_checkpoint = has_weights and is_file(folder / "config.json")
    return FolderKind.CHECKPOINT if is_checkpoint else FolderKind.OTHER


def package_inside(folder: Path) -> Path | None:
    """The package that lies right inside of a folder, if it is the only one there."""
    try:
        found = [path.parent for path in folder.glob(f"*/{MANIFEST_NAME}")]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None
