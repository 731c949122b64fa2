"""Video files made for tests: every frame says its number in its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

MILLISECOND = Fraction(1, 1000)


def numbered_frame(number: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """A bar as long as the number, grey in steps of 4: each frame differs from the others."""
    frame = np.full((height, width, 3), number * 4 % 256, np.uint8)
    frame[: height // 2, : 1 + number % width] = 255 - number * 4 % 256
    return frame


def write_video(
    path: Path,
    times_ms: Sequence[int],
    *,
    height: int = 64,
    width: int = 96,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    gop: int = 12,
    b_frames: int | None = 2,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write one numbered frame for each time."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        stream.codec_context.gop_size = gop
        if b_frames is not None:
            stream.codec_context.max_b_frames = b_frames
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, height, width), "rgb24")
            frame.pts, frame.time_base = time_ms, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded_in_order(path: Path) -> list[NDArray[np.uint8]]:
    """All frames by plain decoding from the first to the last, uint8 [H, W, 3] each."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def uneven_times_ms(num_frames: int, seed: int = 0) -> list[int]:
    """Strictly increasing times with gaps of 10 to 200 ms."""
    gaps = np.random.default_rng(seed).integers(10, 200, num_frames)
    return [int(time) for time in np.cumsum(gaps) - gaps[0]]
