"""The folder of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workplace:
    """Where a run keeps its files.

    Attributes:
        folder: Everything of the run.
    """

    folder: Path

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's files."""
        return self.folder / "tokenizer"

    def weights(self, stage: str) -> Path:
        """What a stage leaves."""
        return self.folder / f"{stage}.pt"

    def is_done(self, stage: str) -> bool:
        """Whether a stage has come to its end."""
        return (self.folder / f"{stage}.done").is_file()

    def set_done(self, stage: str) -> None:
        """Note that a stage has come to its end."""
        (self.folder / f"{stage}.done").touch()
