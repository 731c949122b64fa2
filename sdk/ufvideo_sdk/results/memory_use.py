"""What the sessions of a model hold together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MemoryUse:
    """Bytes that all sessions of a model hold at one moment.

    Weights, and what a run of a graph holds while it lasts, are not in it.

    Attributes:
        total_bytes: All of the below.
        peak_bytes: The most at once since the model was loaded.
        budget_bytes: `RuntimeConfig.memory_budget_bytes`; `total_bytes` and `peak_bytes` never
            exceed it.
        kv_cache_bytes: KV caches.
        clip_features_bytes: SigLIP features and video tokens of open clips.
        region_cache_bytes: SigLIP features kept of other frames.
        mask_cache_bytes: SAM 2 features kept.
        pixel_cache_bytes: Pixels kept.
        track_memory_bytes: SAM 2 memories of tracked objects.
        peak_bytes_by_kind: The most of each kind at once since the model was loaded: `kv_cache`,
            `clip_features`, `region_cache`, `mask_cache`, `pixel_cache`, `track_memory`. They
            peak at different moments, so that their sum is `peak_bytes` or more.
    """

    total_bytes: int
    peak_bytes: int
    budget_bytes: int | None
    kv_cache_bytes: int
    clip_features_bytes: int
    region_cache_bytes: int
    mask_cache_bytes: int
    pixel_cache_bytes: int
    track_memory_bytes: int = 0
    peak_bytes_by_kind: Mapping[str, int] = field(default_factory=dict)
