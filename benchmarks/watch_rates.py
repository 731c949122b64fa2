"""How many cameras a machine can watch by a file of rules, by arithmetic from its stage costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.stream_rates import tracked_frame_ms
from ufvideo_sdk.questions import QuestionKind
from ufvideo_sdk.watch import Rules

# A tracked object is asked about so often: whether it still is what is named, or where it is.
VERIFY_S = 0.5
# Tokens of an answer that is one of some choices, a number in words, a span or a mask.
_TOKENS = {QuestionKind.TEXT: 32}
_FEW_TOKENS = 8


@dataclass(frozen=True)
class WatchCost:
    """What a second of one camera costs, in milliseconds of the machine.

    Attributes:
        frames_ms: Frames: the vision encoder and the aligner.
        questions_ms: Questions that are due, the window has always moved on.
        tracks_ms: Tracked objects, as if each were always there, with the questions about them.
    """

    frames_ms: float
    questions_ms: float
    tracks_ms: float

    @property
    def total_ms(self) -> float:
        """All of it."""
        return self.frames_ms + self.questions_ms + self.tracks_ms


def watch_cost(costs: Mapping[str, float], rules: Rules, fps: float) -> WatchCost:
    """Return what a camera costs.

    Questions of one interval are asked together: the first one computes the window anew, the
    others only their own words.

    Args:
        costs: Milliseconds by figure of `ufvideo bench`.
        rules: Of the camera; a question on change counts as if every interval brought one.
        fps: Frames that are looked at in a second.

    Raises:
        ValueError: When rules track and the costs have none of tracking.
    """
    moved_ms, warm_ms = costs["stream_ttft_drop_ms"], costs["stream_ttft_ms"]
    questions_ms = 0.0
    intervals: set[float] = set()
    tracked = 0
    for each in rules.questions:
        if each.schedule is None:
            tracked += 1
            continue
        every_s = max(each.schedule.every_s, 2 / fps)
        first_ms = warm_ms if every_s in intervals else moved_ms
        intervals.add(every_s)
        tokens = _TOKENS.get(each.question.kind, _FEW_TOKENS)
        questions_ms += (first_ms + (tokens - 1) * costs["tpot_ms"]) / every_s
    tracks_ms = 0.0
    if tracked:
        if "memory_attention_ms" not in costs:
            raise ValueError("expected costs of a package that can track")
        asked_ms = moved_ms + (_FEW_TOKENS - 1) * costs["tpot_ms"]
        tracks_ms = fps * tracked_frame_ms(costs, tracked) + tracked * asked_ms / VERIFY_S
    return WatchCost(fps * costs["push_ms"], questions_ms, tracks_ms)


def watch_lines(costs: Mapping[str, float], rules: Rules, fps: float) -> Iterator[str]:
    """What follows for a file of rules.

    Args:
        costs: Milliseconds by figure of `ufvideo bench`.
        rules: Of every camera.
        fps: Frames that are looked at in a second.
    """
    cost = watch_cost(costs, rules, fps)
    yield (
        f"a second of one camera by {rules.name}: {cost.total_ms:.1f} ms (frames"
        f" {cost.frames_ms:.1f}, questions {cost.questions_ms:.1f}, tracks {cost.tracks_ms:.1f})"
    )
    number = int(1e3 / cost.total_ms)
    share = f"{cost.total_ms / 10:.0f} % of the machine each, without reading"
    yield f"cameras that it keeps up with: {number} ({share})"
