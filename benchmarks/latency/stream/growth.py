"""Memory of a process that looks at a stream for an hour of the stream's own time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.floors import Figure
from benchmarks.latency.stream.windows import FPS, QUESTIONS, frames_forever
from ufvideo_sdk import GenerationConfig, UFVideo
from ufvideo_sdk.bench.process_memory import memory_bytes

MOST_SLOPE_BYTES = 1_000_000.0
WARM_UP_SHARE = 1 / 6
_SHORT = GenerationConfig(max_new_tokens=8)
_ASK_EVERY_S, _LOCATE_EVERY_S, _READ_EVERY_S, _LOOK_EVERY_S = 10, 60, 4, 20
_EXPRESSION = "the yellow ball"


@dataclass
class Growth:
    """Memory while a stream went on.

    Attributes:
        times_s: Seconds of the stream.
        held_bytes: Anonymous memory of the process at each of them.
        num_tracked: Frames that an object was tracked on; 0 if the package cannot track.
        wall_s: Seconds that it took.
    """

    times_s: list[float] = field(default_factory=list)
    held_bytes: list[int] = field(default_factory=list)
    num_tracked: int = 0
    wall_s: float = 0.0

    @property
    def slope_bytes(self) -> float:
        """Growth in an hour of the stream behind the first sixth, by least squares."""
        return slope_per_hour(self.times_s, self.held_bytes)


def slope_per_hour(times_s: Sequence[float], values: Sequence[float]) -> float:
    """Slope of a line through the values behind the first sixth of the time, per hour."""
    times = np.asarray(times_s)
    is_warm = times >= WARM_UP_SHARE * times[-1]
    slope, _ = np.polyfit(times[is_warm], np.asarray(values, np.float64)[is_warm], 1)
    return float(slope) * 3600


def measure_growth(model: UFVideo, minutes: float) -> Growth:
    """Push a frame a second of the stream's time, ask, locate, and read a track.

    Args:
        model: The model.
        minutes: Of the stream.
    """
    growth, begin = Growth(), time.perf_counter()
    can_track = "track" in model.manifest.capabilities
    with model.open_stream(fps=FPS) as stream:
        track: Any = None
        frames = frames_forever()
        for second in range(round(60 * minutes * FPS) + 1):
            stream.push(next(frames), second / FPS)
            if second < 2:
                continue
            if can_track and second % _READ_EVERY_S == 0:
                track = track or stream.track(_EXPRESSION)
                growth.num_tracked += len(track.read())
            if second % _ASK_EVERY_S == 0:
                stream.ask(QUESTIONS[second // _ASK_EVERY_S % 2], config=_SHORT)
            if second % _LOCATE_EVERY_S == 0:
                stream.locate("the ball moves", config=_SHORT)
            if second % _LOOK_EVERY_S == 0:
                growth.times_s.append(second / FPS)
                growth.held_bytes.append(memory_bytes("RssAnon"))
    growth.wall_s = time.perf_counter() - begin
    return growth


def growth_figure(growth: Growth) -> Figure:
    """The growth in an hour, in MB."""
    minutes = growth.times_s[-1] / 60
    held = growth.held_bytes[-1] / 1e6
    return Figure(
        "memory growth in an hour of the stream, MB",
        growth.slope_bytes / 1e6,
        MOST_SLOPE_BYTES / 1e6,
        "below",
        f"{minutes:.0f} minutes of the stream in {growth.wall_s:.0f} s, {held:.0f} MB at the end,"
        f" {growth.num_tracked} tracked frames",
    )
