"""How much of a stream a second is enough for: one camera beside chunks, and several cameras."""

from __future__ import annotations

import time

from benchmarks.floors import Figure
from benchmarks.latency.watch.watched import FPS, STREET_RULES, Watched, street, watch_all
from training.evaluate.watch.chunks import watch_chunks
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Answered, Frame

LEAST_RATE = 1.0
# Cameras share a model; what one of them costs must not grow with their number.
LEAST_SHARED = 0.85
NUMBERS = (1, 2, 4)
_NOTHING = "rules: {nothing: {yes_no: Is there a red circle in the video?, every_s: 100000}}"


def rate_figures(model: UFVideo, minutes: float) -> list[Figure]:
    """One camera, as fast as it goes.

    Args:
        model: The model.
        minutes: Of the stream.
    """
    path, truth = street(minutes)
    rules = Rules.load(STREET_RULES)
    whole = watch_all(model, {"street": path}, rules)
    looked = watch_all(model, {"street": path}, Rules.parse(_NOTHING))
    begin_s = time.perf_counter()
    run = watch_chunks(model, path, rules, FPS)
    chunks_s = time.perf_counter() - begin_s
    name = f"seconds of a stream in one, {FPS:g} frames/s"
    return [
        Figure(f"{name}, all rules", truth.duration_s / whole.wall_s, LEAST_RATE, "at least",
               _detail(whole)),
        Figure(f"{name}, frames alone", truth.duration_s / looked.wall_s, None, "at least",
               _detail(looked)),
        Figure("the same in chunks of 10 s, no tracks", truth.duration_s / chunks_s, None,
               "at least", f"{run.num_frames} frames, {run.num_answers} answers"),
    ]  # fmt: skip


def camera_figures(model: UFVideo, minutes: float) -> list[Figure]:
    """Several cameras at once, as fast as they go.

    Args:
        model: The model.
        minutes: Of each stream.
    """
    rules = Rules.load(STREET_RULES)
    rates: dict[int, float] = {}
    figures = []
    for number in NUMBERS:
        streets = {f"street-{i}": street(minutes, i) for i in range(number)}
        run = watch_all(model, {name: path for name, (path, _) in streets.items()}, rules)
        total_s = sum(truth.duration_s for _, truth in streets.values())
        rates[number] = total_s / run.wall_s
        asked = [len(each.of(Answered)) for each in run.told.values()]
        detail = f"{_detail(run)}; {min(asked)} to {max(asked)} answers a camera"
        cameras = f"{number} camera{'s' if number > 1 else ''}"
        name = f"seconds of streams in one, {cameras}"
        figures.append(Figure(name, rates[number], None, "at least", detail))
    shared = rates[NUMBERS[-1]] / rates[1]
    name = f"the rate of {NUMBERS[-1]} cameras together / of one"
    return [*figures, Figure(name, shared, LEAST_SHARED, "at least", "")]


def _detail(run: Watched) -> str:
    frames, answers = run.count(Frame), run.count(Answered)
    return f"{run.wall_s:.1f} s, {run.cpu_s:.1f} s of one core: {frames} frames, {answers} answers"
