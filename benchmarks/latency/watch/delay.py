"""From a picture's arrival to what is told of it, over a real RTSP server in real time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.floors import Figure
from benchmarks.latency.watch.watched import FPS, STREET_RULES, Told, street, watch_all
from training.evaluate.watch.chunks import CHUNK_S, watch_chunks
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Event
from ufvideo_sdk.watch.sources import PacketListener, SectionHeader, SourcePacket, open_capture
from ufvideo_sdk.watch.sources.capture import Capture
from ufvideo_sdk.watch.sources.options import CaptureOptions

PERCENTS = (50, 95, 99)
# Questions of the street come each second; an answer that is later than that is about the past.
MOST_P95_S = 0.5


class Arrivals:
    """A listener that notes when each picture's packet came."""

    def __init__(self, listener: PacketListener | None) -> None:
        """Keep who else is told."""
        self._listener = listener
        self.at_s: dict[float, float] = {}

    def begin(self, header: SectionHeader) -> None:
        """A section begins."""
        if self._listener is not None:
            self._listener.begin(header)

    def packet(self, packet: SourcePacket) -> None:
        """A packet came."""
        self.at_s[packet.time_s] = time.perf_counter()
        if self._listener is not None:
            self._listener.packet(packet)


def delay_figures(model: UFVideo, seconds: float) -> list[Figure]:
    """Delays of answers and of events, beside those of chunks.

    Args:
        model: The model.
        seconds: Of the stream, in real time.
    """
    # Only Debian's Python has GStreamer, so that the server is a process of its own.
    from tests.watch.rtsp_server import RtspServer, has_rtsp_server

    if not has_rtsp_server():
        reason = "Debian's gir1.2-gst-rtsp-server-1.0 is missing"
        return [Figure("delays over RTSP", None, MOST_P95_S, "at most", reason)]
    path, _ = street(max(seconds / 60, 0.5))
    told = Told(until_s=seconds)
    noted: list[Arrivals] = []
    rules = Rules.load(STREET_RULES)
    with RtspServer([path]) as server:

        def opened(listener: PacketListener) -> Capture:
            noted.append(Arrivals(listener))
            return open_capture(server.url, CaptureOptions(sample_fps=FPS), noted[-1])

        run = watch_all(model, {"street": opened}, rules, told={"street": told})
    arrived_s = noted[0].at_s
    asked_s = {f.frame_idx: f.time_s for _, f in told.of(Asked) if isinstance(f, Asked)}
    answers_s = [
        at_s - arrived_s[asked_s[fact.frame_idx]]
        for at_s, fact in told.of(Answered)
        if isinstance(fact, Answered)
    ]
    events_s = [
        at_s - arrived_s[fact.known_s]
        for at_s, fact in told.of(Event)
        if isinstance(fact, Event) and fact.known_s in arrived_s
    ]
    chunks = watch_chunks(model, path, rules, FPS)
    # A picture waits for the end of its chunk, and then for the answers.
    chunk_s = CHUNK_S / 2 + statistics.median(chunks.answer_s)
    share = f"{100 * run.cpu_s / run.wall_s:.0f} % of a core"
    median = f"{statistics.median(answers_s):.3f} s against {chunk_s:.3f}" if answers_s else ""
    ratio = statistics.median(answers_s) / chunk_s if answers_s else None
    return [
        *_figures("a picture's arrival to an answer about it", answers_s, share),
        *_figures("a picture's arrival to an edge of an event", events_s, share),
        Figure("the same in chunks of 10 s, median, s", chunk_s, None, "at most", "half a chunk"),
        Figure("median delay of an answer / that of chunks", ratio, 1.0, "below", median),
    ]


def _figures(name: str, delays_s: Sequence[float], share: str) -> list[Figure]:
    figures = []
    for percent in PERCENTS:
        value = float(np.percentile(delays_s, percent)) if delays_s else None
        limit = MOST_P95_S if percent == 95 else None
        detail = f"{len(delays_s)} of them, {share}"
        figures.append(Figure(f"{name}, p{percent}, s", value, limit, "at most", detail))
    return figures
