"""Masks that come frame by frame."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import StateError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.results.masks import FrameMasks, MaskTrack
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.referring import SegmentRequest
from ufvideo_sdk.session.segmentation import Segmentation
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.session.session_stream import SessionStream
from ufvideo_sdk.video.clip import Clip


class MaskStream(SessionStream[FrameMasks]):
    """The masks of a segmentation, frame by frame, as they are made.

    They end with the last frame, when the call is cancelled (`cancelled`), or when the caller stops
    iterating: leaves the `with` block, closes the stream, or drops it.
    """

    def __init__(
        self, gate: CallGate, clip: Clip, request: SegmentRequest, call: SessionCall
    ) -> None:
        """Made by `Session.segment_stream`."""
        super().__init__(gate, call)
        self._clip = clip
        self._request = request
        self._found: Segmentation | None = None
        self._frames: Generator[tuple[FrameMasks, NDArray[np.uint8]], None, None] | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._prompt_cancelled = False
        self._is_over = False

    @property
    def clip(self) -> Clip:
        """What is segmented."""
        return self._clip

    @property
    def expression(self) -> str:
        """What the masks are of."""
        return self._request.expression

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled before the last frame."""
        return self._prompt_cancelled or (self._found is not None and self._found.cancelled)

    @property
    def tracks(self) -> list[MaskTrack]:
        """One track for each object, on the frames that came until now; none before the first."""
        return [] if self._found is None else list(self._found.tracks())

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Pixels of the frame whose masks came last, uint8 [H, W, 3], RGB, read-only.

        A view of a chunk of frames, which it keeps in memory; copy what is to be kept.

        Raises:
            StateError: Before the first frame and behind the last.
        """
        if self._pixels is None:
            raise StateError("stream: expected pixels of a frame that came, none has or all have")
        return self._pixels

    def __next__(self) -> FrameMasks:
        """The masks of the next frame. The first call computes the prompt.

        Raises:
            InputError: When a frame cannot be read.
            CapacityError: When memory runs out.
            InferenceError: When a graph fails; the session then needs `reset()`.
            StateError: When the session was closed or reset meanwhile, or another thread is inside.
        """
        if self._is_over:
            raise StopIteration
        with self._gate.stream_under_way(self._call):
            try:
                with InterruptCancels(self._call.cancel):
                    found = self._next(self._call)
            except BaseException:
                self._end()
                raise
            if found is None:
                self._end()
                raise StopIteration
            masks, pixels = found
            self._pixels = pixels.view()
            self._pixels.flags.writeable = False
            return masks

    def close(self) -> None:
        """End here; `tracks` has the frames that came. Harmless behind the session's own end."""
        if self._is_over:
            return
        if not self._is_under_way:
            self._end()
        else:
            with self._gate.stream_under_way(self._call):
                self._end()

    def _next(self, call: SessionCall) -> tuple[FrameMasks, NDArray[np.uint8]] | None:
        self._pixels = None  # not held while the next chunk is read
        if self._frames is None:
            request = self._request
            states = request.states(call)
            self._prompt_cancelled = call.cancel.is_cancelled
            self._found = Segmentation(call, self._clip, states, request.frame_idxs)
            self._frames = self._found.frames()
        return next(self._frames, None)

    def _end(self) -> None:
        self._is_over = True
        self._pixels = None
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        self._end_call()
