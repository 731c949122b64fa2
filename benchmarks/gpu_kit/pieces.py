"""One large archive as pieces of a bounded size, each with its digest."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path
from typing import BinaryIO

DIGESTS_NAME = "SHA256SUMS"


class PieceWriter:
    """A file that is cut into `STEM.000`, `STEM.001`, ... as it is written."""

    def __init__(self, folder: Path, stem: str, piece_bytes: int) -> None:
        self._folder, self._stem, self._piece_bytes = folder, stem, piece_bytes
        self._file: BinaryIO | None = None
        self._left = 0
        self.paths: list[Path] = []

    def write(self, data: bytes) -> int:
        """Append bytes, beginning a new piece where one is full."""
        view = memoryview(data)
        while view:
            if self._left == 0:
                self._next()
            assert self._file is not None
            part = view[: self._left]
            self._file.write(part)
            self._left -= len(part)
            view = view[len(part) :]
        return len(data)

    def close(self) -> None:
        """End the last piece."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _next(self) -> None:
        self.close()
        path = self._folder / f"{self._stem}.{len(self.paths):03d}"
        self.paths.append(path)
        self._file, self._left = path.open("wb"), self._piece_bytes


def write_pieces(source: Path, folder: Path, stem: str, piece_bytes: int) -> list[Path]:
    """Pack a folder's contents into pieces of a compressed archive.

    Args:
        source: What is packed.
        folder: Where the pieces go.
        stem: Of their names.
        piece_bytes: The most that a piece holds.
    """
    writer = PieceWriter(folder, stem, piece_bytes)
    # Weights and wheels hardly shrink: the least effort.
    with (
        gzip.GzipFile(fileobj=writer, mode="wb", compresslevel=1, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as archive,
    ):
        for path in sorted(source.iterdir()):
            archive.add(path, path.name)
    writer.close()
    return writer.paths


def write_digests(folder: Path, paths: list[Path]) -> None:
    """Write `SHA256SUMS`, as sha256sum reads it."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / DIGESTS_NAME).write_text("".join(lines), encoding="utf-8")
