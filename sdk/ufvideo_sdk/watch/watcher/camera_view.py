"""One camera's window of the model, which begins anew where frames are missing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import InferenceError, StateError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.results.stream_stats import StreamStats
from ufvideo_sdk.session.stream import Stream
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Failed, Frame, Tracked
from ufvideo_sdk.watch.rules.rule import WatchedQuestion
from ufvideo_sdk.watch.sources.capture import TakenFrame
from ufvideo_sdk.watch.watcher.asking import Asker, FrameSize
from ufvideo_sdk.watch.watcher.object_tracks import ObjectTracks

# The capture has taken frames on its grid already; no two of them are nearer than this allows.
_EVERY_FRAME_FPS = 1000.0


@dataclass(frozen=True)
class WindowOptions:
    """What a question looks at.

    Attributes:
        frames: Most frames of the window; None: as many as the model looks at.
        first_frames: Frames that a window must have before it is asked about; None: all of them,
            since models answer best about as many as they were trained on.
    """

    frames: int | None = None
    first_frames: int | None = None


class CameraView:
    """A stream of the model for one camera; frames are numbered on across its beginnings anew."""

    def __init__(
        self, model: UFVideo, options: WindowOptions, tracked: Sequence[WatchedQuestion]
    ) -> None:
        """Begin before the first frame.

        Args:
            model: What is asked.
            options: What a question looks at.
            tracked: Questions of the kind `track`.
        """
        self._model = model
        self._options = options
        self._tracked = tuple(tracked)
        self._num_frames = options.frames or model.manifest.video.num_frames
        self._num_first = min(options.first_frames or self._num_frames, self._num_frames)
        self._stream: Stream | None = None
        self._tracks: ObjectTracks | None = None
        self._track_ids = itertools.count(1)
        self._size: FrameSize | None = None
        # Number of the stream's first frame among all of the camera.
        self._first_idx = 0
        self._num_pushed = 0
        self._is_newest_in_window = False

    def fits(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether a frame has the size of those before it."""
        return self._size is None or self._size == FrameSize(*pixels.shape[:2])

    def push(self, taken: TakenFrame) -> Frame:
        """Look at a frame.

        Args:
            taken: A frame that fits.

        Raises:
            CapacityError: When memory runs out; begin anew.
            InferenceError: When a graph fails; begin anew.
        """
        if self._stream is None:
            self._stream = self._model.open_stream(
                fps=_EVERY_FRAME_FPS, frames=self._options.frames, clock=taken.clock
            )
            self._size = FrameSize(*taken.pixels.shape[:2])
            self._tracks = ObjectTracks(self._stream, self._tracked, self._track_ids)
        self._stream.push(taken.pixels, taken.time_s, wall=taken.wall_s)
        newest = self._stream.newest
        if newest is None or newest.frame_idx != self._num_pushed:
            raise InferenceError("stream: expected the frame that was pushed as its newest one")
        self._num_pushed += 1
        self._is_newest_in_window = self._num_pushed % 2 == 0
        return Frame(self._first_idx + newest.frame_idx, taken.time_s, newest.change)

    @property
    def can_ask(self) -> bool:
        """Whether the window holds its newest frame, and enough of them."""
        return self._is_newest_in_window and self._num_pushed >= self._num_first

    @property
    def num_frames(self) -> int:
        """Frames that were looked at since the window began anew."""
        return self._num_pushed

    @property
    def has_window(self) -> bool:
        """Whether there is a window at all: two frames or more."""
        return self._num_pushed >= 2

    def asked(self, question: WatchedQuestion) -> Asked:
        """Return what asking a question now is about."""
        window = self._open().window
        return Asked(
            question.name,
            self._first_idx + int(window.frame_idxs[-1]),
            float(window.timestamps_s[-1]),
            float(window.timestamps_s[0]),
        )

    def ask(
        self, questions: Sequence[WatchedQuestion], cancel: CancellationToken
    ) -> list[Answered | Failed]:
        """Ask questions about the window as it is, those in words as rows of one batch.

        A question that fails has a fact that says so, and the next one goes on.

        Args:
            questions: Of one batch (`batches_of`).
            cancel: What ends them early.
        """
        if self._size is None:
            raise StateError("ask: expected a camera with a frame, none has come")
        return Asker(self._open(), self._first_idx, self._size, cancel).ask(questions)

    def track(self, cancel: CancellationToken) -> list[Tracked]:
        """Carry the objects on over the frames that have come since, oldest first.

        Raises:
            UFVideoError: As `LiveTrack.read`; the frames are tracked by the next call.
        """
        if self._tracks is None or self._size is None or not self.has_window:
            return []
        return self._tracks.read(self._first_idx, self._size, cancel)

    def recover(self) -> None:
        """Let questions go on after one failed."""
        if self._stream is not None:
            self._stream.reset()

    def pixels(self, frame_idx: int) -> NDArray[np.uint8] | None:
        """RGB of a frame, uint8 [H, W, 3]; None if it is not held any more. From any thread."""
        stream, local_idx = self._stream, frame_idx - self._first_idx
        if stream is None or local_idx < 0:
            return None
        try:
            return stream.pixels(local_idx)
        except StateError:
            return None

    @property
    def stats(self) -> StreamStats | None:
        """Counts and times of the stream; None before the first frame."""
        stream = self._stream
        try:
            return None if stream is None else stream.stats
        except StateError:
            return None

    def begin_anew(self, next_idx: int | None = None) -> None:
        """Forget the window, as frames are missing. Numbers of frames and tracks go on.

        Args:
            next_idx: Number of the next frame, if it does not follow on.
        """
        stream, self._stream = self._stream, None
        if stream is not None:
            self._first_idx += self._num_pushed
            stream.close()
        if next_idx is not None:
            self._first_idx = next_idx
        self._tracks, self._size = None, None
        self._num_pushed, self._is_newest_in_window = 0, False

    def close(self) -> None:
        """Free the stream."""
        self.begin_anew()

    def _open(self) -> Stream:
        if self._stream is None:
            raise StateError("ask: expected a camera with a frame, none has come")
        return self._stream
