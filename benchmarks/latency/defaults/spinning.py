"""Idle threads that spin beside idle threads that sleep: alone, and with a busy neighbour.

Run by `python -m benchmarks.latency.defaults --only spinning`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.floors import Figure
from benchmarks.latency.peers.engines import ENGINES, PRECISIONS
from benchmarks.latency.peers.speed import Setting, job_of
from benchmarks.latency.peers.worker import start_engine
from ufvideo_sdk.bench.child_process import ChildProcess

_BUSY = "while True: pass"


def spinning_section(setting: Setting) -> list[Figure]:
    """Decode time with spinning threads over that with sleeping ones; above 1: spinning loses."""
    figures = []
    for precision in PRECISIONS:
        model = str(setting.weights.package(precision))
        job = job_of(setting, model)
        with ExitStack() as running:
            workers = {
                spins: running.enter_context(
                    start_engine(ENGINES[0].worker, replace(job, spinning=spins))
                )
                for spins in (True, False)
            }
            alone = _ratio(setting, workers)
            neighbour = running.enter_context(subprocess.Popen([sys.executable, "-c", _BUSY]))
            running.callback(neighbour.kill)
            beside = _ratio(setting, workers)
        name = f"decode {precision}, spinning / sleeping"
        figures.append(Figure(f"{name}, alone", alone, None, "at most"))
        figures.append(Figure(f"{name}, beside a busy process", beside, None, "at most"))
    return figures


def _ratio(setting: Setting, workers: dict[bool, ChildProcess]) -> float:
    times: dict[bool, list[float]] = {spins: [] for spins in workers}
    for number in range(setting.num_rounds + 1):
        for spins, worker in workers.items():
            time.sleep(setting.settle_s)
            decode_ms = worker.round()["decode_ms"]
            if number > 0:
                times[spins].append(decode_ms)
    return statistics.median(times[True]) / statistics.median(times[False])
