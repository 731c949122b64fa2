"""A live window that is asked while frames come in."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import CancelledError, InputError, StateError
from ufvideo_sdk.results.from_native import stage_stats
from ufvideo_sdk.results.stream_stats import StreamStats
from ufvideo_sdk.results.stream_window import StreamWindow
from ufvideo_sdk.session.answer_builder import AnswerBuilder
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.session.latest_frames import LatestFrames
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.questions import Asking, Questions
from ufvideo_sdk.session.request import RequestBuilder
from ufvideo_sdk.session.session import Session
from ufvideo_sdk.session.session_call import ProgressCallback, SessionCall
from ufvideo_sdk.session.stream_frames import FrozenFrames, WindowFrames
from ufvideo_sdk.session.stream_tracking import LiveTracking, StreamSource
from ufvideo_sdk.tracking.live_tracks import LiveTracks
from ufvideo_sdk.validation.arguments import as_integer, as_number, described
from ufvideo_sdk.video.array_checks import as_frames_array, is_array_like
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.wall_clock import CLOCKS

Self = TypeVar("Self", bound="Stream")
Wall = float | datetime


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is opened (see `UFVideo.open_stream`), checked as far as it needs no model.

    Attributes:
        fps: Frames a second of stream time.
        frames: Most frames of the window; None: the model's own number.
        prefixes: Prefixes of the language model that are kept, 1 or 2.
        drop_pairs: Pairs that a full window drops at once; None: one, or half of it with two
            prefixes.
        history_s: How long video tokens are kept behind the window.
        frames_format: "rgb" or "bgr".
        clock: "camera", "arrival" or "file".

    Raises:
        InputError: When one has another type.
    """

    fps: float
    frames: int | None
    prefixes: int
    drop_pairs: int | None
    history_s: float
    frames_format: str
    clock: str

    def __post_init__(self) -> None:
        """Check the types; the native stream checks the values."""
        for name in ("fps", "history_s"):
            if as_number(getattr(self, name)) is None:
                raise InputError(f"{name}: expected a number, got {described(getattr(self, name))}")
        for name in ("frames", "prefixes", "drop_pairs"):
            value = getattr(self, name)
            number = as_integer(value)
            if (number is None and (value is not None or name == "prefixes")) or (
                number is not None and not -(2**31) <= number < 2**31
            ):
                raise InputError(f"{name}: expected an integer, got {described(value)}")
        if self.frames_format not in ("rgb", "bgr"):
            raise InputError(
                f'frames_format: expected "rgb" or "bgr", got {described(self.frames_format)}'
            )
        if self.clock not in CLOCKS:
            raise InputError(
                f"clock: expected one of {', '.join(CLOCKS)}, got {described(self.clock)}"
            )

    def native(self, model: _native.Model) -> _native.VideoStream:
        """The native stream.

        Raises:
            InputError: When a value is not allowed.
            PackageError: When the model's aligner looks across pairs of frames.
        """
        return _native.VideoStream(
            model,
            fps=float(self.fps),
            num_frames=as_integer(self.frames),
            num_prefixes=int(self.prefixes),
            drop_pairs=as_integer(self.drop_pairs),
            history_s=float(self.history_s),
            is_bgr=self.frames_format == "bgr",
        )


@dataclass(frozen=True, eq=False)
class _Current:
    """The window that was asked about last, and what asks about it. Holds the window's pixels."""

    window: _native.StreamWindow
    clip: Clip
    requests: RequestBuilder
    answers: AnswerBuilder


