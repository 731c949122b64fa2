"""Cameras that are watched: rules, what is asked and when, events, recordings and replays.

    from ufvideo_sdk import UFVideo
    from ufvideo_sdk.watch import Rules, watch

    for event in watch(UFVideo.load(), "rtsp://camera/stream", Rules.load("rules.yaml")):
        print(event)

`Rules` reads a file of rules strictly; `Engine` tells which questions are due and which events
happen (`ufvideo_sdk.watch.engine` has its contract); `watch` captures, asks the model and records;
`Replay` does so again from a recording. Needs the extra `watch`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.watch.engine.engine import Engine
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.rules import Rules

if TYPE_CHECKING:
    from ufvideo_sdk.watch.recording.folders import Retention
    from ufvideo_sdk.watch.recording.replay import Replay
    from ufvideo_sdk.watch.sinks.event_lines import read_event_lines
    from ufvideo_sdk.watch.sinks.sink import CameraPictures, Sink, SinkStats
    from ufvideo_sdk.watch.sources.options import CaptureOptions
    from ufvideo_sdk.watch.status import CameraStatus, WatchStatus
    from ufvideo_sdk.watch.view.saved_stream import SavedStream
    from ufvideo_sdk.watch.view.status_view import StatusView
    from ufvideo_sdk.watch.watcher.camera_event import CameraEvent, CameraNotice
    from ufvideo_sdk.watch.watcher.camera_view import WindowOptions
    from ufvideo_sdk.watch.watcher.options import WatchOptions
    from ufvideo_sdk.watch.watcher.run import Watch
    from ufvideo_sdk.watch.watcher.start import open_watch, watch

# Rules are read and logs are explained without the native module.
_LATE = {
    "CameraEvent": "watcher.camera_event",
    "CameraNotice": "watcher.camera_event",
    "CameraPictures": "sinks.sink",
    "CameraStatus": "status",
    "CaptureOptions": "sources.options",
    "Replay": "recording.replay",
    "Retention": "recording.folders",
    "SavedStream": "view.saved_stream",
    "Sink": "sinks.sink",
    "SinkStats": "sinks.sink",
    "StatusView": "view.status_view",
    "Watch": "watcher.run",
    "WatchOptions": "watcher.options",
    "WatchStatus": "status",
    "WindowOptions": "watcher.camera_view",
    "open_watch": "watcher.start",
    "read_event_lines": "sinks.event_lines",
    "watch": "watcher.start",
}

__all__ = [
    "CameraEvent",
    "CameraNotice",
    "CameraPictures",
    "CameraStatus",
    "CaptureOptions",
    "Engine",
    "Event",
    "Replay",
    "Retention",
    "Rules",
    "SavedStream",
    "Sink",
    "SinkStats",
    "StatusView",
    "Watch",
    "WatchOptions",
    "WatchStatus",
    "WindowOptions",
    "open_watch",
    "read_event_lines",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Import the rest when it is asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    """Every name, imported or not."""
    return sorted({*globals(), *__all__})
