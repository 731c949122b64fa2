"""Processes of the comparisons: one side, loaded once and asked for a round at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.latency.workload import Workload
from ufvideo_sdk.bench import child_process
from ufvideo_sdk.bench.child_process import ChildProcess, Message, Round
from ufvideo_sdk.bench.process_memory import memory_bytes


def start_worker(module: str, told: Mapping[str, Any], num_threads: int) -> ChildProcess:
    """Start a process; OpenMP reads its number of threads before anything is imported."""
    return ChildProcess(module, told, {"OMP_NUM_THREADS": str(num_threads)})


def one_round(module: str, told: Mapping[str, Any], num_threads: int) -> Message:
    """Run a worker's job once in a process of its own."""
    with start_worker(module, told, num_threads) as worker:
        return worker.round()


def serve(prepare: Callable[[Workload], Round]) -> int:
    """In the process of a side: run the workload whenever asked, and add the peak memory.

    Args:
        prepare: Loads everything and returns the function that runs one round.
    """

    def with_memory(told: Message) -> Round:
        run_round = prepare(Workload.from_told(told))
        return lambda: run_round() | {"peak memory, MiB": memory_bytes("VmHWM") / 2**20}

    return child_process.serve(with_memory)
