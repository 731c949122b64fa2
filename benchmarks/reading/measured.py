"""What a command costs: CPU and wall time, and how often and how far it reads one file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# `1234 read(5</a/b.mp4>, ""..., 32768) = 32768`
_CALL = re.compile(r"^\d+ +(openat|read|pread64|readv|preadv)\(.* = (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """What a process used until it ended.

    Attributes:
        cpu_s: User and system time of all its threads, seconds.
        wall_s: Seconds until it ended.
    """

    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Reads:
    """What a process did to one file.

    Attributes:
        num_opens: How often it opened the file.
        num_bytes: Bytes that it read of it.
    """

    num_opens: int
    num_bytes: int


def cost_of(command: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None) -> Cost:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        variables: Environment variables beside those of this process.
        cwd: Folder to run it in; None: this process's.

    Raises:
        RuntimeError: When it fails.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"expected exit status 0 from {command}, got {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - begin)


def reads_of(command: Sequence[str], variables: Mapping[str, str], file: Path) -> Reads | None:
    """Run a command under strace, which is slow; None if there is no strace.

    Args:
        command: The program and its arguments.
        variables: Environment variables beside those of this process.
        file: The file that is watched.

    Raises:
        subprocess.CalledProcessError: When it fails.
    """
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        calls = "trace=openat,read,pread64,readv,preadv"
        watch = [strace, "-f", "-y", "-P", str(file), "-e", calls, "-s", "0", "-o", str(log)]
        subprocess.run(
            [*watch, *command], env={**os.environ, **variables}, check=True, capture_output=True
        )
        found = _CALL.findall(log.read_text(encoding="utf-8", errors="replace"))
    sizes = [int(result) for call, result in found if call != "openat"]
    return Reads(len(found) - len(sizes), sum(sizes))
