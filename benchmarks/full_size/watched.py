"""A command under watch: the memory of its whole process tree, its disk, its time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ufvideo_sdk.bench.process_memory import memory_bytes_or_0, process_tree

_SAMPLE_S = 0.02
# Adding up a folder's files takes longer than reading a process's memory.
_SAMPLES_PER_DISK = 25


@dataclass
class Watched:
    """What a command took.

    Attributes:
        took_s: Wall time.
        core_s: Processor time, which does not grow with what else runs.
        resident_bytes: The most that the tree held, pages of mapped files included.
        anonymous_bytes: The most that no file stands behind.
        disk_bytes: The most that the files of a folder held.
        lines: What it printed.
        stopped: It was killed on the way, as asked.
    """

    took_s: float = 0.0
    core_s: float = 0.0
    resident_bytes: int = 0
    anonymous_bytes: int = 0
    disk_bytes: int = 0
    lines: list[str] = field(default_factory=list)
    stopped: bool = False


def watch(
    arguments: Sequence[str],
    folder: Path,
    *,
    stop_at: str | None = None,
    on_line: Callable[[str], None] = lambda _: None,
) -> Watched:
    """Run a Python command; this process and everything below it are one tree.

    Args:
        arguments: What follows `python`.
        folder: Whose files are added up.
        stop_at: Kill the command once it prints a line that begins so.
        on_line: Called with each line as it comes.

    Raises:
        CalledProcessError: When it fails, with what it wrote to standard error.
    """
    found = Watched()
    begin, core_begin = time.perf_counter(), _children_s()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    errors: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            found.lines.append(line.rstrip("\n"))
            on_line(found.lines[-1])
            if stop_at is not None and line.startswith(stop_at):
                found.stopped = True
                process.kill()

    def read_errors() -> None:
        assert process.stderr is not None
        errors.extend(process.stderr)

    readers = [threading.Thread(target=target) for target in (read, read_errors)]
    for reader in readers:
        reader.start()
    try:
        number = 0
        while process.poll() is None:
            _sample(found, folder if number % _SAMPLES_PER_DISK == 0 else None)
            number += 1
            time.sleep(_SAMPLE_S)
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
    # Also if the process ended before the first sample.
    found.disk_bytes = max(found.disk_bytes, folder_bytes(folder))
    found.took_s = time.perf_counter() - begin
    found.core_s = _children_s() - core_begin
    if process.returncode and not found.stopped:
        raise subprocess.CalledProcessError(
            process.returncode, list(arguments), stderr="".join(errors)
        )
    return found


def _children_s() -> float:
    """Processor time of every child that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sample(found: Watched, folder: Path | None) -> None:
    pids = process_tree(os.getpid())
    anonymous, files, shared = (
        sum(memory_bytes_or_0(field_name, pid) for pid in pids)
        for field_name in ("RssAnon", "RssFile", "RssShmem")
    )
    found.anonymous_bytes = max(found.anonymous_bytes, anonymous)
    found.resident_bytes = max(found.resident_bytes, anonymous + files + shared)
    if folder is not None:
        found.disk_bytes = max(found.disk_bytes, folder_bytes(folder))


def folder_bytes(folder: Path) -> int:
    """What the files below a folder hold, while files come and go."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:
                continue
    return total
