"""Memory of a process that watches for an hour of the stream's own time."""

from __future__ import annotations

from benchmarks.floors import Figure
from benchmarks.latency.stream.growth import slope_per_hour
from benchmarks.latency.watch.watched import Told, street, watch_all
from ufvideo_sdk import UFVideo
from ufvideo_sdk.bench.process_memory import memory_bytes
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Answered, Event, Frame, Tracked
from ufvideo_sdk.watch.sources.options import CaptureOptions

MOST_SLOPE_MB = 1.0
_FPS = 2.0
_LOOK_EVERY_S = 20.0
# Every kind of question, as often as a camera is asked that is watched for hours.
_RULES = """
rules:
  circle: {yes_no: Is there a red circle in the video?, every_s: 5}
  crowd: {count: How many objects are there in the video?, at_least: 3, every_s: 10}
  moves: {locate: the yellow star moves right, every_s: 10}
  triangle: {segment: the green triangle, every_s: 20}
  cross: {track: the blue cross, in: corner, dwell_s: 1}
zones: {corner: [0.66, 0, 1, 1]}
"""


class MemoryLooks:
    """Reads the process's memory every so much stream time."""

    def __init__(self) -> None:
        """Begin without a reading."""
        self.times_s: list[float] = []
        self.held_bytes: list[int] = []

    def frame(self, frame: Frame) -> None:
        """Look, if it is time."""
        if not self.times_s or frame.time_s - self.times_s[-1] >= _LOOK_EVERY_S:
            self.times_s.append(frame.time_s)
            self.held_bytes.append(memory_bytes("RssAnon"))


def memory_figures(model: UFVideo, minutes: float) -> list[Figure]:
    """The slope of memory, faster than real time.

    Args:
        model: The model.
        minutes: Of the stream.
    """
    path, _ = street(minutes)
    looks = MemoryLooks()
    told = Told(on_frame=looks.frame, keeps=False)
    run = watch_all(
        model,
        {"street": path},
        Rules.parse(_RULES),
        told={"street": told},
        capture=CaptureOptions(sample_fps=_FPS),
    )
    slope_mb = slope_per_hour(looks.times_s, looks.held_bytes) / 1e6
    counts = ", ".join(f"{told.counts[kind]} {what}" for kind, what in _COUNTED.items())
    return [
        Figure(
            "memory growth in an hour of the stream, MB",
            slope_mb,
            MOST_SLOPE_MB,
            "below",
            f"{minutes:.0f} minutes in {run.wall_s:.0f} s, {looks.held_bytes[-1] / 1e6:.0f} MB at"
            f" the end; {counts}",
        )
    ]


_COUNTED = {Frame: "frames", Answered: "answers", Tracked: "tracked", Event: "edges"}
