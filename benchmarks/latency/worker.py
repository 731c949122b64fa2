"""A process that runs the workload once for each line it reads and reports its own memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.latency.workload import Workload

Round = Callable[[], dict[str, Any]]


def peak_mib() -> float:
    """The most memory this process has held, MiB.

    Read from /proc: `getrusage` begins with what the parent held when it forked.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def serve(prepare: Callable[[Workload], Round]) -> int:
    """Prepare once, then answer each line of standard input with one round's figures as JSON.

    Args:
        prepare: Loads everything and returns the function that runs one round.
    """
    run_round = prepare(Workload.from_json(sys.argv[1]))
    for _ in sys.stdin:
        figures = run_round()
        figures["peak memory, MiB"] = peak_mib()
        print(json.dumps(figures), flush=True)
    return 0
