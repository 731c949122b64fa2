"""What a GPU says of itself: memory in use, and how fast its memory is read."""

from __future__ import annotations

import statistics
import time

from ufvideo_sdk.bench.nvml import open_nvml

# Starting a sum and waiting for it takes some 30 us: little beside what reading this takes.
_READ_BYTES = 4 << 30
_WARM_S = 0.5


def used_mib() -> float | None:
    """Memory in use on the first GPU, by all processes; None where NVIDIA's library tells none."""
    nvml = open_nvml()
    used = None if nvml is None else nvml.used_bytes()
    return None if used is None else used / 2**20


def read_bandwidth(device: str, num_bytes: int = _READ_BYTES) -> float:
    """Bytes a second that a device reads from its memory, the median of several sums.

    Args:
        device: PyTorch's name of it.
        num_bytes: Read by each sum; more than any cache holds.
    """
    import torch

    values = torch.ones(num_bytes // 4, device=device)
    # A GPU that did nothing runs at a fraction of its clock.
    warm_until = time.perf_counter() + (0.0 if device == "cpu" else _WARM_S)
    while time.perf_counter() < warm_until:
        float(values.sum())
    times_s = []
    for _ in range(9):
        begin = time.perf_counter()
        float(values.sum())  # Waits for the device.
        times_s.append(time.perf_counter() - begin)
    return values.nbytes / statistics.median(times_s)
