"""Where the time of loading a package went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class LoadStats:
    """Where the time of `UFVideo.load` went.

    A download from the Hugging Face Hub, which comes before, is not part of it.

    Attributes:
        total_ms: Wall time of the whole.
        phases_ms: Wall time of its parts, in order: `manifest` (read and checked), `libraries`
            (finding ONNX Runtime, loading what its providers need), `engines` (TensorRT's, built or
            found), `package` (files compared with the manifest, digests included), each stage's
            stem (opening its graph; the first one opens ONNX Runtime), and `text` (tokenizer, chat
            template, answer formats). What lies between them is a small rest of `total_ms`.
    """

    total_ms: float
    phases_ms: Mapping[str, float]


class LoadClock:
    """Times the parts of a load, which follow one another."""

    def __init__(self) -> None:
        """Begin."""
        self._begin = time.perf_counter()
        self._phases_ms: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one part."""
        begin = time.perf_counter()
        yield
        self.add(name, 1e3 * (time.perf_counter() - begin))

    def add(self, name: str, ms: float) -> None:
        """Add to a part."""
        self._phases_ms[name] = self._phases_ms.get(name, 0.0) + ms

    def stats(self) -> LoadStats:
        """What was timed until now."""
        return LoadStats(1e3 * (time.perf_counter() - self._begin), dict(self._phases_ms))
