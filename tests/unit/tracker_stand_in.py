"""A tracker that sees what a script says, and keeps what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import CancelledError
from ufvideo_sdk.results.rle import encode_mask
from ufvideo_sdk.tracking.native_tracker import TrackerSettings

HEIGHT, WIDTH = 64, 96


@dataclass(frozen=True)
class Seen:
    """One object on one frame, as the stand-in sees it.

    Attributes:
        column: Left column of its square, 8 px wide; None: no pixel.
        iou: Predicted IoU.
        score: Logit of its presence.
    """

    column: int | None = 0
    iou: float = 0.9
    score: float = 5.0

    @property
    def runs(self) -> str:
        return self.runs_at(HEIGHT, WIDTH)

    def runs_at(self, height: int, width: int) -> str:
        mask = np.zeros((height, width), np.bool_)
        if self.column is not None:
            mask[8:16, self.column : self.column + 8] = True
        return encode_mask(mask)


@dataclass
class Tracked:
    """What a step returns."""

    object_ids: list[int]
    runs: list[str]
    iou_scores: NDArray[np.float32]
    object_scores: NDArray[np.float32]
    was_prompted: NDArray[np.bool_]


# What is seen of an object, by the first number of its state, and the frame.
Script = Callable[[int, int], Seen]


@dataclass
class TrackerStandIn:
    """Follows two scripts: what memory sees, and what language sees.

    Attributes:
        number_of: Which object of the scripts a state names; by its first number unless set.
        by_memory: What a step sees of an object that is not prompted on the frame.
        by_language: What a prompt sees.
        calls: ("add", number, object id), ("prompt", number, object id), ("remove", object id),
            ("step", frame), ("look", frame, numbers), in order.
    """

    by_memory: Script = lambda number, idx: Seen(number * 8)
    by_language: Script = lambda number, idx: Seen(number * 8)
    settings: TrackerSettings | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    on_step: Callable[[int], object] = lambda idx: None
    number_of: Callable[[NDArray[np.float32]], int] = lambda state: first_number(state)
    _numbers: dict[int, int] = field(default_factory=dict)
    _pending: set[int] = field(default_factory=set)
    _next: int = 1

    @property
    def timings(self) -> Mapping[str, Any]:
        return {}

    @property
    def memory_bytes(self) -> int:
        return 100 * len(self._numbers)

    def add(self, seg_hidden_state: NDArray[np.float32]) -> int:
        object_id, self._next = self._next, self._next + 1
        self._numbers[object_id] = self.number_of(seg_hidden_state)
        self._pending.add(object_id)
        self.calls.append(("add", self._numbers[object_id], object_id))
        return object_id

    def prompt(self, object_id: int, seg_hidden_state: NDArray[np.float32]) -> None:
        self._numbers[object_id] = self.number_of(seg_hidden_state)
        self._pending.add(object_id)
        self.calls.append(("prompt", self._numbers[object_id], object_id))

    def remove(self, object_id: int) -> None:
        del self._numbers[object_id]
        self._pending.discard(object_id)
        self.calls.append(("remove", object_id))

    def step(self, frame: Any, frame_idx: int, *, cancel: Any = None) -> Tracked:
        self.on_step(frame_idx)
        check(frame, cancel)
        self.calls.append(("step", frame_idx))
        ids = list(self._numbers)
        prompted = [object_id in self._pending for object_id in ids]
        self._pending.clear()
        seen = [
            (self.by_language if is_prompted else self.by_memory)(
                self._numbers[object_id], frame_idx
            )
            for object_id, is_prompted in zip(ids, prompted, strict=True)
        ]
        return tracked(ids, seen, prompted, frame)

    def decode_prompts(
        self, seg_hidden_states: NDArray[np.float32], frame: Any, idx: int, *, cancel: Any = None
    ) -> Tracked:
        check(frame, cancel)
        numbers = [self.number_of(state) for state in seg_hidden_states]
        self.calls.append(("look", idx, tuple(numbers)))
        seen = [self.by_language(number, idx) for number in numbers]
        return tracked(list(range(len(seen))), seen, [True] * len(seen), frame)

    def steps(self) -> list[int]:
        """Frames of the steps, in order."""
        return [call[1] for call in self.calls if call[0] == "step"]

    def looks(self) -> list[int]:
        """Frames that prompts were tried on, in order."""
        return [call[1] for call in self.calls if call[0] == "look"]


def tracked(ids: list[int], seen: Sequence[Seen], prompted: Sequence[bool], frame: Any) -> Tracked:
    height, width = (HEIGHT, WIDTH) if frame is None else frame.shape[:2]
    return Tracked(
        ids,
        [each.runs_at(height, width) for each in seen],
        np.array([each.iou for each in seen], np.float32),
        np.array([each.score for each in seen], np.float32),
        np.array(prompted, np.bool_),
    )


def state_of(number: int) -> NDArray[np.float32]:
    """The state of an object in the scripts, float32 [4]."""
    return np.array([number, 0, 0, 0], np.float32)


def first_number(state: NDArray[np.float32]) -> int:
    """The object that a state names."""
    assert state.dtype == np.float32 and state.ndim == 1
    return int(state[0])


def check(frame: Any, cancel: Any) -> None:
    assert frame is None or (frame.dtype == np.uint8 and frame.ndim == 3)
    if cancel is not None and cancel.is_cancelled:
        raise CancelledError("tracker: expected to go on, the call was cancelled")
