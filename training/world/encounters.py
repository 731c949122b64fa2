"""What one thing does to another that stays: bump into it, or go behind it."""

from __future__ import annotations

from training.world.actions import Course, Draw, Point, still
from training.world.scene import DIRECTIONS, STRAIGHT, Event
from training.world.shapes import touching

# What can hide a small thing wholly.
SCREENS = ("circle", "square")
SCREEN_RADIUS = (0.215, 0.23)
HIDDEN_RADIUS = (0.13, 0.14)


def collide(
    draw: Draw, radii: tuple[float, float], kinds: tuple[str, str], other: int
) -> tuple[Course, Course] | None:
    """Go straight towards a thing, touch it and stop.

    Args:
        draw: The scene's source of chance.
        radii: Radius of the thing that moves, and of the one that is hit.
        kinds: Kind of the thing that moves, and of the one that is hit.
        other: Index of the thing that is hit.

    Returns:
        The two courses, None where the frame has no room for them.
    """
    radius, other_radius = radii
    direction = draw.pick(STRAIGHT)
    step = DIRECTIONS[direction]
    axis = 0 if step[0] else 1
    gap = touching(kinds, radii, step) * draw.stretch[axis]
    low, high = draw.room(radius)[axis]
    far_low, far_high = draw.room(other_radius)[axis]
    target, start_at = (far_high, low) if step[axis] > 0 else (far_low, high)
    room = abs(target - start_at) - gap
    if room < 0.26:
        return None
    # Some of the room is left on either side.
    spare = draw.between(0, min(room - 0.26, 0.15))
    target -= step[axis] * spare * 0.5
    start_at += step[axis] * spare * 0.5
    across = draw.between(*draw.room(max(radius, other_radius))[1 - axis])
    start, end = draw.span()
    path = (
        (start, *_at(axis, start_at, across)),
        (end, *_at(axis, target - step[axis] * gap, across)),
    )
    events = (
        Event("move", start, end, direction),
        Event("collide", end, end, direction, other=other),
        Event("stop", end, end),
    )
    mover = Course(path, ((0.0, radius),), events)
    return mover, Course(still(_at(axis, target, across)), ((0.0, other_radius),))


def hide(draw: Draw, other: int) -> tuple[Course, Course] | None:
    """Go behind a large thing, wait there out of sight, come out on its other side.

    The event's span is where the small thing's middle is behind; `truth` finds when no pixel of
    it is seen.

    Args:
        draw: The scene's source of chance.
        other: Index of the thing in front.

    Returns:
        The two courses, None where the frame has no room for them.
    """
    radius, other_radius = draw.between(*HIDDEN_RADIUS), draw.between(*SCREEN_RADIUS)
    axis = 0 if draw.stretch[0] <= draw.stretch[1] else 1
    direction = draw.pick(STRAIGHT[:2] if axis == 0 else STRAIGHT[2:])
    step = DIRECTIONS[direction][axis]
    low, high = draw.room(radius)[axis]
    middle = 0.5 + draw.between(-0.02, 0.02)
    across = draw.between(*draw.room(other_radius)[1 - axis])
    first, last = (low, high) if step > 0 else (high, low)
    if min(abs(middle - first), abs(last - middle)) < other_radius * draw.stretch[axis]:
        return None
    start = draw.between(0.08, 0.16)
    behind = start + draw.between(0.2, 0.26)
    out = behind + draw.between(0.2, 0.28)
    end = min(out + draw.between(0.2, 0.26), 0.92)
    path = (
        (start, *_at(axis, first, across)),
        (behind, *_at(axis, middle, across)),
        (out, *_at(axis, middle, across)),
        (end, *_at(axis, last, across)),
    )
    event = Event("hide", behind, out, direction, other=other)
    mover = Course(path, ((0.0, radius),), (event,))
    return mover, Course(still(_at(axis, middle, across)), ((0.0, other_radius),))


def _at(axis: int, along: float, across: float) -> Point:
    return (along, across) if axis == 0 else (across, along)
