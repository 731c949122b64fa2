"""One mutated input and what became of it."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

INPUT_FOLDER = "input"
CASE_NAME = "case.json"


@dataclass(frozen=True)
class Special:
    """A directory entry that is no plain file.

    Attributes:
        what: "fifo", "folder", "link" to `target`, "sparse" of `num_bytes`, or "missing".
        target: Where a link points.
        num_bytes: Size of a sparse file, whose blocks are not allocated.
    """

    what: Literal["fifo", "folder", "link", "sparse", "missing"]
    target: str = ""
    num_bytes: int = 0

    def make(self, path: Path) -> None:
        """Create the entry."""
        if self.what == "fifo":
            os.mkfifo(path)
        elif self.what == "folder":
            path.mkdir()
        elif self.what == "link":
            path.symlink_to(self.target)
        elif self.what == "sparse":
            with path.open("wb") as file:
                file.truncate(self.num_bytes)


Entry = bytes | Special
Entries = Mapping[str, Entry]


class Kind(Protocol):
    """One kind of input: what is mutated, how, and what is done with it.

    Attributes:
        name: As on the command line.
        share: Its part of a run's time, beside those of the others.
        links_shared: Whether a case's folder has all files that `prepare` wrote.
    """

    name: str
    share: float
    links_shared: bool

    def prepare(self, folder: Path) -> None:
        """Write what all cases share, in the parent process, before the worker starts."""

    def set_up(self, folder: Path) -> None:
        """Load what all trials share, in the worker process."""

    def entries(self, chance: random.Random) -> Entries:
        """The mutated input, by path in the case's folder; the same for the same `chance`."""

    def trial(self, folder: Path) -> None:
        """Use the input through the public interface, in the worker process.

        Raises:
            UFVideoError: When the SDK refuses the input. Any other exception is a finding.
        """


Status = Literal["accepted", "refused", "crash", "hang", "foreign", "memory"]
FINDINGS: tuple[Status, ...] = ("crash", "hang", "foreign", "memory")


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        status: "accepted", "refused" by one of the SDK's errors, or a finding.
        what: The error's class, the signal's name, or empty.
        detail: The error's message and traceback, or the stacks of a worker that hung.
        where: The deepest line of the SDK in the traceback; with `what` it tells findings apart.
        seconds: Wall time without waiting for a processor.
        peak_bytes: Most resident memory of the worker during the case.
    """

    status: Status
    what: str = ""
    detail: str = ""
    where: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def is_finding(self) -> bool:
        """Whether the case must not end so."""
        return self.status in FINDINGS

    @property
    def signature(self) -> tuple[str, str, str]:
        """Equal for findings that look the same."""
        return (self.status, self.what, self.where)


@dataclass(frozen=True)
class CaseId:
    """Names a case: the same id has the same bytes, where the same encoders are installed."""

    kind: str
    seed: int
    number: int

    def chance(self) -> random.Random:
        """The generator that all choices of this case come from."""
        return random.Random(f"{self.kind}/{self.seed}/{self.number}")

    def __str__(self) -> str:
        return f"{self.kind}-{self.seed}-{self.number}"


def waited_s(pid: int) -> float:
    """How long the main thread of a process has waited for a processor, in seconds.

    On a busy machine that is most of a case's time, and no fault of the case.
    """
    try:
        _, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0.0
    return int(waited_ns) / 1e9


def write_entries(folder: Path, entries: Entries, shared: Path | None = None) -> None:
    """Write a case's folder anew.

    Args:
        folder: The folder; an older one is removed.
        entries: What differs from `shared`.
        shared: A folder whose other files are linked into the case's.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(shared.rglob("*")) if shared is not None else ():
        name = str(path.relative_to(shared)) if shared is not None else ""
        if path.is_file() and name not in entries:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(path, folder / name)
    for name, entry in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, Special):
            entry.make(folder / name)
        else:
            (folder / name).write_bytes(entry)


def write_finding(folder: Path, case: CaseId, entries: Entries, outcome: Outcome) -> None:
    """Keep a finding: its `case.json` holds all bytes that differ from the kind's shared files."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        **asdict(case),
        "outcome": asdict(outcome),
        "entries": {
            name: asdict(entry)
            if isinstance(entry, Special)
            else base64.b64encode(entry).decode("ascii")
            for name, entry in entries.items()
        },
    }
    (folder / CASE_NAME).write_text(json.dumps(content, indent=2) + "\n")


def read_finding(folder: Path) -> tuple[CaseId, Entries]:
    """Read back what `write_finding` wrote."""
    content = json.loads((folder / CASE_NAME).read_text())
    entries: dict[str, Entry] = {
        name: Special(**entry) if isinstance(entry, dict) else base64.b64decode(entry)
        for name, entry in content["entries"].items()
    }
    return CaseId(content["kind"], content["seed"], content["number"]), entries
