"""How fast this machine reads memory: a worker that takes its turn beside the engines.

On a shared machine what is left of the memory's bandwidth changes from minute to minute, so that a
limit measured once says nothing about a decode step measured later.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch

from benchmarks.latency.peers.worker import Job, serve_engine
from ufvideo_sdk.bench.child_process import Message, Round

_NUM_VALUES = 1 << 27  # 512 MiB of float32, more than any cache holds
_ROUND_S = 0.5  # about what an engine decodes for


def prepare(job: Job) -> Round:
    """Fill a large buffer; a round sums it again and again with the engines' number of threads."""
    torch.set_num_threads(job.num_threads)
    values = torch.ones(_NUM_VALUES)

    def run_round() -> Message:
        times_s = []
        end = time.perf_counter() + _ROUND_S
        while not times_s or time.perf_counter() < end:
            begin = time.perf_counter()
            values.sum()
            times_s.append(time.perf_counter() - begin)
        return {"bytes_per_s": values.nbytes / statistics.median(times_s)}

    return run_round


if __name__ == "__main__":
    sys.exit(serve_engine(prepare))
