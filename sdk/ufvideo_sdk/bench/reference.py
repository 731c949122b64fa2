"""How fast the machine itself is: a fixed piece of work that has nothing to do with the SDK."""

from __future__ import annotations

import hashlib
import time

import numpy as np

_NUM_BYTES = 1 << 20
_NUM_REPEATS = 5
_MATRIX = 192


def reference_ms() -> float:
    """The median time of a digest of 1 MiB and a product of two small matrices, ms.

    A longer time shows a slower processor, also where the clock cannot be read (virtual machines).
    """
    block = bytes(_NUM_BYTES)
    matrix = np.full((_MATRIX, _MATRIX), 0.5, np.float32)
    times = []
    for _ in range(_NUM_REPEATS):
        begin = time.perf_counter()
        hashlib.sha256(block).digest()
        # Not `matrix @ matrix`: that would start the threads of NumPy's own library.
        np.einsum("ij,jk->ik", matrix, matrix)
        times.append(1e3 * (time.perf_counter() - begin))
    return sorted(times)[_NUM_REPEATS // 2]
