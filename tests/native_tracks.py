"""The cases of `tests.track_reference`, tracked by the native runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.track_reference import CASES, frame_order, read_reference, reference_frames
from ufvideo_sdk import _native


@dataclass
class NativeTrack:
    """What is found of one object from its first frame on; an entry for each frame.

    Attributes:
        runs: COCO run-length codes.
        iou_scores: Predicted IoU of the mask that was taken.
        object_scores: Above 0 where the object is there.
        was_prompted: Whether it was prompted.
    """

    runs: list[str] = field(default_factory=list)
    iou_scores: list[float] = field(default_factory=list)
    object_scores: list[float] = field(default_factory=list)
    was_prompted: list[bool] = field(default_factory=list)


def follow(model: Any, name: str) -> list[NativeTrack]:
    """Tracks of the objects of a case, in its order.

    Args:
        model: Native model of the golden checkpoint.
        name: The case.
    """
    case, reference, frames = CASES[name], read_reference(), reference_frames()
    tracker = _native.Tracker(
        model, num_memories=case.used_memories, max_prompted=case.max_prompted
    )
    ids: dict[int, int] = {}
    found: dict[int, NativeTrack] = {}
    for number, idx in enumerate(frame_order(case)):
        for own, prompts in enumerate(case.prompts):
            if number not in prompts:
                continue
            state = reference["seg_hidden_states"][prompts[number]]
            if own in ids:
                tracker.prompt(ids[own], state)
            else:
                ids[own] = tracker.add(state)
        step = tracker.step(frames[idx], idx)
        for row, object_id in enumerate(step.object_ids):
            track = found.setdefault(object_id, NativeTrack())
            track.runs.append(step.runs[row])
            track.iou_scores.append(step.iou_scores[row])
            track.object_scores.append(step.object_scores[row])
            track.was_prompted.append(step.was_prompted[row])
    return [found[ids[own]] for own in range(len(case.prompts))]
