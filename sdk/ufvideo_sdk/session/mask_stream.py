"""Masks that come frame by frame."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import StateError
from ufvideo_sdk.interrupts import InterruptCancels
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.session.answer_builder import AnswerBuilder
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.referring import SegmentRequest, object_states
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
        self,
        gate: CallGate,
        answers: AnswerBuilder,
        clip: Clip,
        request: SegmentRequest,
        call: SessionCall,
    ) -> None:
        """Made by `Session.segment_stream`."""
        super().__init__(gate, call)
        self._answers = answers
        self._clip = clip
        self._request = request
        self._generation: _native.Generation | None = None
        self._found: Segmentation | None = None
        self._frames: Generator[tuple[FrameMasks, NDArray[np.uint8]], None, None] | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._is_over = False
        self._result: SegmentResult | None = None
        # Why there is none.
        self._failure: str | None = None

    @property
    def clip(self) -> Clip:
        """What is segmented."""
        return self._clip

    @property
    def question(self) -> str:
        """What the masks are of."""
        return self._request.expression

    @property
    def expression(self) -> str:
        """What the masks are of."""
        return self.question

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled before the last frame."""
        generation = self._generation
        is_cut = generation is not None and generation.stop_reason is _native.StopReason.CANCELLED
        return is_cut or (self._found is not None and self._found.cancelled)

    @property
    def tracks(self) -> list[MaskTrack]:
        """One track for each object, on the frames that came until now; none before the first."""
        return [] if self._found is None else list(self._found.tracks())

    @property
    def result(self) -> SegmentResult:
        """What `Session.segment` would have returned, on the frames that came.

        Its `stop_reason` is STOPPED if the stream was closed before its last frame.

        Raises:
            StateError: While the stream is neither exhausted nor closed, when it was closed before
                the first frame was asked for, or when it failed.
        """
        if self._failure is not None:
            raise StateError(f"stream: expected an ended segmentation, {self._failure}")
        if self._result is None:
            raise StateError(
                "stream: expected an ended segmentation; exhaust or close the stream first"
            )
        return self._result

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
            except BaseException as error:
                # Not the error itself: its traceback would hold this stream.
                self._failure = f"it failed: {str(error) or type(error).__name__}"
                self._end()
                raise
            if found is None:
                self._end(has_result=True)
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
            self._failure = "the session was reset or closed"
            self._end()
        else:
            with self._gate.stream_under_way(self._call):
                self._end(has_result=True, is_stopped=True)

    def _next(self, call: SessionCall) -> tuple[FrameMasks, NDArray[np.uint8]] | None:
        self._pixels = None  # not held while the next chunk is read
        if self._frames is None:
            generation = self._generation = self._request.generated(call)
            self._found = Segmentation(
                call, self._clip, object_states(generation), self._request.frame_idxs
            )
            self._frames = self._found.frames()
        return next(self._frames, None)

    def _end(self, *, has_result: bool = False, is_stopped: bool = False) -> None:
        self._is_over = True
        self._pixels = None
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        if has_result:
            self._set_result(is_stopped=is_stopped)
        self._end_call()

    def _set_result(self, *, is_stopped: bool) -> None:
        if self._generation is None or self._found is None:
            self._failure = "it was closed before the first frame was asked for"
            return
        found = self._found.found()
        self._result = self._answers.segmented(
            self._request, self._generation, found, is_stopped=is_stopped
        )
