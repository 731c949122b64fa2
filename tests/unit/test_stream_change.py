"""How much the newest frame of a stream differs from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.unit.streamed_frames import frame, push


@pytest.fixture
def stream(model: Any) -> Iterator[Any]:
    with model.open_stream() as stream:
        yield stream


def test_the_newest_frame_says_how_much_it_differs(stream: Any) -> None:
    assert stream.newest is None
    push(stream, [3])
    assert (stream.newest.frame_idx, stream.newest.time_s, stream.newest.change) == (0, 103.0, None)
    stream.push(frame(3), 104.0)
    assert stream.newest.change == 0.0
    push(stream, [6, 7, 9])
    newest = stream.newest
    assert (newest.frame_idx, newest.time_s) == (4, 109.0)
    # Of the frame before, whose features the stream holds still.
    assert 0.0 < newest.change <= 1.0


def test_a_change_is_measured_on_the_features_of_a_frame(model: Any, stream: Any) -> None:
    from ufvideo_sdk._native import resize_bicubic

    push(stream, [0, 1])
    size = model.manifest.video.vision_size_px
    pixels = np.stack([resize_bicubic(frame(idx)[None], size, size)[0] for idx in (0, 1)])
    first, second = model._loaded.native.vision_encoder.encode(pixels).astype(np.float64)
    of_patches = ((first - second) ** 2).sum(1) / (2 * (first**2 + second**2).sum(1))
    counted = np.sort(of_patches)[-max(len(of_patches) // 16, 1) :]
    assert stream.newest.change == pytest.approx(counted.mean(), rel=1e-5)
