"""Memory of a process and its children, as Linux counts it."""

from __future__ import annotations

import os
from pathlib import Path


def memory_bytes(field: str, pid: int | None = None) -> int:
    """A line of /proc/PID/status.

    Args:
        field: "VmRSS" is the memory in use now, "VmHWM" its peak (that of `getrusage` begins with
            the memory of the parent at the fork), "RssAnon" the memory that maps no file.
        pid: Of the process; None: this one.

    Raises:
        OSError: When there is no such process.
        ValueError: When it has no such line, as one that is ending.
    """
    path = Path(f"/proc/{os.getpid() if pid is None else pid}/status")
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"expected a line {field} in {path}, found none")


def reset_peak() -> None:
    """Let this process's peak, "VmHWM", begin anew with the memory that it has now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory_bytes_or_0(field: str, pid: int) -> int:
    """As `memory_bytes`; 0 once the process has ended."""
    try:
        return memory_bytes(field, pid)
    except (OSError, ValueError):
        return 0


def process_tree(pid: int) -> list[int]:
    """A process and all that it started, directly or not, as far as they live now."""
    found = [pid]
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                found += process_tree(int(child))
    except OSError:
        pass  # The process or one of its threads has ended meanwhile.
    return found


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and all that it started, in bytes; 0 if it has ended."""
    return sum(memory_bytes_or_0("VmRSS", each) for each in process_tree(pid))
