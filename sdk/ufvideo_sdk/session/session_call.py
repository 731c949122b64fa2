"""One call of a session, as the native runtime sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import StateError
from ufvideo_sdk.tracking.native_tracker import NativeTracker, TrackerSettings
from ufvideo_sdk.tracking.open_tracker import open_tracker
from ufvideo_sdk.video.clip import Clip

# Called with how much is done, and of how much.
ProgressCallback = Callable[[int, int], object]


class SessionCall:
    """The native session during one call: everything it runs ends with the call's token.

    Attributes:
        cancel: The call's own token; the caller's token cancels it too.
    """

    def __init__(
        self,
        native: _native.Session,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> None:
        """Begin a call.

        Args:
            native: The session.
            cancel: The caller's token.
            on_progress: Called with what is done and of how much.
        """
        self.cancel = _native.CancellationToken() if cancel is None else cancel.child()
        self._session: _native.Session | None = native
        self._on_progress = on_progress

    def end(self) -> None:
        """Let go of the session and of the caller's function. Any thread may do so, and again."""
        self._session = None
        self._on_progress = None

    def progress(self, num_done: int, total: int) -> None:
        """Tell the caller how much is done, and of how much."""
        if self._on_progress is not None:
            self._on_progress(num_done, total)

    def open_tracker(self, model: _native.Model, settings: TrackerSettings) -> NativeTracker:
        """A tracker without an object, which shares the features of the clip's frames.

        Raises:
            PackageError: When the package cannot track.
        """
        return open_tracker(model, self._running.feature_store, settings)

    @property
    def _running(self) -> _native.Session:
        session = self._session
        if session is None:
            raise StateError("call: expected it under way, it has ended")
        return session

    def report(self, done: int, total: int) -> None:
        """Tell the caller's function of work that the native session does not count."""
        if self._on_progress is not None:
            self._on_progress(done, total)

    def open_clip(self, clip: Clip, idxs: NDArray[np.int64], sampled: NDArray[np.int64]) -> None:
        """Encode a clip; progress counts the frames in `sampled`.

        Args:
            clip: Where the frames are read.
            idxs: Source indices of the frames the model looks at, repeats included, int64 [T].
            sampled: Each of them once, ascending, int64 [F].

        Raises:
            InputError: When a frame cannot be read.
            InferenceError: When a graph fails.
            CancelledError: When the call was cancelled.
        """
        self._running.begin_clip(idxs.tolist(), clip.is_image)
        # Closed by name: an interrupt that comes while a generator is dropped is lost.
        with closing(clip.chunks(sampled, keep=True, cancel=self.cancel)) as chunks:
            for piece, frames in chunks:
                self._running.add_frames(
                    frames, piece.tolist(), cancel=self.cancel, on_progress=self._on_progress
                )
                del frames  # not held beside the next piece
        self._running.end_clip(cancel=self.cancel)

    def save_clip(self, prefix_ids: Sequence[int]) -> _native.SavedClip | None:
        """What was computed of the clip; None if the call was cancelled."""
        return self._running.save_clip(prefix_ids, cancel=self.cancel)

    def missing_frames(self, frame_idxs: Sequence[int]) -> list[int]:
        """Those of the frames whose features are not held, each once."""
        return self._running.missing_frames(frame_idxs)

    def generate(
        self,
        prompt: _native.Prompt,
        config: _native.GenerationConfig,
        callback: Callable[[int], _native.StreamAction | None] | None = None,
    ) -> _native.Generation:
        """Answer a prompt; progress counts its positions."""
        return self._running.generate(
            prompt, config, callback, cancel=self.cancel, on_progress=self._on_progress
        )

    def generate_many(
        self,
        prompts: Sequence[_native.Prompt],
        config: _native.GenerationConfig,
        callback: Callable[[int, int], _native.StreamAction | None] | None = None,
    ) -> list[_native.Generation]:
        """Answer prompts as rows of one batch; progress counts answers."""
        return self._running.generate_many(
            prompts, config, callback, cancel=self.cancel, on_progress=self._on_progress
        )

    def teacher_force(self, prompt: _native.Prompt, answer_start: int) -> _native.Generation:
        """Run a prompt that holds its answer; progress counts its positions."""
        return self._running.teacher_force(
            prompt, answer_start, cancel=self.cancel, on_progress=self._on_progress
        )

    def begin(self, prompt: _native.Prompt, config: _native.GenerationConfig) -> None:
        """Begin an answer that comes step by step; the first step prefills."""
        self._running.begin(prompt, config, cancel=self.cancel, on_progress=self._on_progress)

    def step(self) -> int | None:
        """The next token of that answer."""
        return self._running.step()

    def finish(self) -> _native.Generation:
        """That answer, ended here."""
        return self._running.finish()

    def segment(
        self,
        seg_hidden_states: NDArray[np.float32],
        frames: NDArray[np.uint8],
        frame_idxs: Sequence[int],
        *,
        num_done: int,
        num_frames: int,
    ) -> _native.Segmentation:
        """Masks on one piece of a clip's frames; progress counts all of them.

        Args:
            seg_hidden_states: One row for each object, float32 [O, D].
            frames: The piece, uint8 [F, H, W, 3].
            frame_idxs: Source index of each.
            num_done: Frames in the pieces before.
            num_frames: Frames in all pieces.
        """
        on_progress = self._on_progress

        def on_piece(done: int, _: int) -> None:
            if on_progress is not None:
                on_progress(num_done + done, num_frames)

        return self._running.segment(
            seg_hidden_states,
            frames,
            frame_idxs,
            continues=num_done > 0,
            cancel=self.cancel,
            on_progress=on_piece if on_progress is not None else None,
        )
