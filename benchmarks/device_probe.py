"""What a GPU says of itself: memory in use, and how fast its memory is read."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time

# Starting a sum and waiting for it takes some 30 us: little beside what reading this takes.
_READ_BYTES = 4 << 30
_WARM_S = 0.5


class DeviceMemory:
    """Peak of what the GPU has in use above what it had, read from nvidia-smi meanwhile.

    Nothing else may use the GPU. `peak_mib` is None where there is no nvidia-smi that tells it.
    """

    def __init__(self) -> None:
        self.peak_mib: float | None = None
        self._before = used_mib()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> DeviceMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            used = used_mib()
            if used is None or self._before is None:
                return
            self.peak_mib = max(self.peak_mib or 0.0, used - self._before)


def used_mib() -> float | None:
    """Memory in use on the first GPU, by all processes; None where nvidia-smi does not tell it."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return float(told)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


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
