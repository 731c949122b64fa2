"""A process that runs the workload once for each line it reads; the memory it reports is its own."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.latency.workload import Workload

Round = Callable[[], dict[str, Any]]


def serve(prepare: Callable[[Workload], Round]) -> int:
    """Prepare once, then answer each line of standard input with one round's figures as JSON.

    Args:
        prepare: Loads everything and returns the function that runs one round.
    """
    run_round = prepare(Workload.from_json(sys.argv[1]))
    for _ in sys.stdin:
        figures = run_round()
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        figures["peak memory, MiB"] = peak_kib / 1024
        print(json.dumps(figures), flush=True)
    return 0
