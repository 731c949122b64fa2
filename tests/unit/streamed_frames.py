"""Frames for tests of streams, and the session that a window must equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 48, 64


def frame(idx: int) -> NDArray[np.uint8]:
    """A frame of noise, of a brightness of its own: int8 scales follow the largest value."""
    pixels = np.random.default_rng(idx).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return (pixels // (idx % 4 + 1)).astype(np.uint8)


def push(stream: Any, idxs: Sequence[int], fps: float = 1.0) -> None:
    """Push frames of a stream that takes each."""
    for idx in idxs:
        stream.push(frame(idx), 100.0 + idx / fps)


def opened(model: Any, window: Any, sampling: str = "every") -> Any:
    """A session on the frames of a window."""
    frames = np.stack([frame(int(idx)) for idx in window.frame_idxs])
    return model.open(frames, timestamps_s=window.timestamps_s, sampling=sampling)


def same(ours: Any, theirs: Any) -> None:
    """Compare answers token for token, second for second and pixel for pixel."""
    assert ours.token_ids == theirs.token_ids
    assert [(s.start_s, s.end_s) for s in ours.spans] == [
        (s.start_s, s.end_s) for s in theirs.spans
    ]
    assert [m.runs for m in ours.masks] == [m.runs for m in theirs.masks]
    for mine, other in zip(ours.masks, theirs.masks, strict=True):
        assert mine.scores.tobytes() == other.scores.tobytes()
        assert mine.times_s.tolist() == other.times_s.tolist()
