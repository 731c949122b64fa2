"""`python -m training.evaluate.long_clips [PACKAGE]`: when something happens in clips of minutes.

A model looks at a long clip in its 16 frames like at any other; what happens takes half of the clip
or more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from training.evaluate.ask import Outcome, ask_all
from training.evaluate.clips import DrawnClip, drawn
from training.evaluate.report import table
from training.evaluate.rows import Measure, Row, overlap, overlap_right, row_of
from training.tasks import TaskKind, draw_tasks
from training.world import TEST_SEEDS
from training.world.long_events import make_long_events
from ufvideo_sdk import UFVideo

NUM_CLIPS = 100
NUM_QUESTIONS = 4
# Clips that no other row is measured on.
_SEEDS = TEST_SEEDS[6000:7000]
MEASURES = (
    Measure("long clips, temporal grounding, tIoU", TaskKind.SPAN, overlap),
    Measure("long clips, temporal grounding, R@0.5", TaskKind.SPAN, overlap_right),
)


def long_clips(count: int, folder: Path, *, flat: bool = False) -> Iterator[DrawnClip]:
    """Long clips with questions when something happens; see `drawn_clips`.

    Args:
        count: How many.
        folder: Where the files are written.
        flat: Draw with the second renderer.
    """
    for seed in _SEEDS[:count]:
        clip = drawn(make_long_events(seed), folder, flat=flat)
        weights = {TaskKind.SPAN: 1.0}
        tasks = draw_tasks(clip.truth, NUM_QUESTIONS, seed=seed, weights=weights, absent_share=0.0)
        yield replace(clip, tasks=tasks)
        clip.path.unlink()


def measure(model: UFVideo, count: int = NUM_CLIPS, *, flat: bool = False) -> list[Outcome]:
    """Ask about long clips."""
    with tempfile.TemporaryDirectory() as folder:
        clips = long_clips(count, Path(folder), flat=flat)
        return [outcome for clip in clips for outcome in ask_all(model, clip)]


def long_rows(outcomes: Sequence[Outcome]) -> tuple[Row, ...]:
    """The rows of long clips."""
    return tuple(row_of(m.label, (m.of(o) for o in outcomes), m.floor) for m in MEASURES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, score, print; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.long_clips", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--clips", type=int, default=NUM_CLIPS, metavar="N")
    options = parser.parse_args(arguments)
    rows = long_rows(measure(UFVideo.load(options.package), options.clips))
    print(*table(rows), sep="\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
