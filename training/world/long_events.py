"""Clips of minutes in which the same things happen as in short ones, each once, and slowly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.levels import MAX_LEVEL
from training.world.make_scene import make_scene
from training.world.scene import Scene, Thing

# Frames of a second, as a camera keeps them that runs for hours.
FPS = 2
# A minute to three.
NUM_FRAMES = (60 * FPS, 180 * FPS)
# Part of the clip in which everything happens; before and behind it all is still. A model that
# looks at 16 frames sees half of them there at least.
_BUSY_PART = (0.5, 1.0)


def make_long_events(seed: int, *, level: int = MAX_LEVEL) -> Scene:
    """Make the long clip of a seed: the scene of `make_scene` within a part of some minutes.

    Args:
        seed: As of `make_scene`.
        level: As of `make_scene`.

    Raises:
        ValueError: When the level is unknown.
    """
    rng = np.random.default_rng([seed, level, 19])
    num_frames = int(rng.integers(*NUM_FRAMES, endpoint=True))
    scene = make_scene(seed, level=level, num_frames=num_frames)
    part = float(rng.uniform(*_BUSY_PART))
    start = float(rng.uniform(0, 1 - part))
    times_s = tuple(number / FPS for number in range(num_frames))
    things = tuple(_within(thing, start, part) for thing in scene.things)
    return replace(scene, times_s=times_s, things=things)


def _within(thing: Thing, start: float, part: float) -> Thing:
    """The thing with everything it does moved into a part of the clip."""

    def moved(time: float) -> float:
        return min(start + part * time, 1.0)

    return replace(
        thing,
        path=tuple((moved(time), x, y) for time, x, y in thing.path),
        radii=tuple((moved(time), radius) for time, radius in thing.radii),
        events=tuple(
            replace(event, start=moved(event.start), end=moved(event.end)) for event in thing.events
        ),
    )
