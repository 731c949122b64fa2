"""A moving window beside a session that is opened anew on the same frames."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import draw_frames
from benchmarks.floors import Figure
from ufvideo_sdk import GenerationConfig, UFVideo
from ufvideo_sdk.bench.summary import Spread

FPS = 1.0
WINDOWS = (8, 16, 32)
# The window whose encoding a push is held against.
PUSH_WINDOW = 16
LEAST_ENCODING_RATIO = 8.0
MOST_WARM_RATIO = 1.2
QUESTIONS = ("What happens in the video?", "Which shape moves first, and where does it go?")
_FIRST_TOKEN = GenerationConfig(max_new_tokens=1)
_NUM_DRAWN = 64
Clock = Callable[[], float]


class Asked(Protocol):
    """A session or a stream."""

    def ask(self, question: str, *, config: GenerationConfig) -> Any:
        """Answer a question."""


@dataclass(frozen=True)
class WindowKind:
    """A window, and how it drops what is oldest.

    Attributes:
        num_frames: Most frames of the window.
        prefixes: KV caches of the window.
        drop_pairs: Pairs that it drops at once; with two prefixes always half of it.
    """

    num_frames: int
    prefixes: int = 1
    drop_pairs: int | None = None

    def __str__(self) -> str:
        if self.prefixes > 1:
            return f"{self.num_frames} frames, {self.prefixes} prefixes"
        return f"{self.num_frames} frames, drops {self.drop_pairs or 1}"


def kinds_of(num_frames: int) -> list[WindowKind]:
    """One prefix that drops a pair or half of the window at once, and two prefixes."""
    half = max(num_frames // 4, 1)
    return [
        WindowKind(num_frames),
        WindowKind(num_frames, drop_pairs=half),
        WindowKind(num_frames, prefixes=2),
    ]


@dataclass
class WindowCost:
    """Times of one kind of window, ms.

    Attributes:
        kind: The window.
        push_ms: A frame: encoding it, and every second time its pair.
        after_pair_ms: A question behind a new pair, to its first token.
        after_drop_ms: The same if the window has dropped its oldest part meanwhile.
        warm_ms: Another question about the same window.
        open_ms: `open` on the frames of the window: what a push saves.
        first_ms: The first question of that session, to its first token.
        second_ms: The second one.
    """

    kind: WindowKind
    push_ms: list[float] = field(default_factory=list)
    after_pair_ms: list[float] = field(default_factory=list)
    after_drop_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)
    open_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    second_ms: list[float] = field(default_factory=list)


def frames_forever(height: int = 240, width: int = 320) -> Iterator[NDArray[np.uint8]]:
    """Frames of a drawn clip that begins again and again, uint8 [height, width, 3]."""
    return itertools.cycle(draw_frames(_NUM_DRAWN, height=height, width=width))


def measure_window(
    model: UFVideo, kind: WindowKind, num_rounds: int, clock: Clock = time.perf_counter
) -> WindowCost:
    """Move a window on by its own length in each round; a session on the same frames in turn.

    Args:
        model: The model.
        kind: The window.
        num_rounds: Rounds that count; one more before them does not.
        clock: Tells seconds.
    """
    cost, num_frames = WindowCost(kind), kind.num_frames
    frames, seconds = frames_forever(), itertools.count()
    options = {"prefixes": kind.prefixes, "drop_pairs": kind.drop_pairs}
    with model.open_stream(fps=FPS, frames=num_frames, **options) as stream:
        shown: dict[int, NDArray[np.uint8]] = {}

        def push() -> float:
            second, frame = next(seconds), next(frames)
            shown[second] = frame
            begin = clock()
            stream.push(frame, second / FPS)
            return 1e3 * (clock() - begin)

        for _ in range(num_frames):
            push()
        for number in range(num_rounds + 1):
            measured = cost if number else WindowCost(kind)
            for _ in range(num_frames // 2):
                _move_on(stream, push, measured, clock)
            times_s = stream.window.timestamps_s
            looked_at = [shown[round(each * FPS)] for each in times_s]
            _open_anew(model, (np.stack(looked_at), times_s), measured, clock)
            shown = {second: shown[second] for second in shown if second / FPS >= times_s[0]}
    return cost


def _move_on(stream: Any, push: Clock, cost: WindowCost, clock: Clock) -> None:
    """Push a pair and ask twice."""
    oldest = int(stream.window.frame_idxs[0])
    cost.push_ms.append((push() + push()) / 2)
    ask_ms = first_token_ms(stream, QUESTIONS[0], clock)
    has_dropped = int(stream.window.frame_idxs[0]) != oldest
    (cost.after_drop_ms if has_dropped else cost.after_pair_ms).append(ask_ms)
    cost.warm_ms.append(first_token_ms(stream, QUESTIONS[1], clock))


def _open_anew(
    model: UFVideo,
    clip: tuple[NDArray[np.uint8], Sequence[float]],
    cost: WindowCost,
    clock: Clock,
) -> None:
    frames, times_s = clip
    begin = clock()
    with model.open(frames, timestamps_s=times_s, sampling="every") as session:
        cost.open_ms.append(1e3 * (clock() - begin))
        cost.first_ms.append(first_token_ms(session, QUESTIONS[0], clock))
        cost.second_ms.append(first_token_ms(session, QUESTIONS[1], clock))


def first_token_ms(asked: Asked, question: str, clock: Clock) -> float:
    """From the call of `ask` to its end behind one token."""
    begin = clock()
    asked.ask(question, config=_FIRST_TOKEN)
    return 1e3 * (clock() - begin)


def window_figures(cost: WindowCost) -> list[Figure]:
    """What a window costs, and its two floors."""
    what = str(cost.kind)
    push_ms, open_ms = statistics.mean(cost.push_ms), statistics.median(cost.open_ms)
    is_held = cost.kind.num_frames == PUSH_WINDOW
    return [
        Figure(
            f"{what}: encoding the window anew / a push",
            open_ms / push_ms,
            LEAST_ENCODING_RATIO if is_held else None,
            "at least",
            f"{open_ms:.1f} ms against {push_ms:.2f} ms",
        ),
        _beside(f"{what}: warm question / second of a session", cost.warm_ms, cost.second_ms, True),
        _beside(f"{what}: after a pair / first of a session", cost.after_pair_ms, cost.first_ms),
        _beside(f"{what}: after a drop / first of a session", cost.after_drop_ms, cost.first_ms),
    ]


def _beside(
    name: str, ours: Sequence[float], theirs: Sequence[float], is_held: bool = False
) -> Figure:
    limit = MOST_WARM_RATIO if is_held else None
    if not ours:
        return Figure(name, None, limit, "at most", "the window never came to it")
    us, them = Spread.of(ours), Spread.of(theirs)
    detail = f"{us.median:.1f} ms ({us}) against {them.median:.1f} ms ({them})"
    return Figure(name, us.median / them.median, limit, "at most", detail)
