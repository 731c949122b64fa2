"""A process that runs the workload once for each line it reads and reports its own memory."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.latency.workload import Workload
from ufvideo_sdk.bench import child_process
from ufvideo_sdk.bench.child_process import Figures, Round
from ufvideo_sdk.bench.process_memory import memory_bytes


def serve(prepare: Callable[[Workload], Round]) -> int:
    """Prepare once, then answer each line of standard input with one round's figures as JSON.

    Args:
        prepare: Loads everything and returns the function that runs one round.
    """
    run_round = prepare(Workload.from_json(sys.argv[1]))

    def with_memory() -> Figures:
        return run_round() | {"peak memory, MiB": memory_bytes("VmHWM") / 2**20}

    return child_process.serve(with_memory)
