"""A frame with several tracked objects beside its four stages, each measured alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.floors import Figure
from benchmarks.latency.stream.windows import Clock, frames_forever
from ufvideo_sdk import UFVideo, _native

NUMBERS = (1, 2, 4, 8)
MOST_OVERHEAD = 1.05
STAGES = ("mask_encoder", "memory_attention", "track_decoder", "memory_encoder")


@dataclass
class ObjectsCost:
    """Times of frames with some objects, ms.

    Attributes:
        num_objects: How many.
        frame_ms: A frame, from pixels to masks and memories.
        stage_ms: Each stage alone, once; the encoder of a frame, the others of an object.
    """

    num_objects: int
    frame_ms: list[float] = field(default_factory=list)
    stage_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STAGES})

    @property
    def stages_sum_ms(self) -> float:
        """A frame's encoding, and for each object the other three."""
        medians = {name: statistics.median(times) for name, times in self.stage_ms.items()}
        each = sum(medians[name] for name in STAGES[1:])
        return medians[STAGES[0]] + self.num_objects * each


class Alone:
    """The four stages on inputs of the shapes that an object has from its 16th frame on."""

    def __init__(self, model: UFVideo) -> None:
        """Make the inputs by running each stage once."""
        native: Any = model._loaded.native
        manifest = model.manifest
        tracking = manifest.tracking
        if tracking is None:
            raise ValueError(f"expected a package that can track, got {model.package}")
        random = np.random.default_rng(0)
        side = manifest.video.mask_size_px
        frame = random.integers(0, 256, (1, side, side, 3), np.uint8)
        features = native.mask_encoder.encode(frame)
        width = features.image_features.shape[1]
        height, breadth = features.image_features.shape[2:]

        def normal(*shape: int) -> NDArray[np.float32]:
            return random.normal(size=shape).astype(np.float32)

        num_memories, num_pointers = tracking.num_memories, tracking.max_object_pointers
        memories = normal(1, num_memories, tracking.memory_width, height, breadth)
        # The prompted frame comes first, then the latest ones, oldest first.
        ages = np.array([[num_memories - 1, *range(num_memories - 2, -1, -1)]], np.int64)
        pointers = normal(1, num_pointers, width)
        conditioned = normal(1, width, height, breadth)
        logits = normal(1, 4 * height, 4 * breadth)
        self.runs: dict[str, Callable[[], object]] = {
            "mask_encoder": lambda: native.mask_encoder.encode(frame),
            "memory_attention": lambda: native.memory_attention.condition(
                features, memories, ages, pointers
            ),
            "track_decoder": lambda: native.track_decoder.decode(features, conditioned),
            "memory_encoder": lambda: native.memory_encoder.encode(features, logits),
        }

    def time(self, cost: ObjectsCost, clock: Clock) -> None:
        """Run each stage once."""
        for name, run in self.runs.items():
            begin = clock()
            run()
            cost.stage_ms[name].append(1e3 * (clock() - begin))


def measure_objects(
    model: UFVideo, num_objects: int, num_frames: int, clock: Clock = time.perf_counter
) -> ObjectsCost:
    """Track some objects, and run the stages alone between the frames.

    Args:
        model: The model, whose package can track.
        num_objects: How many.
        num_frames: Frames that count; those before, until the memory is full, do not.
        clock: Tells seconds.
    """
    native, tracking = model._loaded.native, model.manifest.tracking
    assert tracking is not None
    alone = Alone(model)
    tracker = _native.Tracker(native, _native.FeatureStore(native))
    random = np.random.default_rng(1)
    for _ in range(num_objects):
        state = random.normal(size=model.manifest.model.hidden_size).astype(np.float32)
        tracker.add(state)
    side = model.manifest.video.mask_size_px
    cost = ObjectsCost(num_objects)
    num_before = tracking.max_object_pointers + 1
    frames = frames_forever(side, side)
    for number in range(num_before + num_frames):
        frame = next(frames)
        counted = cost if number >= num_before else ObjectsCost(num_objects)
        begin = clock()
        tracker.step(frame, number)
        counted.frame_ms.append(1e3 * (clock() - begin))
        alone.time(counted, clock)
    return cost


def objects_figure(cost: ObjectsCost) -> Figure:
    """A frame over the sum of its stages."""
    frame_ms, stages_ms = statistics.median(cost.frame_ms), cost.stages_sum_ms
    parts = ", ".join(
        f"{name} {statistics.median(times):.2f}" for name, times in cost.stage_ms.items()
    )
    objects = f"{cost.num_objects} object{'s' if cost.num_objects > 1 else ''}"
    return Figure(
        f"a frame with {objects} / its stages alone",
        frame_ms / stages_ms,
        MOST_OVERHEAD,
        "at most",
        f"{frame_ms:.1f} ms against {stages_ms:.1f} ms ({parts})",
    )
