"""Weight matrices of a checkpoint, read some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.checkpoint.checkpoint import Checkpoint

# Of a matrix in float32 that are in memory at once.
CHUNK_BYTES = 32 << 20


class WeightRows:
    """One or more matrices of equal width, one below the other, float32 [N, K] in all.

    Attributes:
        name: Of the whole.
        shape: [N, K].
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        name: str,
        parts: Sequence[tuple[str, int]],
        width: int,
        *,
        factor: float = 1.0,
    ) -> None:
        """Describe the matrices; nothing is read.

        Args:
            checkpoint: What holds them.
            name: Of the whole.
            parts: Key and number of rows of each.
            width: Values of a row.
            factor: What every value is multiplied by as it is read.
        """
        self._checkpoint, self._parts, self._factor = checkpoint, parts, factor
        self.name = name
        self.shape = (sum(num_rows for _, num_rows in parts), width)

    def chunks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Pieces that fit `CHUNK_BYTES` (one row at least): first row, and rows float32 [n, K]."""
        width = self.shape[1]
        step = max(CHUNK_BYTES // (4 * width), 1)
        first = 0
        for key, num_rows in self._parts:
            for begin in range(0, num_rows, step):
                end = min(begin + step, num_rows)
                rows = self._checkpoint.rows(key, (num_rows, width), begin, end)
                if self._factor != 1.0:
                    rows = rows * self._factor
                yield first + begin, np.ascontiguousarray(rows.numpy())
            first += num_rows
