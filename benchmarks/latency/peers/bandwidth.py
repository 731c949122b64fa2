"""How fast this machine reads memory, with all the threads the engines get."""

from __future__ import annotations

import time

import torch

_NUM_VALUES = 1 << 27  # 512 MiB, more than any cache holds
_NUM_READS = 9


def read_bandwidth(num_threads: int, num_values: int = _NUM_VALUES) -> float:
    """Bytes a second of the fastest of several sums over a large buffer."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    values = torch.ones(num_values)
    best_s = float("inf")
    for _ in range(_NUM_READS):
        begin = time.perf_counter()
        values.sum()
        best_s = min(best_s, time.perf_counter() - begin)
    torch.set_num_threads(before)
    return values.nbytes / best_s
