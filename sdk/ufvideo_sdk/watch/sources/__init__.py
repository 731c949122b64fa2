"""What a camera gives: frames on a grid of stream time, what is missing, and its packets.

with closing(open_capture("rtsp://camera/stream", CaptureOptions(sample_fps=2))) as capture:
    while not isinstance(item := capture.take(timeout_s=1.0), CaptureEnded):
        ...
"""

from __future__ import annotations

from ufvideo_sdk.watch.sources.capture import (
    Capture,
    CaptureEnded,
    CaptureGap,
    CaptureItem,
    CaptureNotice,
    CaptureStats,
    TakenFrame,
)
from ufvideo_sdk.watch.sources.open_source import open_capture
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.packets import PacketListener, SectionHeader, SourcePacket
from ufvideo_sdk.watch.sources.redaction import redact, shown_source

__all__ = [
    "Capture",
    "CaptureEnded",
    "CaptureGap",
    "CaptureItem",
    "CaptureNotice",
    "CaptureOptions",
    "CaptureStats",
    "PacketListener",
    "SectionHeader",
    "SourcePacket",
    "TakenFrame",
    "open_capture",
    "redact",
    "shown_source",
]
