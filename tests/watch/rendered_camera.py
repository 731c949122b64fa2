"""A camera that is drawn, whose facts are known, and whose sinks are told of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.render.h264_file import TICKS_PER_S, H264Writer
from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Ended,
    Fact,
    FoundObject,
    Frame,
    Gap,
    Tracked,
)
from ufvideo_sdk.watch.sinks.sink import ClipPart, Sink

WALL_S = 1_800_000_000.0
"""Time of day of the stream's beginning, 15 January 2027, 08:00 in UTC."""
HEIGHT, WIDTH, RATE = 240, 320, 10


def walker_box(time_s: float) -> tuple[float, float, float, float]:
    """Where the walker is, in fractions of the picture: from left to right in 20 seconds."""
    left = 0.04 * time_s
    return left, 0.5, left + 0.1, 0.8


def rendered(time_s: float) -> NDArray[np.uint8]:
    """The street at a time, RGB uint8 [240, 320, 3]: a red walker on grey."""
    picture = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
    picture[HEIGHT // 2 :] = 140
    left, top, right, bottom = walker_box(time_s)
    rows = slice(round(top * HEIGHT), round(bottom * HEIGHT))
    picture[rows, round(left * WIDTH) : round(right * WIDTH)] = (220, 40, 40)
    return picture


class RenderedPictures:
    """Pictures of the camera (`CameraPictures`). Clips are encoded, with a key frame at once."""

    def __init__(self, name: str = "door", problem: Exception | None = None) -> None:
        self._name, self.problem = name, problem
        self.wait = threading.Event()
        self.wait.set()
        self.num_clips = 0
        self.held_from = 0
        self.first_s = 0.0
        # Packets may show more than was asked for: from a key frame on, and to the last one's end.
        self.slack_s = 0.0
        self.drift_s = 0.0
        self.last_s = 1e9

    @property
    def name(self) -> str:
        return self._name

    def frame(self, frame_idx: int) -> NDArray[np.uint8] | None:
        return rendered(frame_idx / RATE) if frame_idx >= self.held_from else None

    def wall_s(self, time_s: float) -> float | None:
        return WALL_S + time_s + self.drift_s

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        self.wait.wait(20)
        self.num_clips += 1
        if self.problem is not None:
            raise self.problem
        start_s = max(start_s - self.slack_s, self.first_s)
        end_s = min(end_s + self.slack_s, self.last_s)
        first, last = -int(-start_s * RATE // 1), int(end_s * RATE)
        if last < first:
            return []
        path = folder / f"{stem}.mp4"
        with H264Writer(path, HEIGHT, WIDTH, rate=Fraction(RATE)) as writer:
            for number in range(first, last + 1):
                ticks = (number - first) * TICKS_PER_S // RATE
                writer.write_at(rendered(number / RATE), ticks)
        return [ClipPart(path, first / RATE, last / RATE)]


class RenderedCamera:
    """Tells an engine what happens on the street, and a sink every fact."""

    def __init__(self, rules: Rules, sinks: Sequence[Sink], camera: str = "door") -> None:
        self.engine = Engine(rules)
        self.sinks = sinks
        self.facts: list[Fact] = []
        self.num_frames = 0
        self._tell(self.engine.opened(camera))

    def run(self, until_s: float, answers: Sequence[tuple[str, float, str]] = ()) -> None:
        """Take frames up to a time; tracks follow the walker, answers come with their frames.

        Args:
            until_s: The time of the last frame.
            answers: The question, the time at which it is asked, and its answer.
        """
        tracked = [each.name for each in self.engine.rules.questions if each.schedule is None]
        while self.num_frames / RATE <= until_s:
            idx, time_s = self.num_frames, self.num_frames / RATE
            self.take(Frame(idx, time_s))
            for name in tracked:
                box = FoundObject(1, *walker_box(time_s))
                self.take(Tracked(name, idx, time_s, (box,) if box.right <= 1.0 else ()))
            for name, asked_s, text in answers:
                if round(asked_s * RATE) == idx:
                    self.take(Asked(name, idx, time_s, max(time_s - 4.0, 0.0)))
                    choices = self.engine.rules.question(name).question.choices
                    self.take(Answered(name, idx, text, text if choices else None))
            self.num_frames += 1

    def gap(self, start_s: float, end_s: float) -> None:
        self.take(Gap(start_s, end_s, "stalled"))
        self.num_frames = round(end_s * RATE)

    def end(self) -> None:
        self.take(Ended((self.num_frames - 1) / RATE, "the stream ended"))

    def take(self, fact: Fact) -> None:
        self._tell(fact)
        for told in self.engine.take(fact):  # type: ignore[arg-type]
            self._tell(told)

    def _tell(self, fact: Fact) -> None:
        self.facts.append(fact)
        for sink in self.sinks:
            sink.take(fact)
