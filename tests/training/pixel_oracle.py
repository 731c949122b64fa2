"""What a person would see, found from pixels alone: an opinion that the tasks did not have."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from training.world import Scene, render
from training.world.render import PALETTE
from training.world.scene import DIRECTIONS

NUM_LOOKS = 33
_TONES = {name: np.array(rgb) / np.linalg.norm(rgb) for name, rgb in PALETTE.items()}


@dataclass(frozen=True)
class Sight:
    """One thing as seen: areas and centres by look (NaN where unseen), colours, its kind."""

    kind: str
    areas: np.ndarray
    centres: np.ndarray
    colors: tuple[str, ...]

    @property
    def way(self) -> np.ndarray:
        """Displacement of the centre over the looks where it is seen, fractions of the sides."""
        seen = self.centres[~np.isnan(self.centres[:, 0])]
        return seen[-1] - seen[0]

    @property
    def last_step(self) -> float:
        """When it moved last, a fraction of the clip; -1 when it never did."""
        moved = np.abs(np.diff(self.centres, axis=0)).max(axis=1) > 0.004
        stayed = np.nanmax(np.ptp(self.centres[~np.isnan(self.centres[:, 0])], axis=0)) < 0.1
        return (
            -1.0
            if stayed or not moved.any()
            else float(np.flatnonzero(moved)[-1] + 1) / (NUM_LOOKS - 1)
        )


def look_at(scene: Scene) -> list[Sight]:
    """See every thing of a scene. The camera's own motion is taken out of the centres."""
    idxs = [int(np.abs(scene.fractions() - f).argmin()) for f in np.linspace(0, 1, NUM_LOOKS)]
    rendered = render(scene, idxs)
    sides = np.array([scene.width, scene.height])
    shifts = np.rint(scene.camera.shifts(scene.fractions()[idxs]) * sides) / sides
    sights = []
    for thing, masks in zip(scene.things, rendered.masks, strict=True):
        areas = masks.sum(axis=(1, 2))
        centres = np.full((len(idxs), 2), np.nan)
        colors = []
        for f, mask in enumerate(masks):
            if areas[f]:
                centres[f] = np.argwhere(mask).mean(axis=0)[::-1] / sides - shifts[f]
            if areas[f] > 30:
                mean = rendered.frames[f][mask].mean(axis=0)
                unit = mean / np.linalg.norm(mean)
                colors.append(min(_TONES, key=lambda name: np.linalg.norm(unit - _TONES[name])))
        sights.append(Sight(thing.kind, areas, centres, tuple(dict.fromkeys(colors))))
    return sights


def fitting(words: str, sights: list[Sight]) -> list[int]:
    """Things that some words might mean, as "red star" or "small object"; sizes aside."""
    found = []
    for i, sight in enumerate(sights):
        parts = [part for part in words.split() if part not in ("small", "large", "object")]
        if all(part == sight.kind or part in sight.colors for part in parts):
            found.append(i)
    return found


def doing(clause: str, sights: list[Sight]) -> list[int] | None:
    """Things that a clause such as "moves left" is true of; None where pixels cannot say."""
    if clause == "changes color":
        return [i for i, s in enumerate(sights) if len(s.colors) > 1]
    if clause == "enters the frame":
        return [i for i, s in enumerate(sights) if not s.areas[0] and s.areas[-1]]
    if clause == "leaves the frame":
        return [i for i, s in enumerate(sights) if s.areas[0] and not s.areas[-1]]
    if match := re.fullmatch(r"is (leftmost|rightmost|highest|lowest) at the (start|end)", clause):
        axis = 0 if match.group(1) in ("leftmost", "rightmost") else 1
        places = [s.centres[0 if match.group(2) == "start" else -1, axis] for s in sights]
        pick = np.argmin if match.group(1) in ("leftmost", "highest") else np.argmax
        return [int(pick(places))]
    if match := re.fullmatch(r"stops (first|last)", clause):
        steps = {i: s.last_step for i, s in enumerate(sights) if s.last_step > 0 and s.areas[-1]}
        pick_time = min if match.group(1) == "first" else max
        return [pick_time(steps, key=lambda i: steps[i])]
    if match := re.fullmatch(r"moves ([a-z-]+)", clause):
        step = np.array(DIRECTIONS[match.group(1)])
        ways = [np.where(np.abs(s.way) > 0.15, np.sign(s.way), 0) for s in sights]
        return [i for i, way in enumerate(ways) if (way == step).all()]
    return None
