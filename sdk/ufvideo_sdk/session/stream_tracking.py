"""Tracks of a stream, and the stream as they see it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.results.from_native import STOP_REASONS
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.runtime.misplaced_settings import naming_misplaced_settings
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.questions import Asking
from ufvideo_sdk.session.referring import Referring, object_states, segment_request
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.tracking.live_track import LiveTrack
from ufvideo_sdk.tracking.live_tracks import LiveTracks
from ufvideo_sdk.tracking.native_tracker import NUM_MEMORIES, NativeTracker, TrackerSettings
from ufvideo_sdk.tracking.prompting import Reprompt, prompting_of
from ufvideo_sdk.tracking.source import NewFrames, SourceFrame
from ufvideo_sdk.tracking.target import Trackable, targets_of

_DEFAULT_TRACKING = TrackConfig()


class LiveTracking:
    """The method of `Stream` that tracks."""

    @abstractmethod
    def _live_tracks(self) -> LiveTracks:
        """The stream's tracks; raises StateError if it is closed."""

    @naming_misplaced_settings
    def track(
        self,
        target: Trackable,
        *,
        start_s: float | None = None,
        memory: str = "sam2",
        num_memories: int = NUM_MEMORIES,
        reprompt: Reprompt = "lost",
        verify_s: float | None = None,
        allow_absent: bool = False,
        tracking: TrackConfig = _DEFAULT_TRACKING,
        cancel: _native.CancellationToken | None = None,
    ) -> LiveTrack:
        """Begin to carry an object from frame to frame by SAM 2's memory.

        It costs a question now; frames are tracked when the track is read (`LiveTrack.read`). All
        tracks of a stream share the encoding of each frame, and those whose memories are alike one
        tracker. See `Session.track` for what memory, language and thresholds do.

        Args:
            target: What to track, such as "the red car"; or an answer with one [SEG], of this
                stream or of a session of the same model.
            start_s: The object is named on the first frame of the window from this stream time on;
                None: on the newest one. If other tracks have been carried on beyond it, on the next
                frame.
            memory: As `Session.track`.
            num_memories: As `Session.track`.
            reprompt: As `Session.track`. Each try asks the model about the window as it is then.
            verify_s: As `Session.track`, and the model is asked each time.
            allow_absent: Whether the model may say in words that it is not there. The track then
                waits until it names the object and sees it.
            tracking: Thresholds.
            cancel: What ends it early.

        Raises:
            InputError: When the expression is no phrase, the answer has not one [SEG], or the
                window holds no frame from `start_s` on.
            PackageError: When the package cannot track; the message names the command that adds it.
            ConfigError: As `Session.track`.
            CancelledError: When it was cancelled. Others as `ask`.
        """
        targets = targets_of(target, allow_absent=allow_absent)
        if len(targets) != 1:
            raise InputError(
                f"track: expected one expression or an answer with one [SEG], got {len(targets)}"
                " objects: begin a track for each"
            )
        prompting = prompting_of(reprompt, verify_s, tracking)
        settings = TrackerSettings(memory, num_memories, prompting.config.max_prompted)
        return self._live_tracks().begin(
            targets[0], settings, prompting, start_s=start_s, cancel=cancel
        )


class StreamSource:
    """Implements `tracking.source.LiveSource` for a stream."""

    def __init__(
        self,
        model: LoadedModel,
        live: _native.VideoStream,
        gate: CallGate,
        asking: Callable[[SessionCall], Asking],
    ) -> None:
        """Keep how to enter the stream.

        Args:
            model: What the stream runs.
            live: The native stream.
            gate: Lets one call in at a time.
            asking: Brings the stream's session up to what was pushed, for a question.
        """
        self._model = model
        self._live = live
        self._gate = gate
        self._asking = asking

    @property
    def height(self) -> int:
        """Height of every frame in pixels."""
        return self._live.window().frame_size[0]

    @property
    def width(self) -> int:
        """Width of every frame in pixels."""
        return self._live.window().frame_size[1]

    @contextmanager
    def track_call(self, cancel: _native.CancellationToken | None) -> Iterator[_Call]:
        """Enter the stream as a question does."""
        with self._gate.entered(cancel) as call:
            self._live.encode_waiting(call.cancel)
            yield _Call(self._model, self._live, call, self._asking)


class _Call:
    """Implements `tracking.source.LiveCall`."""

    def __init__(
        self,
        model: LoadedModel,
        live: _native.VideoStream,
        call: SessionCall,
        asking: Callable[[SessionCall], Asking],
    ) -> None:
        self._model = model
        self._live = live
        self._call = call
        self._asking = asking

    @property
    def cancel(self) -> _native.CancellationToken:
        """The call's own token."""
        return self._call.cancel

    def seg_hidden_state(
        self, expression: str, *, allow_absent: bool
    ) -> NDArray[np.float32] | None:
        """See `PromptSource`. The window of a question is brought up to date first."""
        asking = self._asking(self._call)
        request = segment_request(
            Referring(expression, "sampled", allow_absent, GenerationConfig()),
            asking.clip,
            self._model.prompts,
            self._model.formats,
            asking.requests,
        )
        generation = request.generated(self._call)
        if STOP_REASONS[generation.stop_reason] is StopReason.CANCELLED:
            raise CancelledError("track: expected to go on to the end, it was cancelled")
        states = object_states(generation)
        return states[0].copy() if states.size else None

    def frames_after(self, frame_idx: int) -> NewFrames:
        """See `LiveCall`."""
        kept = self._live.frames_after(frame_idx)
        frames = [SourceFrame(each.frame_idx, each.time_s, each.pixels) for each in kept]
        if not frames:
            return NewFrames(frames, 0)
        return NewFrames(frames, frames[0].frame_idx - frame_idx - 1)

    def open_tracker(self, settings: TrackerSettings) -> NativeTracker:
        """See `LiveCall`."""
        return self._call.open_tracker(self._model.native, settings)
