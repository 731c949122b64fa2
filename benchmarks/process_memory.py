"""What Linux says of a process's memory."""

from __future__ import annotations

import os
from pathlib import Path


def memory_bytes(field: str, pid: int | None = None) -> int:
    """A line of /proc/PID/status.

    Args:
        field: "VmRSS" is held now, "VmHWM" the peak (`getrusage` would begin with what the parent
            held when it forked), "RssAnon" what no file stands behind.
        pid: Of the process; None: this one.

    Raises:
        OSError: When there is no such process.
        ValueError: When it has no such line, as one that is ending.
    """
    path = Path(f"/proc/{os.getpid() if pid is None else pid}/status")
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"expected a line {field} in {path}, found none")
