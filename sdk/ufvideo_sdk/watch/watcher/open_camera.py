"""Opens what a camera is made of."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ufvideo_sdk
from ufvideo_sdk import _native
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.questions.question import QuestionKind
from ufvideo_sdk.runtime.onnxruntime_library import find_library
from ufvideo_sdk.watch.recording.header import FORMAT_VERSION, RecordingHeader
from ufvideo_sdk.watch.recording.recorder import Recorder
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.sink import ClipPart, Sink
from ufvideo_sdk.watch.sources.open_source import open_capture
from ufvideo_sdk.watch.sources.packets import PacketListener, SectionHeader, SourcePacket
from ufvideo_sdk.watch.sources.redaction import shown_source
from ufvideo_sdk.watch.watcher.camera import CameraParts
from ufvideo_sdk.watch.watcher.camera_names import Source
from ufvideo_sdk.watch.watcher.camera_view import CameraView
from ufvideo_sdk.watch.watcher.follower import tracked_of
from ufvideo_sdk.watch.watcher.options import WatchOptions


class CameraPictures:
    """Pictures of a camera's latest seconds, for sinks (`sinks.sink.CameraPictures`)."""

    def __init__(self, name: str, view: CameraView) -> None:
        """Keep where they are.

        Args:
            name: Name of the camera.
            view: Its window of the model.
        """
        self._name = name
        self._view = view

    @property
    def name(self) -> str:
        """Name of the camera."""
        return self._name

    def frame(self, frame_idx: int) -> NDArray[np.uint8] | None:
        """A frame that was looked at, RGB uint8 [H, W, 3]; None if it is not held any more."""
        return self._view.pixels(frame_idx)

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        """Write packets as files; without a ring of packets there are none."""
        return []


class Listeners:
    """Tells several listeners of packets, in the reading thread."""

    def __init__(self, listeners: Sequence[PacketListener]) -> None:
        """Keep who is told, in order."""
        self._listeners = tuple(listeners)

    def begin(self, header: SectionHeader) -> None:
        """A section begins."""
        for listener in self._listeners:
            listener.begin(header)

    def packet(self, packet: SourcePacket) -> None:
        """A packet came."""
        for listener in self._listeners:
            listener.packet(packet)


def open_camera(
    model: UFVideo,
    name: str,
    source: Source,
    rules: Rules,
    options: WatchOptions,
    open_sinks: Callable[[CameraPictures, Rules], Sequence[Sink]],
) -> CameraParts:
    """Open a camera: its recording, its capture and its sinks.

    Args:
        model: What is asked.
        name: Name of the camera.
        source: What is read.
        rules: Its rules.
        options: How cameras are watched.
        open_sinks: Makes its sinks.

    Raises:
        InputError: When the source cannot be opened, or a recording cannot be written.
        PackageError: When the package cannot answer a question of the rules.
    """
    check_can_answer(model, rules)
    view = CameraView(model, options.window, tracked_of(rules))
    with ExitStack() as undo:
        recorder = None
        if options.record is not None:
            shown = shown_source(os.fspath(source)) if not callable(source) else "a program"
            header = recording_header(model, name, shown, options)
            recorder = Recorder(options.record / name, header, options.retention)
            undo.callback(recorder.close)
        listener = Listeners([] if recorder is None else [recorder])
        if callable(source):
            capture = source(listener)
        else:
            capture = open_capture(source, options.capture, listener)
        undo.callback(capture.close)
        sinks = tuple(open_sinks(CameraPictures(name, view), rules))
        undo.pop_all()
    return CameraParts(name, rules, view, capture, recorder, sinks)


def check_can_answer(model: UFVideo, rules: Rules) -> None:
    """Refuse rules that a package lacks the graphs for.

    Raises:
        PackageError: Naming the question and what is missing.
    """
    capabilities = model.manifest.capabilities
    for each in rules.questions:
        kind = each.question.kind
        needs = "track" if kind is QuestionKind.TRACK else None
        needs = "segment" if kind is QuestionKind.SEGMENT else needs
        if needs is not None and needs not in capabilities:
            raise PackageError(
                f"rules: {each.name}: expected a package that can {needs}, for a question of the"
                f" kind {kind.value}; {model.manifest.model.name} can"
                f" {', '.join(capabilities) or 'answer in words only'}"
            )


def recording_header(
    model: UFVideo, camera: str, source: str, options: WatchOptions
) -> RecordingHeader:
    """Return what a recording that begins now is made with.

    Args:
        model: What is asked.
        camera: Name of the camera.
        source: What is read, without credentials.
        options: How cameras are watched.
    """
    runtime = model.runtime
    library = _native.open_onnxruntime(str(find_library(runtime.onnxruntime_library)))
    window_frames = options.window.frames or model.manifest.video.num_frames
    return RecordingHeader(
        version=FORMAT_VERSION,
        sdk=ufvideo_sdk.__version__,
        model=model.manifest.model.name,
        manifest_sha256=model.manifest_sha256,
        num_threads=runtime.num_threads or len(os.sched_getaffinity(0)),
        providers=tuple(str(each) for each in runtime.providers),
        onnxruntime=library.version,
        processor=platform.machine(),
        camera=camera,
        source=source,
        sample_fps=float(options.capture.sample_fps),
        window_frames=window_frames,
        first_frames=min(options.window.first_frames or window_frames, window_frames),
        started_s=time.time(),
    )
