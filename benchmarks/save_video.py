"""Segmenting every frame of a 1080p video and saving the picture of it: one pass beside two.

Run as `python -m benchmarks.save_video [VIDEO] [--seconds 4] [--rounds 3] [--before SITE]`; without
a video the demo's clip, enlarged. Ways take turns, and every round opens the file anew; the
encoder's preset is the same. The time is that of `ufvideo segment VIDEO EXPRESSION --frames all
--save OUT.mp4` behind the opening of the clip:

- "two passes": `segment`, then `Answer.save`, which reads and decodes the file again.
- "one pass": `segment` with `AnswerVideo.write` as its `on_masks`.

With SITE, a folder that holds another `ufvideo_sdk`, the whole command of both versions is timed in
place of these: "before" and "now".
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.compact_masks import FPS, write_video
from benchmarks.reading.measured import cost_of
from training.demo import MOVING, SEED
from training.world import make_scene, render
from training.world.sentences import name
from ufvideo_sdk import AnswerVideo, Session, UFVideo


def two_passes(session: Session, expression: str, out: Path) -> None:
    """Segment, then read the file again to draw it."""
    session.segment(expression, frames="all").save(out)


def one_pass(session: Session, expression: str, out: Path) -> None:
    """Draw what is segmented while it is in memory."""
    with AnswerVideo(out, session.clip) as video:
        session.segment(expression, frames="all", on_masks=video.write)


def cpu_s() -> float:
    """CPU time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(
    model: UFVideo, video: Path, expression: str, num_rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of every round of both ways, after one of each that is not counted."""
    ways: dict[str, Callable[[Session, str, Path], None]] = {
        "two passes": two_passes,
        "one pass": one_pass,
    }
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(num_rounds + 1):
            for way, run in ways.items():
                with model.open(video) as session:
                    begin, begin_cpu = time.perf_counter(), cpu_s()
                    run(session, expression, Path(folder) / "out.mp4")
                    found[way].append((time.perf_counter() - begin, cpu_s() - begin_cpu))
    return {way: rounds[1:] for way, rounds in found.items()}


def run_command(site: Path | None, video: Path, expression: str, out: Path) -> tuple[float, float]:
    """Wall and CPU seconds of `ufvideo segment ... --save` as a process.

    Args:
        site: Folder of the `ufvideo_sdk` to use; None: the installed one.
        video: What is segmented.
        expression: What is looked for.
        out: The video to write.
    """
    words = ["segment", str(video), expression, "--frames", "all", "--save", str(out)]
    cost = cost_of(
        [sys.executable, "-c", "from ufvideo_sdk.cli import main; main()", *words],
        {} if site is None else {"PYTHONPATH": str(site)},
        cwd=out.parent,  # not a checkout, whose modules would come first
    )
    return cost.wall_s, cost.cpu_s


def compare_versions(
    site: Path, video: Path, expression: str, num_rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of the command of both versions, in turn."""
    found: dict[str, list[tuple[float, float]]] = {"before": [], "now": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(num_rounds + 1):
            for way, at in (("before", site), ("now", None)):
                cost = run_command(at, video.absolute(), expression, Path(folder) / f"{way}.mp4")
                found[way].append(cost)
    return {way: rounds[1:] for way, rounds in found.items()}


def main() -> int:
    """Print both ways and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.save_video", description=__doc__)
    parser.add_argument("video", type=Path, nargs="?", help="default: the demo's clip, 1080p")
    parser.add_argument("--expression", help="default: what moves in the demo")
    parser.add_argument("--seconds", type=int, default=4, help="of the demo's clip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, metavar="SITE", help="folder of another ufvideo_sdk")
    given = parser.parse_args()
    rendered = render(make_scene(SEED))
    expression = given.expression or name(rendered.scene.things[MOVING])
    with tempfile.TemporaryDirectory() as folder:
        video = given.video
        if video is None:
            video = Path(folder) / "demo.mp4"
            write_video(video, rendered, given.seconds * FPS)
        if given.before is None:
            found = measure(UFVideo.load(), video, expression, given.rounds)
        else:
            found = compare_versions(given.before.absolute(), video, expression, given.rounds)
    table = Table("way", "wall, s", "CPU, s")
    medians = {}
    for way, rounds in found.items():
        medians[way] = [statistics.median(values) for values in zip(*rounds, strict=True)]
        table.add_row(way, *(f"{median:.2f}" for median in medians[way]))
    first, second = medians.values()
    table.add_row("ratio", *(f"{a / b:.2f}" for a, b in zip(first, second, strict=True)))
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
