"""Scenes that hold what is mixed up most: others stand in for those that do not."""

from __future__ import annotations

from collections.abc import Callable

from training.world import MORE_TRAIN_SEEDS, Scene, make_scene


def telling_scene(
    seed: int, tells: Callable[[Scene], bool], *, level: int, tries: int = 3
) -> Scene:
    """The scene of a seed, or the first of a few others that tells; the last one if none does.

    Args:
        seed: Of the scene; the others have seeds of their own.
        tells: Whether a scene will do.
        level: Of the curriculum.
        tries: How many others at most.
    """
    scene = make_scene(seed, level=level)
    for other in range(tries):
        if tells(scene):
            break
        scene = make_scene(MORE_TRAIN_SEEDS[tries * seed + other], level=level)
    return scene


def shares_a_color(scene: Scene) -> bool:
    """Whether two things share a colour, so that only their kinds differ."""
    colors = [color for t in scene.things for color in {t.color, t.final_color}]
    return len(set(colors)) < len(colors)


def hits_or_recolors(scene: Scene) -> bool:
    """Whether one of several things hits another or changes its colour."""
    actions = {thing.action for thing in scene.things}
    return len(scene.things) > 1 and bool(actions & {"collide", "recolor"})
