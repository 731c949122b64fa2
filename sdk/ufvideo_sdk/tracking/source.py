"""What tracking needs of a session or of a stream: frames, states of expressions, a tracker."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.tracking.native_tracker import NativeTracker, TrackerSettings


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """A frame to track on.

    Attributes:
        frame_idx: Its index in the source.
        time_s: Its presentation time in seconds.
        pixels: RGB, uint8 [H, W, 3]; None if the feature store has its SAM 2 features.
    """

    frame_idx: int
    time_s: float
    pixels: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class NewFrames:
    """Frames of a stream that came after a certain one.

    Attributes:
        frames: Those that the window still holds, oldest first.
        num_skipped: How many came as well and have left the window.
    """

    frames: Sequence[SourceFrame]
    num_skipped: int


class PromptSource(Protocol):
    """Where the [SEG] state of an expression comes from."""

    def seg_hidden_state(
        self, expression: str, *, allow_absent: bool
    ) -> NDArray[np.float32] | None:
        """The state that names the object in the video as it is now.

        Args:
            expression: What to track, such as "the red car".
            allow_absent: Whether the model may say in words that it is not there. Otherwise it is
                given the trained answer, as in `Session.segment`.

        Returns:
            float32 [D]; None if the model names no object.

        Raises:
            CancelledError: When the call was cancelled.
            InputError: When the expression is no phrase.
            CapacityError: When memory runs out.
            InferenceError: When a graph fails.
        """


class LiveCall(PromptSource, Protocol):
    """A stream during one call, which no other thread enters meanwhile."""

    @property
    def cancel(self) -> CancellationToken:
        """The call's own token, a child of the caller's."""

    def frames_after(self, frame_idx: int) -> NewFrames:
        """The frames of the window whose index is above `frame_idx`; -1: the whole window.

        Nothing is encoded for it. Indices count the frames that the stream took, without holes, and
        pixels stay as they are until the call ends.
        """

    def open_tracker(self, settings: TrackerSettings) -> NativeTracker:
        """A tracker on the stream's own feature store: `tracking.open_tracker`.

        Raises:
            PackageError: When the package cannot track.
        """


class LiveSource(Protocol):
    """A stream, as live tracks see it.

    Attributes:
        height: Height of every frame in pixels.
        width: Width of every frame in pixels.
    """

    @property
    def height(self) -> int:
        """See the class."""

    @property
    def width(self) -> int:
        """See the class."""

    def track_call(self, cancel: CancellationToken | None) -> AbstractContextManager[LiveCall]:
        """Enter the stream as a question does.

        Args:
            cancel: What ends the call early.

        Raises:
            StateError: When the stream is closed, in use by another thread, or holds no frame.
        """
