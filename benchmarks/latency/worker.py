"""A process that runs the workload once for each line it reads and reports its own memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.latency.workload import Workload
from benchmarks.process_memory import memory_bytes

Round = Callable[[], dict[str, Any]]


def serve(prepare: Callable[[Workload], Round]) -> int:
    """Prepare once, then answer each line of standard input with one round's figures as JSON.

    Args:
        prepare: Loads everything and returns the function that runs one round.
    """
    run_round = prepare(Workload.from_json(sys.argv[1]))
    for _ in sys.stdin:
        figures = run_round()
        figures["peak memory, MiB"] = memory_bytes("VmHWM") / 2**20
        print(json.dumps(figures), flush=True)
    return 0
