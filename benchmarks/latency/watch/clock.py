"""The clock of a captured camera beside the camera's own.

The number of each frame is drawn into it, so that it is known when the camera took it: frame k was
taken k / 25 s behind the first.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.floors import Figure
from benchmarks.latency.watch.watched import FOLDER
from ufvideo_sdk.watch.sources import TakenFrame, open_capture
from ufvideo_sdk.watch.sources.options import CaptureOptions

CAMERA_FPS = 25
# A frame of the camera.
MOST_ERROR_S = 1 / CAMERA_FPS
_BITS, _SIDE = 12, 16
_HEIGHT_PX, _WIDTH_PX = 96, 192


def numbered_frame(number: int) -> NDArray[np.uint8]:
    """Draw a frame that has its number in it, a square for each bit, uint8 [H, W, 3]."""
    frame = np.full((_HEIGHT_PX, _WIDTH_PX, 3), 60, np.uint8)
    for bit in range(_BITS):
        if number >> bit & 1:
            frame[16:48, _SIDE * bit : _SIDE * (bit + 1)] = 230
    return frame


def read_number(frame: NDArray[np.uint8]) -> int:
    """Return the number that is drawn in a frame."""
    strip = frame[24:40].mean(axis=(0, 2))
    squares = [strip[_SIDE * bit + 4 : _SIDE * (bit + 1) - 4].mean() for bit in range(_BITS)]
    return sum(1 << bit for bit, light in enumerate(squares) if light > 145)


def write_numbered(path: Path, seconds: float) -> None:
    """Write a clip whose frames have their numbers in them.

    Args:
        path: File to write.
        seconds: How long, up to 160.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=CAMERA_FPS)
        stream.height, stream.width, stream.pix_fmt = _HEIGHT_PX, _WIDTH_PX, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast", "bf": "0", "g": str(CAMERA_FPS)}
        stream.codec_context.time_base = Fraction(1, CAMERA_FPS)
        for number in range(round(seconds * CAMERA_FPS)):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, CAMERA_FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@dataclass
class ClockLooks:
    """Frames of a camera with three clocks, all in seconds.

    Attributes:
        camera_s: When the camera took each, from its first frame on.
        stream_s: Its stream time.
        wall_s: The time of day by the camera's clock; only where it is known.
        arrival_s: The time of day at which it was taken here.
    """

    camera_s: list[float] = field(default_factory=list)
    stream_s: list[float] = field(default_factory=list)
    wall_s: list[float | None] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)

    def add(self, frame: TakenFrame) -> None:
        """Add a frame."""
        self.arrival_s.append(time.time())
        self.camera_s.append(read_number(frame.pixels) / CAMERA_FPS)
        self.stream_s.append(frame.time_s)
        self.wall_s.append(frame.wall_s if frame.clock == "camera" else None)

    def error_s(self, clock: Sequence[float | None]) -> list[float]:
        """By how much a clock differs from the camera's, of which the offset is unknown."""
        pairs = zip(clock, self.camera_s, strict=True)
        apart = [told_s - camera_s for told_s, camera_s in pairs if told_s is not None]
        middle_s = statistics.median(apart) if apart else 0.0
        return [abs(each - middle_s) for each in apart]


def clock_figures(seconds: float) -> list[Figure]:
    """Errors of three clocks.

    Args:
        seconds: Of the stream; a server tells its clock every five seconds or so.
    """
    from tests.watch.rtsp_server import RtspServer, has_rtsp_server

    name = "error of the {} against the camera's own clock, p95, s"
    if not has_rtsp_server():
        reason = "Debian's gir1.2-gst-rtsp-server-1.0 is missing"
        return [Figure(name.format("time of day"), None, MOST_ERROR_S, "at most", reason)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"numbered-{seconds:.0f}.mp4"
    if not path.is_file():
        write_numbered(path, seconds + 5)
    looks = ClockLooks()
    with RtspServer([path]) as server:
        capture = open_capture(server.url, CaptureOptions(sample_fps=10.0))
        while not looks.stream_s or looks.stream_s[-1] < seconds:
            item = capture.take(5.0)
            if isinstance(item, TakenFrame):
                looks.add(item)
        stats = capture.stats
        capture.close()
    behind = [a - w for a, w in zip(looks.arrival_s, looks.wall_s, strict=True) if w is not None]
    lag = f"taken {1e3 * statistics.median(behind):.0f} ms later" if behind else "it told none"
    return [
        _figure(name.format("stream time"), looks.error_s(looks.stream_s), stats.clock),
        _figure(name.format("time of day"), looks.error_s(looks.wall_s), lag),
        _figure(name.format("arrival"), looks.error_s(looks.arrival_s), "", is_floor=False),
    ]


def _figure(name: str, errors_s: Sequence[float], detail: str, *, is_floor: bool = True) -> Figure:
    value = float(np.percentile(errors_s, 95)) if errors_s else None
    text = f"{len(errors_s)} frames; {detail}" if detail else f"{len(errors_s)} frames"
    return Figure(name, value, MOST_ERROR_S if is_floor else None, "at most", text)
