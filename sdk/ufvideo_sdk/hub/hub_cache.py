"""The cache of the Hugging Face Hub on disk, as every library that uses it keeps it.

models--USER--NAME/blobs/DIGEST             the files, by digest
models--USER--NAME/snapshots/COMMIT/FILE    links to them
models--USER--NAME/refs/REVISION            which commit a branch or tag was
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ufvideo_sdk.hub.hub_name import HubName
from ufvideo_sdk.validation.paths import is_file

_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}\n?")


@dataclass(frozen=True)
class HubCache:
    """The part of the cache that is one repository's.

    Attributes:
        root: Folder of the whole cache.
        repository: "USER/NAME".
    """

    root: Path
    repository: str

    @property
    def _folder(self) -> Path:
        return self.root / f"models--{self.repository.replace('/', '--')}"

    def snapshot(self, commit: str) -> Path:
        """Folder of a commit's files."""
        return self._folder / "snapshots" / commit

    def blob(self, digest: str) -> Path:
        """Where the file with a digest lies."""
        return self._folder / "blobs" / digest

    def partial(self, digest: str) -> Path:
        """Where the first bytes of that file lie after a download was cut."""
        return self._folder / "blobs" / f"{digest}.incomplete"

    def lock(self, digest: str) -> Path:
        """The file that whoever downloads that file holds locked."""
        return self.root / ".locks" / self._folder.name / f"{digest}.lock"

    def commit_of(self, name: HubName) -> str | None:
        """The commit that a revision was when the Hub was last asked; None if never."""
        if name.is_commit:
            return name.revision
        try:
            text = (self._folder / "refs" / name.revision).read_text(encoding="ascii")
        except (OSError, ValueError):
            return None
        return text.strip() if _COMMIT.fullmatch(text) else None

    def remember(self, name: HubName, commit: str) -> None:
        """Record which commit a revision is, for later use without a network."""
        if name.is_commit or self.commit_of(name) == commit:
            return
        path = self._folder / "refs" / name.revision
        # A cache that may only be read is a cache all the same.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_text(commit, encoding="ascii")
            draft.replace(path)

    def files(self, commit: str) -> dict[str, Path]:
        """The files of a commit that are here, by their names in the repository."""
        folder = self.snapshot(commit)
        found = sorted(path for path in folder.rglob("*") if is_file(path))
        return {path.relative_to(folder).as_posix(): path for path in found}

    def publish(self, digest: str, commit: str, name: str) -> None:
        """Let a file of a commit lead to the blob with its digest."""
        path = self.snapshot(commit) / name
        if is_file(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        blob = self.blob(digest)
        try:
            path.symlink_to(os.path.relpath(blob, path.parent))
        except FileExistsError:
            # Another process was faster.
            return
        except OSError:
            # A disk without links.
            shutil.copyfile(blob, path)


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-1 or a SHA-256 in hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def digest_in_name(path: Path) -> str | None:
    """The digest that a file of a snapshot should have: the name of the blob that it links to."""
    try:
        name = path.readlink().name
    except OSError:
        return None
    return name if is_digest(name) else None
