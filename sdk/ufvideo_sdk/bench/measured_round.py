"""What one round measured."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ufvideo_sdk import StageStats


@dataclass
class Round:
    """What a round measured.

    Attributes:
        begin_s: When it began, on the system's monotonic clock.
        end_s: When it ended.
        samples: Measurements by the name of the figure.
        answers: Digest of the token ids of each answer, of spans and of masks, by what was asked.
    """

    begin_s: float = 0.0
    end_s: float = 0.0
    samples: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        """Add measurements of a figure."""
        self.samples.setdefault(name, []).extend(values)

    def add_stage(
        self, stem: str, before: Mapping[str, StageStats], after: Mapping[str, StageStats]
    ) -> None:
        """Add the time per item that a stage took between two readings, unless it did not run."""
        nothing = StageStats(0, 0, 0.0)
        earlier, later = before.get(stem, nothing), after.get(stem, nothing)
        num_items = later.num_items - earlier.num_items
        if num_items > 0:
            self.add(f"{stem}_ms", (later.total_ms - earlier.total_ms) / num_items)


def digest(value: object) -> str:
    """SHA-256 of a JSON value, in hexadecimal."""
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def since(begin: float) -> float:
    """Milliseconds from a `time.perf_counter` until now."""
    return 1e3 * (time.perf_counter() - begin)
