"""Streets that are watched, and when every fact about them was told."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.streams import StreamTruth, write_stream
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules, WatchOptions, watch
from ufvideo_sdk.watch.engine.facts import Fact, Frame
from ufvideo_sdk.watch.sources.options import CaptureOptions

FOLDER = Path("out/watch")
STREET_RULES = Path("training/streams/street.yaml")
FPS = 8.0
_SEEDS = TEST_SEEDS[9100:9200]
Source = str | os.PathLike[str] | Callable[..., object]


def street(minutes: float, number: int = 0) -> tuple[Path, StreamTruth]:
    """Return a street, which is drawn once and kept.

    Args:
        minutes: How long.
        number: Which one of this length.
    """
    path = FOLDER / f"street-{number}-{60 * minutes:.0f}.mp4"
    truth_path = path.with_suffix(".json")
    if not truth_path.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_stream(_SEEDS[number], 60 * minutes, path)
    return path, StreamTruth.read(truth_path)


@dataclass
class Told:
    """Facts of one camera, each with the time at which it was told.

    Attributes:
        facts: In order, with seconds of `time.perf_counter`.
        until_s: Stream time behind which facts are left out, and the camera is over.
        on_frame: Called with each frame.
        keeps: Whether facts are kept; their numbers are counted in any case.
        counts: How many facts of each kind were told.
        is_over: Whether a frame behind `until_s` came.
    """

    facts: list[tuple[float, Fact]] = field(default_factory=list)
    until_s: float = float("inf")
    on_frame: Callable[[Frame], object] | None = None
    keeps: bool = True
    counts: Counter[type[Fact]] = field(default_factory=Counter)
    is_over: bool = False

    def of(self, kind: type[Fact]) -> list[tuple[float, Fact]]:
        """The facts of a kind."""
        return [(at_s, fact) for at_s, fact in self.facts if isinstance(fact, kind)]


class _Keep:
    """A sink that keeps facts with their times."""

    def __init__(self, told: Told, on_over: Callable[[], object]) -> None:
        self._told = told
        self._on_over = on_over

    def take(self, fact: Fact) -> None:
        """Keep a fact."""
        told = self._told
        if told.is_over:
            return
        if isinstance(fact, Frame):
            if fact.time_s > told.until_s:
                told.is_over = True
                self._on_over()
                return
            if told.on_frame is not None:
                told.on_frame(fact)
        told.counts[type(fact)] += 1
        if told.keeps:
            told.facts.append((time.perf_counter(), fact))

    def notice(self, notice: object) -> None:
        """Nothing is kept of it."""

    def close(self, timeout_s: float) -> None:
        """Nothing is under way."""


@dataclass(frozen=True)
class Watched:
    """Cameras that were watched.

    Attributes:
        told: Facts by camera.
        wall_s: Seconds that it took.
        cpu_s: Processor time of this process.
    """

    told: Mapping[str, Told]
    wall_s: float
    cpu_s: float

    def count(self, kind: type[Fact]) -> int:
        """How many facts of a kind all cameras have."""
        return sum(each.counts[kind] for each in self.told.values())


def watch_all(
    model: UFVideo,
    sources: Mapping[str, Source],
    rules: Rules,
    *,
    told: Mapping[str, Told] | None = None,
    capture: CaptureOptions | None = None,
) -> Watched:
    """Watch cameras until all of them are over.

    Args:
        model: The model.
        sources: By camera.
        rules: Of every camera.
        told: What is kept of each; None: everything to its end.
        capture: How they are captured.
    """
    kept = told or {name: Told() for name in sources}

    def one_is_over() -> None:
        if all(each.is_over for each in kept.values()):
            events.watch.stop()

    options = WatchOptions(capture=capture or CaptureOptions(sample_fps=FPS))
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    events = watch(
        model,
        dict(sources),
        rules,
        options=options,
        open_sinks=lambda pictures, _: [_Keep(kept[pictures.name], one_is_over)],
    )
    for _ in events:
        pass
    return Watched(kept, time.perf_counter() - begin_s, time.process_time() - begin_cpu_s)
