"""Opens what a camera is made of."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import ufvideo_sdk
from ufvideo_sdk import _native
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.questions.question import QuestionKind
from ufvideo_sdk.runtime.onnxruntime_library import find_library
from ufvideo_sdk.watch.recording.header import FORMAT_VERSION, RecordingHeader
from ufvideo_sdk.watch.recording.recorder import Recorder
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.ring_length import ring_s
from ufvideo_sdk.watch.sinks.sink import CameraPictures, Sink
from ufvideo_sdk.watch.sources.open_source import open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing
from ufvideo_sdk.watch.sources.packets import PacketListener, SectionHeader, SourcePacket
from ufvideo_sdk.watch.sources.redaction import shown_source
from ufvideo_sdk.watch.watcher.camera import CameraParts
from ufvideo_sdk.watch.watcher.camera_names import Source
from ufvideo_sdk.watch.watcher.camera_state import CameraState
from ufvideo_sdk.watch.watcher.camera_view import CameraView
from ufvideo_sdk.watch.watcher.follower import tracked_of
from ufvideo_sdk.watch.watcher.latest_pictures import LatestPictures
from ufvideo_sdk.watch.watcher.options import WatchOptions

SinkOpener = Callable[[CameraPictures, Rules], Sequence[Sink]]

# Of the packets that clips are cut from, for each camera.
_RING_BYTES = 256 << 20


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
    open_sinks: SinkOpener,
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
        seconds = ring_s(rules)
        ring = PacketRing(seconds, _RING_BYTES) if seconds > 0 else None
        listener = Listeners([each for each in (ring, recorder) if each is not None])
        if callable(source):
            capture = source(listener)
        else:
            capture = open_capture(source, options.capture, listener)
        undo.callback(capture.close)
        state = CameraState()
        sinks = tuple(open_sinks(LatestPictures(name, view, state, ring), rules))
        undo.pop_all()
    is_real_time = options.capture.real_time
    return CameraParts(name, rules, view, state, capture, recorder, sinks, is_real_time)


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
