"""Streams watched as a camera is, over a real RTSP server or from their files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from training.streams import StreamTruth
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules, WatchOptions, watch
from ufvideo_sdk.watch.engine.facts import Answered, Dropped, Fact, Frame, Gap
from ufvideo_sdk.watch.sources.options import CaptureOptions


@dataclass(frozen=True)
class WrittenStream:
    """A stream that was drawn.

    Attributes:
        path: Its file.
        truth: What is true of it.
    """

    path: Path
    truth: StreamTruth

    @property
    def name(self) -> str:
        """Name of its camera."""
        return self.path.stem


@dataclass
class WatchedStream:
    """What was told of a stream.

    Attributes:
        stream: The stream.
        facts: In order.
    """

    stream: WrittenStream
    facts: list[Fact] = field(default_factory=list)

    def count(self, kind: type[Fact]) -> int:
        """How many facts of a kind there are."""
        return sum(isinstance(fact, kind) for fact in self.facts)


@dataclass(frozen=True)
class WatchedRun:
    """Streams that were watched together.

    Attributes:
        streams: What was told of each.
        wall_s: Seconds that it took.
        cpu_s: Processor time of this process, reading and decoding included.
    """

    streams: tuple[WatchedStream, ...]
    wall_s: float
    cpu_s: float

    def cost(self) -> str:
        """One line: what it took, and what was left out."""
        duration_s = sum(each.stream.truth.duration_s for each in self.streams)
        counts = {kind: sum(s.count(kind) for s in self.streams) for kind in _COUNTED}
        return (
            f"{duration_s:.0f} s of streams in {self.wall_s:.0f} s, {self.cpu_s:.0f} s of one core"
            f" ({100 * self.cpu_s / duration_s:.1f} % of a core for each stream);"
            f" {counts[Frame]} frames, {counts[Answered]} answers, {counts[Dropped]} dropped,"
            f" {counts[Gap]} gaps"
        )


_COUNTED: tuple[type[Fact], ...] = (Frame, Answered, Dropped, Gap)


class FactList:
    """A sink that keeps all facts, and says when its stream has been seen to its end."""

    def __init__(self, kept: WatchedStream, on_end: Callable[[], None]) -> None:
        """Keep them.

        Args:
            kept: Where to.
            on_end: Called once, at the first frame behind the stream's end.
        """
        self._kept = kept
        self._on_end = on_end
        self._is_over = False

    def take(self, fact: Fact) -> None:
        """Keep a fact; a server begins anew at the end of the file."""
        if self._is_over:
            return
        if isinstance(fact, Frame) and fact.time_s > self._kept.stream.truth.duration_s:
            self._is_over = True
            self._on_end()
            return
        self._kept.facts.append(fact)

    def notice(self, notice: object) -> None:
        """Nothing is kept of it."""

    def close(self, timeout_s: float) -> None:
        """Nothing is under way."""


def watch_streams(
    model: UFVideo,
    streams: Sequence[WrittenStream],
    rules: Rules,
    *,
    fps: float,
    over_rtsp: bool,
    speed: float = 1.0,
) -> WatchedRun:
    """Watch streams together, each as one camera, from their first frame to their last.

    Args:
        model: The model.
        streams: What is watched.
        rules: Of all of them.
        fps: Frames a second that are looked at.
        over_rtsp: Serve them by the RTSP server of the tests, in real time or `speed` times faster;
            else read the files as fast as the machine can.
        speed: How much faster than real time the server sends.
    """
    kept = {each.name: WatchedStream(each) for each in streams}
    num_left = len(kept)
    lock = threading.Lock()

    def one_less() -> None:
        nonlocal num_left
        with lock:
            num_left -= 1
            if num_left == 0:
                events.watch.stop()

    with ExitStack() as closing:
        sources: dict[str, str | os.PathLike[str]] = {}
        for each in streams:
            sources[each.name] = each.path
            if over_rtsp:
                # Only Debian's Python has GStreamer, so that the server is a process of its own.
                from tests.watch.rtsp_server import RtspServer

                server = closing.enter_context(RtspServer([each.path], speed=speed))
                sources[each.name] = server.url
        options = WatchOptions(
            capture=CaptureOptions(sample_fps=fps, follow_arrival=speed == 1.0, frozen_s=None)
        )
        begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
        events = watch(
            model,
            sources,
            rules,
            options=options,
            open_sinks=lambda pictures, _: [FactList(kept[pictures.name], one_less)],
        )
        for _ in events:
            pass
        seconds = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    return WatchedRun(tuple(kept.values()), *seconds)
