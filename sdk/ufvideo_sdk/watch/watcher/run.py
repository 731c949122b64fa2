"""A run of `watch`: cameras in turns until all have ended or it is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TypeVar

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import InputError, StateError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sinks.sink import CameraPictures, Sink, SinkStats
from ufvideo_sdk.watch.status import CameraStatus, StageLatency, WatchStatus
from ufvideo_sdk.watch.watcher.budget import Budget, MachineUse, machine_use
from ufvideo_sdk.watch.watcher.camera import STOPPED, Camera
from ufvideo_sdk.watch.watcher.camera_event import CameraEvent, CameraNotice
from ufvideo_sdk.watch.watcher.camera_names import Source
from ufvideo_sdk.watch.watcher.open_camera import SinkOpener, open_camera
from ufvideo_sdk.watch.watcher.options import WatchOptions

Self = TypeVar("Self", bound="Watch")
Told = CameraEvent | CameraNotice

# How long nobody looks whether it is stopped, while no camera has anything.
_IDLE_S = 0.1
_HELD_BACK_S = 0.02


class Watch:
    """Watches cameras while it is iterated over; the iteration tells events and notices in order.

    Cameras take turns in the order in which they were given. In its turn a camera's frames that
    wait are looked at, oldest first, until none waits or half a second has passed and something is
    due; then all of its questions that are due are asked about the window as it is then, those in
    words as rows of one batch. A camera of which nothing waits is passed over; a file has one frame
    a turn.

    `stop` and `status` may be called from any thread; everything else belongs to the one that
    iterates.
    """

    def __init__(
        self,
        model: UFVideo,
        sources: dict[str, Source],
        rules: dict[str, Rules],
        options: WatchOptions,
        open_sinks: SinkOpener,
        *,
        has_stdout: bool = False,
    ) -> None:
        """Use `watch`.

        Args:
            model: What is asked.
            sources: What is watched, by camera.
            rules: The rules of each camera.
            options: How.
            open_sinks: Makes sinks of a camera beside those of its rules.
            has_stdout: Whether a sink of the rules may print.
        """
        self._model = model
        self._sources = sources
        self._rules = rules
        self._options = options
        self._open_sinks = open_sinks
        self._has_stdout = has_stdout
        # The sinks of each file of rules.
        self._outputs: dict[str, Outputs] = {}
        self._cameras: list[Camera] = []
        self._budget = Budget(options.budget, self._machine_use)
        self._cancel = CancellationToken()
        self._is_stopped = False
        self._has_begun = False
        self._began_s = time.monotonic()

    def __iter__(self) -> Iterator[Told]:
        """Watch until every source has ended, or `stop` is called.

        However the iteration ends, what is under way is finished first: events that are under way
        end, files are whole, and every thread has ended.

        Raises:
            InputError: When a source cannot be opened, or a recording cannot be written.
            ConfigError: When a library is missing.
            CapacityError: When memory runs out, or the disk is full at the start.
            StateError: When it has been iterated over before.
        """
        if self._has_begun:
            raise StateError("watch: expected a watch that has not begun, make another one")
        self._has_begun = True
        return self._run()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the watch soon: a question under way is cancelled. From any thread."""
        self._is_stopped = True
        self._cancel.cancel()

    @property
    def status(self) -> WatchStatus:
        """How it goes, from any thread."""
        cameras = list(self._cameras)
        budget = self._budget
        return WatchStatus(
            running_s=time.monotonic() - self._began_s,
            machine_share=budget.used_share,
            budget=budget.share,
            giving_way=budget.giving_way,
            memory_bytes=sum(_memory_bytes(camera) for camera in cameras),
            cameras=tuple(map(_status_of, cameras)),
        )

    @property
    def sinks(self) -> tuple[SinkStats, ...]:
        """Counts of the sinks of the rules, from any thread."""
        return tuple(stats for outputs in list(self._outputs.values()) for stats in outputs.stats)

    def _machine_use(self) -> MachineUse:
        """What is used so far: processor time, or on a device the time that it takes, if longer."""
        use = machine_use()
        if tuple(self._model.runtime.providers) == ("cpu",):
            return use
        cameras = list(self._cameras)
        busy_s = sum(c.follower.clock.total_s("push", "track", "ask") for c in cameras)
        return MachineUse(use.now_s, max(use.used_s, busy_s))

    def _run(self) -> Iterator[Told]:
        timeout_s = self._options.close_timeout_s
        with ExitStack() as closing:
            try:
                for rules in self._rules.values():
                    if rules.text not in self._outputs:
                        outputs = self._outputs[rules.text] = self._opened_outputs(rules)
                        closing.callback(outputs.close, timeout_s)
                for name, source in self._sources.items():
                    camera = self._opened(name, source)
                    closing.callback(camera.close, timeout_s)
                    self._cameras.append(camera)
                    yield from _told_by(camera)
                while not self._is_stopped and not all(c.is_over for c in self._cameras):
                    yield from self._round()
            finally:
                for camera in self._cameras:
                    camera.finish(STOPPED)
            for camera in self._cameras:
                yield from _told_by(camera)

    def _round(self) -> Iterator[Told]:
        """A turn of each camera."""
        has_come = False
        for camera in self._cameras:
            if self._is_stopped:
                return
            has_come |= camera.turn()
            self._budget.settle()
            yield from _told_by(camera)
        if has_come:
            return
        if any(camera.holds_back for camera in self._cameras):
            time.sleep(_HELD_BACK_S)
            return
        waiting = [camera for camera in self._cameras if not camera.is_over]
        for camera in waiting:
            camera.wait(_IDLE_S / len(waiting))

    def _opened(self, name: str, source: Source) -> Camera:
        rules = self._rules[name]
        outputs = self._outputs[rules.text]

        def sinks_of(pictures: CameraPictures, rules: Rules) -> Sequence[Sink]:
            return (outputs.open_camera(pictures, rules), *self._open_sinks(pictures, rules))

        parts = open_camera(
            self._model, name, source, rules.for_camera(name), self._options, sinks_of
        )
        return Camera(parts, self._budget, self._cancel)

    def _opened_outputs(self, rules: Rules) -> Outputs:
        folder = self._options.folder
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                got = f"{shown(folder)}: expected a folder, got: {error.strerror}"
                raise InputError(got) from None
        return Outputs(
            rules,
            folder=folder,
            allow_hosts=self._options.allow_hosts,
            has_stdout=self._has_stdout,
            status=lambda: self.status,
        )


