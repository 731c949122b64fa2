"""A rendered world whose truth is known: scenes, clips, masks and events, one integer each."""

from training.world.make_scene import make_scene
from training.world.render import render
from training.world.render_flat import render_flat
from training.world.rendered import Rendered
from training.world.scene import Event, Scene, Thing
from training.world.seeds import (
    MORE_TRAIN_SEEDS,
    TEST_SEEDS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
)
from training.world.truth import EventSpan, Truth
from training.world.video_file import write_clip

__all__ = [
    "MORE_TRAIN_SEEDS",
    "TEST_SEEDS",
    "TRAIN_SEEDS",
    "VALIDATION_SEEDS",
    "Event",
    "EventSpan",
    "Rendered",
    "Scene",
    "Thing",
    "Truth",
    "make_scene",
    "render",
    "render_flat",
    "write_clip",
]
