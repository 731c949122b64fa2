"""Processor time of a camera that is silent, that is captured, looked at and asked about."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.floors import Figure
from benchmarks.latency.watch.watched import FPS, STREET_RULES, Told, street, watch_all
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.sources import open_capture
from ufvideo_sdk.watch.sources.options import CaptureOptions

# Of one core. A camera that sends nothing must cost nothing.
MOST_IDLE = 0.02
_NOTHING = "rules: {nothing: {yes_no: Is there a red circle in the video?, every_s: 100000}}"


def processor_figures(model: UFVideo, seconds: float) -> list[Figure]:
    """Shares of one core, in real time.

    Args:
        model: The model.
        seconds: Of each of them.
    """
    from tests.watch.rtsp_server import RtspServer, has_rtsp_server

    if not has_rtsp_server():
        reason = "Debian's gir1.2-gst-rtsp-server-1.0 is missing"
        return [Figure("processor time, idle", None, MOST_IDLE, "at most", reason)]
    path, _ = street(1.0)
    options = CaptureOptions(sample_fps=FPS)
    shares: dict[str, float] = {}
    with RtspServer([path]) as server:
        capture = open_capture(server.url, options)
        capture.take(10.0)
        shares["capturing"] = _share(lambda: _drain(capture.take, seconds))
        capture.close()
    for name, rules in (
        ("looking", Rules.parse(_NOTHING)),
        ("asking", Rules.load(STREET_RULES)),
    ):
        with RtspServer([path]) as server:
            told = Told(until_s=seconds)
            run = watch_all(model, {"street": server.url}, rules, told={"street": told})
            shares[name] = run.cpu_s / run.wall_s
    with RtspServer([path]) as server:
        # A long time-out: reconnecting is another figure.
        patient = CaptureOptions(sample_fps=FPS, read_timeout_s=10 * seconds, stall_s=10 * seconds)
        capture = open_capture(server.url, patient)
        capture.take(10.0)
        server.silent()
        _drain(capture.take, 1.0)
        shares["idle"] = _share(lambda: _drain(capture.take, seconds))
        capture.close()
    what = {
        "idle": "connected to a camera that sends nothing",
        "capturing": f"25 frames/s decoded, {FPS:g} taken",
        "looking": "these encoded",
        "asking": "all rules of the street",
    }
    return [
        Figure(
            f"processor time, {name}, of one core",
            shares[name],
            MOST_IDLE if name == "idle" else None,
            "at most",
            detail,
        )
        for name, detail in what.items()
    ]


def _drain(take: Callable[[float], object], seconds: float) -> None:
    end_s = time.perf_counter() + seconds
    while (left_s := end_s - time.perf_counter()) > 0:
        take(min(left_s, 0.5))


def _share(work: Callable[[], None]) -> float:
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    work()
    return (time.process_time() - begin_cpu_s) / (time.perf_counter() - begin_s)
