"""UFVideo at the edge: ask a video, get text, times and masks.

model = UFVideo.load("package")
session = model.open("street.mp4")
answer = session.ask("What happens?")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.errors import (
    CancelledError,
    CapacityError,
    ConfigError,
    DamagedVideoWarning,
    DeviceError,
    InferenceError,
    InputError,
    PackageError,
    PackageVersionError,
    StateError,
    UFVideoError,
)
from ufvideo_sdk.runtime.telemetry import turn_off_telemetry

if TYPE_CHECKING:
    from ufvideo_sdk._native import CancellationToken, StreamAction
    from ufvideo_sdk.demo.files import demo_clip
    from ufvideo_sdk.hub.download import DownloadProgress
    from ufvideo_sdk.hub.hub_name import HubRevision
    from ufvideo_sdk.model import UFVideo
    from ufvideo_sdk.render.answer_video import AnswerVideo
    from ufvideo_sdk.results.answer import (
        Answer,
        AnswerStats,
        StageProviders,
        StageStats,
        TextEvent,
    )
    from ufvideo_sdk.results.answer_json import masks_from_json
    from ufvideo_sdk.results.load_stats import LoadStats
    from ufvideo_sdk.results.locate_result import LocateResult
    from ufvideo_sdk.results.masks import MaskTrack
    from ufvideo_sdk.results.memory_use import MemoryUse
    from ufvideo_sdk.results.object_mask import FrameMasks, ObjectMask
    from ufvideo_sdk.results.object_track import ObjectTrack
    from ufvideo_sdk.results.segment_result import SegmentResult
    from ufvideo_sdk.results.stop_reason import StopReason
    from ufvideo_sdk.results.stream_frame import StreamFrame
    from ufvideo_sdk.results.stream_span import StreamSpan
    from ufvideo_sdk.results.stream_stats import StreamStats
    from ufvideo_sdk.results.stream_window import StreamWindow
    from ufvideo_sdk.results.time_span import TimeSpan
    from ufvideo_sdk.results.track_event import TrackEvent, TrackEventKind
    from ufvideo_sdk.results.track_result import TrackResult
    from ufvideo_sdk.runtime.config import GenerationConfig, RuntimeConfig
    from ufvideo_sdk.runtime.track_config import TrackConfig
    from ufvideo_sdk.session.answer_stream import AnswerStream
    from ufvideo_sdk.session.mask_stream import MaskStream
    from ufvideo_sdk.session.request import Ask
    from ufvideo_sdk.session.session import Session
    from ufvideo_sdk.session.stream import Stream
    from ufvideo_sdk.tracking.live_track import LiveTrack
    from ufvideo_sdk.video.clip import Clip
    from ufvideo_sdk.video.regions import Region

    __version__: str

__all__ = [
    "Answer",
    "AnswerStats",
    "AnswerStream",
    "AnswerVideo",
    "Ask",
    "CancellationToken",
    "CancelledError",
    "CapacityError",
    "Clip",
    "ConfigError",
    "DamagedVideoWarning",
    "DeviceError",
    "DownloadProgress",
    "FrameMasks",
    "GenerationConfig",
    "HubRevision",
    "InferenceError",
    "InputError",
    "LiveTrack",
    "LoadStats",
    "LocateResult",
    "MaskStream",
    "MaskTrack",
    "MemoryUse",
    "ObjectMask",
    "ObjectTrack",
    "PackageError",
    "PackageVersionError",
    "Region",
    "RuntimeConfig",
    "SegmentResult",
    "Session",
    "StageProviders",
    "StageStats",
    "StateError",
    "StopReason",
    "Stream",
    "StreamAction",
    "StreamFrame",
    "StreamSpan",
    "StreamStats",
    "StreamWindow",
    "TextEvent",
    "TimeSpan",
    "TrackConfig",
    "TrackEvent",
    "TrackEventKind",
    "TrackResult",
    "UFVideo",
    "UFVideoError",
    "demo_clip",
    "masks_from_json",
]

# Here, because ONNX Runtime reads it once, and the exporter imports the library by itself.
turn_off_telemetry()

# Loaded when first asked for: the exporter and `ufvideo --help` need none of these.
_HOMES = {
    "CancellationToken": "_native",
    "StreamAction": "_native",
    "Clip": "video.clip",
    "DownloadProgress": "hub.download",
    "HubRevision": "hub.hub_name",
    "GenerationConfig": "runtime.config",
    "RuntimeConfig": "runtime.config",
    "UFVideo": "model",
    "demo_clip": "demo.files",
    "Region": "video.regions",
    "Ask": "session.request",
    "MaskStream": "session.mask_stream",
    "Answer": "results.answer",
    "AnswerStats": "results.answer",
    "masks_from_json": "results.answer_json",
    "FrameMasks": "results.object_mask",
    "MaskTrack": "results.masks",
    "ObjectMask": "results.object_mask",
    "ObjectTrack": "results.object_track",
    "LoadStats": "results.load_stats",
    "LocateResult": "results.locate_result",
    "SegmentResult": "results.segment_result",
    "MemoryUse": "results.memory_use",
    "StageProviders": "results.answer",
    "StageStats": "results.answer",
    "StopReason": "results.stop_reason",
    "StreamFrame": "results.stream_frame",
    "StreamSpan": "results.stream_span",
    "StreamStats": "results.stream_stats",
    "StreamWindow": "results.stream_window",
    "TextEvent": "results.answer",
    "TimeSpan": "results.time_span",
    "TrackConfig": "runtime.track_config",
    "TrackEvent": "results.track_event",
    "TrackEventKind": "results.track_event",
    "TrackResult": "results.track_result",
    "AnswerStream": "session.answer_stream",
    "LiveTrack": "tracking.live_track",
    "AnswerVideo": "render.answer_video",
    "Session": "session.session",
    "Stream": "session.stream",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        # pyproject.toml says it, and pip keeps what that said.
        value = importlib.import_module("importlib.metadata").version("ufvideo-sdk")
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
