"""Clips as real H.264 files with the scene's own frame times."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av

from training.world.rendered import Rendered

_TIME_BASE = Fraction(1, 1000)
# Quantiser of libx264: small files whose colours stay what they are.
_QUALITY = 18


def write_clip(path: Path, rendered: Rendered) -> None:
    """Write all frames of a scene as an H.264 file.

    Args:
        path: File to write; the suffix names the container (.mp4 or .mkv).
        rendered: Every frame of the scene, in order.

    Raises:
        ValueError: When frames are missing.
    """
    scene = rendered.scene
    if len(rendered.frames) != scene.num_frames:
        raise ValueError(
            f"rendered: expected all {scene.num_frames} frames of seed {scene.seed}, got"
            f" {len(rendered.frames)}"
        )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(1000, _shortest_step_ms(rendered)))
        stream.height, stream.width = scene.height, scene.width
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(_QUALITY), "preset": "veryfast"}
        stream.codec_context.time_base = _TIME_BASE
        # One thread: the same scene gives the same bytes.
        stream.codec_context.thread_count = 1
        for pixels, time_s in zip(rendered.frames, scene.times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time_s * 1000), _TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _shortest_step_ms(rendered: Rendered) -> int:
    times = rendered.scene.times_s
    return min(round((b - a) * 1000) for a, b in pairwise(times))
