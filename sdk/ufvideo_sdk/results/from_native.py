"""What the native runtime returns, in the classes of `results`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ufvideo_sdk import _native
from ufvideo_sdk.package.manifest import ALL_STEMS
from ufvideo_sdk.results.answer import AnswerStats, StageProviders, StageStats
from ufvideo_sdk.results.memory_use import MemoryUse
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.stream_span import StreamSpan
from ufvideo_sdk.results.time_span import TimeSpan

if TYPE_CHECKING:
    from ufvideo_sdk.video.clip import Clip

STOP_REASONS = {
    _native.StopReason.END_TOKEN: StopReason.END,
    _native.StopReason.MAX_NEW_TOKENS: StopReason.MAX_NEW_TOKENS,
    _native.StopReason.CONTEXT_FULL: StopReason.CONTEXT_FULL,
    _native.StopReason.STOPPED: StopReason.STOPPED,
    _native.StopReason.CANCELLED: StopReason.CANCELLED,
}


class Timing(Protocol):
    """Calls, items and wall time of a stage, or of a step of reading the source."""

    @property
    def num_calls(self) -> int:
        """How often it ran."""

    @property
    def num_items(self) -> int:
        """Frames or tokens that went through it."""

    @property
    def total_ms(self) -> float:
        """Wall time."""


def stage_stats(*timings: Mapping[str, Timing]) -> dict[str, StageStats]:
    """The sum of stage timings, in pipeline order, steps that are no stage at the end."""
    names = {name for each in timings for name in each}
    order = [*ALL_STEMS, *sorted(names - set(ALL_STEMS))]
    return {
        name: StageStats(
            num_calls=sum(each[name].num_calls for each in timings if name in each),
            num_items=sum(each[name].num_items for each in timings if name in each),
            total_ms=sum(each[name].total_ms for each in timings if name in each),
        )
        for name in order
        if name in names
    }


def stage_providers(
    model: _native.Model, tensorrt_left_out: Mapping[str, str]
) -> dict[str, StageProviders]:
    """What each stage runs on, in pipeline order.

    Args:
        model: The stages.
        tensorrt_left_out: Stages that TensorRT was asked for and does not take, and why not.
    """
    found = model.stage_providers

    def left_out(stem: str) -> dict[str, str]:
        reason = tensorrt_left_out.get(stem)
        own = {} if reason is None else {"tensorrt": reason}
        return {**own, **found[stem].left_out}

    return {
        stem: StageProviders(
            used=tuple(found[stem].used),
            left_out=left_out(stem),
            num_nodes=dict(found[stem].num_nodes),
        )
        for stem in ALL_STEMS
        if stem in found
    }


def memory_use(model: _native.Model) -> MemoryUse:
    """What all sessions of a model hold together."""
    use = model.memory_use()
    kinds = _native.MemoryKind
    return MemoryUse(
        total_bytes=use.total_bytes,
        peak_bytes=use.peak_bytes,
        budget_bytes=use.budget_bytes,
        kv_cache_bytes=use.held(kinds.KV_CACHE),
        clip_features_bytes=use.held(kinds.CLIP_FEATURES),
        region_cache_bytes=use.held(kinds.REGION_FEATURES),
        mask_cache_bytes=use.held(kinds.MASK_FEATURES),
        pixel_cache_bytes=use.held(kinds.PIXELS),
        track_memory_bytes=use.held(kinds.TRACK_MEMORY),
        peak_bytes_by_kind={
            "kv_cache": use.peak(kinds.KV_CACHE),
            "clip_features": use.peak(kinds.CLIP_FEATURES),
            "region_cache": use.peak(kinds.REGION_FEATURES),
            "mask_cache": use.peak(kinds.MASK_FEATURES),
            "pixel_cache": use.peak(kinds.PIXELS),
            "track_memory": use.peak(kinds.TRACK_MEMORY),
        },
    )


def answer_stats(
    generation: _native.Generation,
    more: Sequence[Mapping[str, Timing]],
    providers: Mapping[str, StageProviders],
) -> AnswerStats:
    """Statistics of an answer, the masks' timings included."""
    return AnswerStats(
        stages=stage_stats(generation.timings, *more),
        num_prefill_tokens=generation.num_prefill_tokens,
        num_reused_tokens=generation.num_reused_tokens,
        num_generated_tokens=len(generation.token_ids),
        time_to_first_token_ms=generation.time_to_first_token_ms,
        decode_ms=generation.decode_ms,
        providers=providers,
        token_ms=tuple(generation.token_ms),
    )


def spans_in_seconds(spans: Sequence[_native.SpanFraction], clip: Clip) -> tuple[TimeSpan, ...]:
    """The spans an answer names, by the clip's own times; an image has none.

    Those of a stream's clip are of StreamSpan.
    """
    return () if clip.is_image else tuple(_span_in_seconds(span, clip) for span in spans)


def _span_in_seconds(span: _native.SpanFraction, clip: Clip) -> TimeSpan:
    start_s, end_s = clip.time_of(span.start), clip.time_of(span.end)
    clock = clip.wall_clock
    if clock is None:
        return TimeSpan(start_s, end_s)
    return StreamSpan(
        start_s,
        end_s,
        start_utc=clock.utc_of(span.start),
        end_utc=clock.utc_of(span.end),
        clock=clock.quality,
        begins_before_window=span.start == 0.0,
        ends_after_window=span.end == 1.0,
    )
