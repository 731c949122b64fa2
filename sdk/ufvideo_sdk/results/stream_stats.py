"""What a stream has done until now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ufvideo_sdk.results.answer import StageStats


@dataclass(frozen=True)
class StreamStats:
    """Counts of a stream since it was opened.

    Attributes:
        num_pushed: Frames that were pushed and not refused.
        num_encoded: Frames that went through the vision encoder.
        num_waiting: Frames that wait for it.
        skipped_by: Frames that are left out, by reason: "grid", not the first one at a point of the
            grid of 1 / fps seconds; "late", not later than the frame before; "queue", pushed out of
            the full queue by newer ones; "failed", a graph failed.
        memory_bytes: Bytes held by pixels, features, video tokens, masks and KV caches.
        stages: Calls and wall time by stage, of pushes and questions together.
    """

    num_pushed: int
    num_encoded: int
    num_waiting: int
    skipped_by: Mapping[str, int]
    memory_bytes: int
    stages: Mapping[str, StageStats]

    @property
    def skipped(self) -> int:
        """Frames that are left out, for whatever reason."""
        return sum(self.skipped_by.values())