def _told_by(camera: Camera) -> Iterator[Told]:
    while camera.told:
        yield camera.told.popleft()


def _memory_bytes(camera: Camera) -> int:
    stats = camera.parts.view.stats
    return 0 if stats is None else stats.memory_bytes


def _status_of(camera: Camera) -> CameraStatus:
    state, captured = camera.state, camera.parts.capture.stats
    follower, recorder = camera.follower, camera.recorder
    stream = camera.parts.view.stats
    stages = list(follower.clock.latencies)
    if stream is not None:
        stages += [
            StageLatency(name, each.num_calls, None, each.total_ms / max(each.num_calls, 1))
            for name, each in stream.stages.items()
        ]
    with state.lock:
        times = state.times
        return CameraStatus(
            name=camera.parts.name,
            source=camera.parts.capture.name,
            state=state.state,
            time_s=times[-1][0] if times else None,
            wall_s=times[-1][1] if times else None,
            num_frames=state.num_frames,
            frame_rate=captured.frame_rate,
            looked_at_rate=state.looked_at_rate,
            clock=captured.clock,
            clock_error_s=captured.clock_error_s,
            num_connections=captured.num_connections,
            dropped_by={**captured.dropped_by, **state.dropped},
            num_asked=state.num_asked,
            num_failed=state.num_failed,
            stages=tuple(stages),
            answers=tuple(state.answers.values()),
            tracks=tuple(state.tracks.values()),
            under_way=follower.under_way,
            events=tuple(state.events),
            notices=tuple(state.notices),
            recording="" if recorder is None else str(recorder.folder),
            recorded_bytes=0 if recorder is None else recorder.num_bytes,
        )
