"""Draw a short clip of moving shapes and write it as a real H.264 file.

Run as `python -m benchmarks.clips OUT.mp4`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FPS = 25
BALL_COLOUR = (240, 210, 40)
SQUARE_COLOUR = (50, 90, 220)


def draw_frames(num_frames: int, *, height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """Draw a yellow ball that crosses the picture and a blue square that waits, then falls.

    Args:
        num_frames: Frames of the clip.
        height: Height of a frame, pixels.
        width: Width of a frame, pixels.

    Returns:
        RGB frames, uint8 [num_frames, height, width, 3].
    """
    rows = np.linspace(60, 110, height, dtype=np.uint8)[:, None, None]
    background = np.broadcast_to(rows, (height, width, 3))
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    radius = height // 8
    for index in range(num_frames):
        frame = np.ascontiguousarray(background)
        progress = index / max(num_frames - 1, 1)
        ball = (int(radius + progress * (width - 2 * radius)), height // 3)
        cv2.circle(frame, ball, radius, BALL_COLOUR, -1, cv2.LINE_AA)
        top = int(height * (0.45 + 0.35 * max(0.0, progress - 0.5) * 2))
        left = int(width * 0.6)
        cv2.rectangle(frame, (left, top), (left + radius, top + radius), SQUARE_COLOUR, -1)
        frames[index] = frame
    return frames


def write_h264(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    fps: int = FPS,
    options: Mapping[str, str] | None = None,
) -> None:
    """Write frames as an H.264 file of constant frame rate.

    Args:
        path: File to write; the suffix names the container.
        frames: RGB frames of one size, uint8 [H, W, 3], H and W even; one or more.
        fps: Frames a second.
        options: Of the encoder; None: its defaults.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=dict(options or {}))
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(frames):
            if number == 0:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def main(arguments: list[str]) -> int:
    """Write the clip to the path given."""
    if len(arguments) != 1:
        print("usage: python -m benchmarks.clips OUT.mp4", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_h264(path, draw_frames(3 * FPS))
    print(f"wrote {path}: {3 * FPS} frames, {FPS} a second, H.264")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
