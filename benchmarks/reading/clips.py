"""Write the videos of the reading benchmark: one minute of 1080p, and an hour of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import write_h264

FPS = 30
HEIGHT, WIDTH = 1080, 1920
FRAMES_BETWEEN_KEYS = 250
_MARGIN_PX = 256
# Of the drawing.
_SEED = 14
_MAX_GRAIN = 10


def write_minute(
    path: Path, *, seconds: int = 60, height: int = HEIGHT, width: int = WIDTH
) -> Path:
    """Write a textured scene that the camera pans over, with a ball in front, as H.264.

    The encoder is x264 with its default settings, which include B-frames that no other frame
    refers to, and a key frame every 250 frames.

    Args:
        path: File to write; the suffix names the container.
        seconds: Length of the clip.
        height: Height of a frame, pixels, even.
        width: Width of a frame, pixels, even.
    """
    scene = _scene(height + _MARGIN_PX, width + _MARGIN_PX)
    grains = _grains(height + _MARGIN_PX, width + _MARGIN_PX)
    keys = f"keyint={FRAMES_BETWEEN_KEYS}:min-keyint={FRAMES_BETWEEN_KEYS}:scenecut=0"
    frames = (_drawn(scene, grains, number, height, width) for number in range(seconds * FPS))
    write_h264(path, frames, fps=FPS, options={"x264-params": keys})
    return path


def write_repeated(path: Path, part: Path, times: int) -> Path:
    """Write a video that shows another one several times, by copying its packets.

    Args:
        path: File to write.
        part: A video of FPS frames a second.
        times: How often to show it.
    """
    with av.open(str(path), "w") as container:
        stream: Any = None
        shift = 0
        for _ in range(times):
            with av.open(str(part)) as source:
                video = source.streams.video[0]
                if stream is None:
                    stream = container.add_stream_from_template(video)
                step = round(video.frames / Fraction(FPS) / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
                    packet.stream = stream
                    container.mux(packet)
            shift += step
    return path


def _scene(height: int, width: int) -> NDArray[np.uint8]:
    """Blots of several sizes, as a camera sees a textured surface."""
    rng = np.random.default_rng(_SEED)
    scene = np.zeros((height, width, 3), np.float32)
    for cell_px, strength in ((128, 90), (32, 50), (8, 30), (2, 12)):
        blots = rng.random((height // cell_px + 2, width // cell_px + 2, 3), np.float32)
        scene += strength * cv2.resize(blots, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(scene + 30, 0, 255).astype(np.uint8)


def _grains(height: int, width: int) -> NDArray[np.uint8]:
    grain = np.random.default_rng(_SEED + 1).integers(0, _MAX_GRAIN, (height, width, 1), np.uint8)
    return np.repeat(grain, 3, axis=2)


def _drawn(
    scene: NDArray[np.uint8], grains: NDArray[np.uint8], number: int, height: int, width: int
) -> NDArray[np.uint8]:
    seconds = number / FPS
    left = int(_MARGIN_PX / 2 * (1 + np.sin(seconds / 4)))
    top = int(_MARGIN_PX / 2 * (1 + np.sin(seconds / 7)))
    shown = scene[top : top + height, left : left + width]
    # A sensor's noise: the same grains, elsewhere in every frame.
    down, right = (int(step) for step in np.random.default_rng(number).integers(_MARGIN_PX, size=2))
    frame = cv2.add(shown, grains[down : down + height, right : right + width])
    centre = (
        int(width * (0.5 + 0.4 * np.sin(seconds))),
        int(height * (0.5 + 0.3 * np.cos(seconds))),
    )
    cv2.circle(frame, centre, height // 10, (240, 210, 40), -1, cv2.LINE_AA)
    return frame