class Stream(Questions, LiveTracking, LatestFrames):
    """A window over the latest frames of a camera or a file, asked at any time.

    Each frame is encoded once, when it is pushed, and questions cost what is new: the answers are
    those of a session that is opened on the window's frames (`sampling="every"`), bit for bit on
    the CPU. `push` may be called from another thread than the questions, and `stats` and `cancel`
    from any; everything else belongs to one thread at a time, as with `Session`. A push in another
    thread never waits for an answer.

    Questions have the arguments and errors of those of `Session`, and StateError while the window
    has fewer than two frames. Frames are numbered as they are taken, `window.frame_idxs`; regions
    and masks lie on frames of the window. Pictures of an answer can be made for as long as its
    frames are in the window, or no other window has been asked about; `freeze` keeps them.
    """

    def __init__(self, model: LoadedModel, options: StreamOptions) -> None:
        """Use `UFVideo.open_stream`."""
        self._model = model
        self._options = options
        self._live: _native.VideoStream | None = options.native(model.native)
        self._gate = CallGate(_native.Session(model.native, self._live.feature_store), "stream")
        self._current: _Current | None = None
        # Numbers of tracks, of questions too, so that none comes back.
        self._track_ids = itertools.count(1)
        self._tracks: LiveTracks | None = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._live is None else f"{len(self.window)} frames"
        return f"Stream({self._model.manifest.model.name}, {state})"

    def push(self, frame: NDArray[np.uint8] | Any, t_s: float, *, wall: Wall | None = None) -> None:
        """Give the stream its next frame, which it copies if it takes it.

        The first frame at each point of a grid of 1 / fps seconds is taken, others are counted as
        skipped (`stats`); a tenth of a step before a point counts as at it. A frame that is taken
        is encoded in this call, unless another thread is encoding for the stream: then it waits in
        a queue as long as the window, whose oldest frame is skipped when it is full.

        Args:
            frame: An array or a tensor on the CPU, uint8 [H, W, 3], always of the same size.
            t_s: Stream time in seconds, later than the frame before; others are skipped, but a
                step back of 1 / fps or more is an error.
            wall: The time of day, as seconds since 1970 in UTC or a datetime with a time zone;
                None: now, with `clock="arrival"`, and otherwise unknown.

        Raises:
            InputError: When the frame or a time is not so.
            CapacityError: When memory runs out; the stream goes on without the frame, or with it
                waiting.
            InferenceError: When a graph fails; the stream goes on without the frame.
            StateError: When the stream is closed.
        """
        live = self._open_live()
        if not is_array_like(frame):
            raise InputError(f"frame: expected an array uint8 [H, W, 3], got {described(frame)}")
        pixels = as_frames_array(frame, "frame", is_one=True)
        seconds = as_number(t_s)
        if seconds is None:
            raise InputError(f"t_s: expected finite seconds, got {described(t_s)}")
        live.push(np.ascontiguousarray(pixels), seconds, self._wall_s(wall))

    def _wall_s(self, wall: Wall | None) -> float | None:
        if wall is None:
            return time.time() if self._options.clock == "arrival" else None
        if isinstance(wall, datetime) and wall.tzinfo is not None:
            seconds: float | None = wall.timestamp()
        else:
            seconds = as_number(wall)
        if seconds is None or not 0 <= seconds < 4e9:
            raise InputError(
                "wall: expected seconds since 1970 or a datetime with a time zone, got"
                f" {described(wall)}"
            )
        return seconds

    @property
    def window(self) -> StreamWindow:
        """The frames that a question would be about now; those that wait are not in it yet."""
        return _shown(self._open_live().window())

    @property
    def stats(self) -> StreamStats:
        """What was pushed and skipped, memory, and times of all stages, from any thread."""
        native, live = self._gate.native(), self._open_live()
        counts, store = live.statistics(), live.feature_store
        # The session counts the features that it shares with the stream.
        of_session = native.memory_bytes() - store.vision_bytes - store.mask_bytes
        tracks = self._tracks
        of_tracks = 0 if tracks is None else tracks.memory_bytes
        tracked = [] if tracks is None else [tracks.timings]
        return StreamStats(
            num_pushed=counts.num_pushed,
            num_encoded=counts.num_encoded,
            num_waiting=counts.num_waiting,
            skipped_by={
                "grid": counts.num_off_grid,
                "late": counts.num_late,
                "queue": counts.num_overflowed,
                "failed": counts.num_failed,
            },
            memory_bytes=counts.memory_bytes + max(of_session, 0) + of_tracks,
            stages=stage_stats(counts.timings, native.timings(), *tracked),
        )

    @contextmanager
    def _entered(
        self, cancel: _native.CancellationToken | None, on_progress: ProgressCallback | None
    ) -> Iterator[Asking]:
        with self._gate.entered(cancel, on_progress) as call:
            yield self._asking(call)

    def _asking(self, call: SessionCall) -> Asking:
        current = self._look(call)
        return Asking(call, current.clip, current.requests, current.answers)

    def _live_tracks(self) -> LiveTracks:
        live = self._open_live()
        if self._tracks is None:
            source = StreamSource(self._model, live, self._gate, self._asking)
            self._tracks = LiveTracks(source, self._track_ids)
        return self._tracks

    def _look(self, call: SessionCall) -> _Current:
        """Bring the session up to what has been pushed until now.

        Raises:
            StateError: When the window has fewer than two frames.
        """
        live, native = self._open_live(), self._gate.native()
        live.encode_waiting(call.cancel)
        while True:
            window = live.window()
            current = self._current
            if current is not None and current.window.frame_idxs == window.frame_idxs:
                return current
            native.look_at(window)
            # Another thread's push may have dropped the features of frames before they were held.
            if not native.missing_frames(window.frame_idxs):
                break
        model, clip = self._model, _clip_of(window, live, self._options.clock)
        answers = AnswerBuilder(model, clip, self._track_ids)
        check = answers.tracks.check
        requests = RequestBuilder(model.prompts, model.formats, clip, clip.frame_idxs, check)
        current = self._current = _Current(window, clip, requests, answers)
        return current

    def freeze(self, *, cancel: _native.CancellationToken | None = None) -> Session:
        """The window as a session of its own, which the stream's next frames do not change.

        It has the window's pixels and is bit-equal to one opened on these frames with
        `sampling="every"`; its frames are counted from 0. Nothing is encoded again.

        Raises:
            StateError: When the window has fewer than two frames, or as for a question.
            CapacityError: When memory runs out.
            CancelledError: When it was cancelled.
        """
        with self._gate.entered(cancel) as call:
            window = self._look(call).window
            clip = Clip(FrozenFrames(window, self._options.clock))
            saved = call.save_clip(self._model.prompts.prefix(clip))
            if saved is None:
                raise CancelledError("freeze: expected to go on to the end, it was cancelled")
            native = _native.Session(self._model.native)
            native.restore_clip(
                _native.SavedClip(
                    is_image=False,
                    frame_idxs=clip.frame_idxs.tolist(),
                    height_px=clip.height,
                    width_px=clip.width,
                    features=saved.features,
                    video_tokens=saved.video_tokens,
                    prefix_ids=saved.prefix_ids,
                    keys=saved.keys,
                    values=saved.values,
                )
            )
            return Session(self._model, clip, sampling="every", opened=native)

    def past(self, t0_s: float, t1_s: float) -> Session:
        """A session about frames that have left the window, or are in it, from kept video tokens.

        It looks at the pairs of frames, as the aligner joined them, that lie between the two times,
        which are at most as many frames as the model looks at. Text and times need nothing else;
        masks and regions can be had on frames that are in the stream's window still.

        Args:
            t0_s: First stream time, at most `history_s` before the newest frame.
            t1_s: Last stream time.

        Raises:
            InputError: When too many frames or no whole pair lie between them, or they are not kept
                any more.
            StateError: As for a question.
        """
        for name, value in (("t0_s", t0_s), ("t1_s", t1_s)):
            if as_number(value) is None:
                raise InputError(f"{name}: expected finite seconds, got {described(value)}")
        with self._gate.entered() as call:
            live = self._open_live()
            live.encode_waiting(call.cancel)
            window = live.past(float(t0_s), float(t1_s))
            native = _native.Session(self._model.native, live.feature_store)
            native.look_at(window)
            clip = _clip_of(window, live, self._options.clock)
            return Session(self._model, clip, sampling="every", opened=native)

    def cancel(self) -> None:
        """End the question or the answer under way early, from any thread."""
        self._gate.cancel()

    def reset(self) -> None:
        """Forget the conversation and a failure; frames and video tokens stay."""
        self._gate.reset()

    def memory_bytes(self) -> int:
        """Bytes held, as `stats` has them, from any thread."""
        return self.stats.memory_bytes

    def close(self) -> None:
        """Free everything but the model. Further calls raise StateError; closing again is fine."""
        self._gate.close()
        tracks, self._tracks = self._tracks, None
        if tracks is not None:
            tracks.close()
        self._live = self._current = None

    def _open_live(self) -> _native.VideoStream:
        live = self._live
        if live is None:
            raise StateError("stream: expected an open stream, it is closed")
        return live


def _clip_of(window: _native.StreamWindow, live: _native.VideoStream, quality: str) -> Clip:
    source = WindowFrames(window, live, quality)
    return Clip.of_frames(source, np.array(window.frame_idxs, np.int64))


def _shown(window: _native.StreamWindow) -> StreamWindow:
    idxs, times_s = np.array(window.frame_idxs, np.int64), window.timestamps_s
    for array in (idxs, times_s):
        array.flags.writeable = False
    return StreamWindow(idxs, times_s)
