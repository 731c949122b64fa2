"""What a clip shows, as values that never change: things, their paths and events, the picture.

Times are fractions of the clip: 0 at its first frame's presentation time, 1 at its last one's.
Positions are fractions of the width (x) and the height (y). Lengths (radii) are fractions of
sqrt(height * width).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]

COLORS: tuple[str, ...] = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "white")
KINDS: tuple[str, ...] = ("circle", "square", "triangle", "star", "cross", "ring")
SIZES: tuple[str, ...] = ("small", "large")
# Unit steps, y downwards.
DIRECTIONS: dict[str, tuple[int, int]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
    "up-left": (-1, -1),
    "up-right": (1, -1),
    "down-left": (-1, 1),
    "down-right": (1, 1),
}
STRAIGHT: tuple[str, ...] = ("left", "right", "up", "down")
OPPOSITE: dict[str, str] = {"left": "right", "right": "left", "up": "down", "down": "up"}
# The side a thing comes from or goes to, as one says it.
EDGES: dict[str, str] = {"left": "left", "right": "right", "up": "top", "down": "bottom"}

# What a thing does in a clip (one of these), and the events that come of it.
ACTIONS: tuple[str, ...] = (
    "stay",
    "move",
    "enter",
    "leave",
    "turn",
    "grow",
    "shrink",
    "recolor",
    "collide",
    "hide",
)
EVENT_KINDS: tuple[str, ...] = (*ACTIONS[1:], "stop")
MOMENTS = frozenset({"turn", "recolor", "collide", "stop"})
BACKGROUNDS: tuple[str, ...] = ("plain", "gradient", "textured", "noisy")


@dataclass(frozen=True)
class Event:
    """Something that happens to a thing.

    Attributes:
        kind: One of EVENT_KINDS.
        start: When it begins, a fraction of the clip.
        end: When it ends; equal to start for a moment.
        direction: Where a movement goes, a key of DIRECTIONS.
        other: Index of the other thing of a collision or of hiding.
        color: The colour a thing takes.
    """

    kind: str
    start: float
    end: float
    direction: str | None = None
    other: int | None = None
    color: str | None = None

    def __post_init__(self) -> None:
        """Check the event against itself."""
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"Event.kind: expected one of {EVENT_KINDS}, got {self.kind!r}")
        if not 0.0 <= self.start <= self.end <= 1.0:
            raise ValueError(
                f"Event: expected 0 <= start <= end <= 1, got {self.start} and {self.end}"
            )
        if (self.kind in MOMENTS) != (self.start == self.end):
            raise ValueError(f"Event {self.kind}: wrong length, {self.start} to {self.end}")


@dataclass(frozen=True)
class Thing:
    """One object of a scene.

    Attributes:
        kind: One of KINDS.
        color: Its colour at the beginning, one of COLORS.
        size: One of SIZES, or None when it grows or shrinks.
        action: One of ACTIONS.
        path: Waypoints (fraction of the clip, x, y), joined by straight lines.
        radii: Waypoints (fraction of the clip, radius), joined by straight lines.
        depth: A thing of higher depth hides one of lower depth. No two are equal.
        tint: Multiplies the palette's colour, one factor for each of R, G, B.
        events: In order of time.
    """

    kind: str
    color: str
    size: str | None
    action: str
    path: tuple[tuple[float, float, float], ...]
    radii: tuple[tuple[float, float], ...]
    depth: int
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    events: tuple[Event, ...] = ()

    def find(self, kind: str) -> Event | None:
        """The first event of a kind, None where there is none."""
        return next((event for event in self.events if event.kind == kind), None)

    def color_at(self, time: float) -> str:
        """Its colour at a fraction of the clip."""
        change = self.find("recolor")
        if change is None or change.color is None or time < change.start:
            return self.color
        return change.color

    @property
    def final_color(self) -> str:
        """Its colour at the end."""
        return self.color_at(1.0)

    def places(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Centre and radius at each of several times.

        Args:
            times: Fractions of the clip, float64 [F].

        Returns:
            x, y and radius, float64 [F, 3].
        """
        path, radii = np.asarray(self.path), np.asarray(self.radii)
        return np.stack(
            [
                np.interp(times, path[:, 0], path[:, 1]),
                np.interp(times, path[:, 0], path[:, 2]),
                np.interp(times, radii[:, 0], radii[:, 1]),
            ],
            axis=1,
        )


@dataclass(frozen=True)
class Background:
    """What lies behind the things.

    Attributes:
        kind: One of BACKGROUNDS.
        near: A colour, RGB.
        far: A second colour for every kind but plain.
        grain_seed: What its texture is drawn from.
    """

    kind: str
    near: RGB
    far: RGB
    grain_seed: int


@dataclass(frozen=True)
class Camera:
    """A slow pan and a shake, both in fractions of the frame's sides."""

    pan: tuple[float, float] = (0.0, 0.0)
    shake: float = 0.0
    phase: float = 0.0

    @property
    def reach(self) -> float:
        """The farthest it ever shifts the picture."""
        return max(abs(self.pan[0]), abs(self.pan[1])) / 2 + self.shake

    def shifts(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shift of the picture at each time, fractions of the sides, float64 [F, 2]."""
        angle = 2 * np.pi * (3 * times + self.phase)
        shake = self.shake * np.stack([np.sin(angle), np.cos(1.3 * angle)], axis=1)
        shifts: NDArray[np.float64] = np.outer(times - 0.5, self.pan) + shake
        return shifts


@dataclass(frozen=True)
class Scene:
    """A clip before it is drawn.

    Attributes:
        seed: The integer it was made from.
        height: Rows of a frame, pixels, even.
        width: Columns of a frame, pixels, even.
        times_s: Presentation time of each frame, seconds, from 0 on, strictly increasing.
        background: What lies behind.
        camera: How the picture shifts.
        grain: Standard deviation of each frame's own noise, grey levels.
        things: The objects, ordered by where they begin, from left to right.
    """

    seed: int
    height: int
    width: int
    times_s: tuple[float, ...]
    background: Background
    camera: Camera
    grain: float
    things: tuple[Thing, ...]

    @property
    def num_frames(self) -> int:
        """Frames of the clip."""
        return len(self.times_s)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame's presentation to the last one's."""
        return self.times_s[-1] - self.times_s[0]

    @property
    def scale_px(self) -> float:
        """Pixels of a length of 1."""
        return float(np.sqrt(self.height * self.width))

    def fractions(self) -> NDArray[np.float64]:
        """When each frame is shown, as a fraction of the clip, float64 [num_frames]."""
        times = np.asarray(self.times_s)
        fractions: NDArray[np.float64] = (times - times[0]) / (times[-1] - times[0])
        return fractions
