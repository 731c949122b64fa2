"""The native tracker, as Python sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.from_native import Timing
from ufvideo_sdk.validation.arguments import as_integer, check_instance, described

NUM_MEMORIES = 7
"""SAM 2's own number of frames that an object is remembered by."""


class TrackedFrame(Protocol):
    """O objects on one frame."""

    @property
    def object_ids(self) -> Sequence[int]:
        """Id of each object."""

    @property
    def runs(self) -> Sequence[str]:
        """COCO run-length code of each object's mask, at the frame's own size."""

    @property
    def iou_scores(self) -> NDArray[np.float32]:
        """Predicted IoU of each mask, float32 [O]."""

    @property
    def object_scores(self) -> NDArray[np.float32]:
        """Logit of each object's presence, float32 [O]; above 0: it is there."""

    @property
    def was_prompted(self) -> Sequence[bool] | NDArray[np.bool_]:
        """Whether each was prompted on this frame, and not remembered."""


class NativeTracker(Protocol):
    """Objects with a memory bank each; those of one frame share its image encoding.

    A call that is cancelled raises CancelledError, and like one that fails it changes no bank.
    """

    @property
    def timings(self) -> Mapping[str, Timing]:
        """Calls and wall time of the stages until now."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of all objects' memories."""

    def add(self, seg_hidden_state: NDArray[np.float32]) -> int:
        """Add an object, prompted on the next step by a state float32 [D]; its id."""

    def prompt(self, object_id: int, seg_hidden_state: NDArray[np.float32]) -> None:
        """Prompt an object again on the next step."""

    def remove(self, object_id: int) -> None:
        """Drop an object and its bank; the others go on."""

    def step(
        self,
        frame: NDArray[np.uint8] | None,
        frame_idx: int,
        *,
        cancel: _native.CancellationToken | None = None,
    ) -> TrackedFrame:
        """Carry every object on to the next frame, uint8 [H, W, 3]."""

    def decode_prompts(
        self,
        seg_hidden_states: NDArray[np.float32],
        frame: NDArray[np.uint8] | None,
        frame_idx: int,
        *,
        cancel: _native.CancellationToken | None = None,
    ) -> TrackedFrame:
        """What states float32 [O, D] name on a frame by themselves; no bank changes."""


@dataclass(frozen=True)
class TrackerSettings:
    """What an object's memory is like.

    Attributes:
        memory: Name of the rule that says which frames it is remembered by, such as "sam2".
        num_memories: Most frames that an object is remembered by, the prompted ones included.
        max_prompted: Most prompted frames among them.

    Raises:
        InputError: Naming the argument and what is allowed.
    """

    memory: str
    num_memories: int
    max_prompted: int

    def __post_init__(self) -> None:
        """Check kinds; the native tracker knows the rules and the package's own bounds."""
        check_instance(self.memory, "memory", str)
        number = as_integer(self.num_memories)
        if number is None or number < 1:
            raise InputError(
                f"num_memories: expected an integer of 1 or more, got"
                f" {described(self.num_memories)}"
            )
        object.__setattr__(self, "num_memories", number)
