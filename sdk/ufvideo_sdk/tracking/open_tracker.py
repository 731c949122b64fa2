"""The native tracker of a source."""

from __future__ import annotations

from ufvideo_sdk import _native
from ufvideo_sdk.tracking.native_tracker import NativeTracker, TrackerSettings


def open_tracker(
    model: _native.Model, store: _native.FeatureStore, settings: TrackerSettings
) -> NativeTracker:
    """A tracker without an object.

    Args:
        model: The weights.
        store: Features of the source's frames, shared with its other calls.
        settings: What the objects' memory is like.

    Raises:
        PackageError: When the package cannot track.
        ConfigError: When there is no such rule, or the package's memory holds fewer frames.
    """
    tracker: NativeTracker = _native.Tracker(
        model,
        store,
        memory=settings.memory,
        num_memories=settings.num_memories,
        max_prompted=settings.max_prompted,
    )
    return tracker
