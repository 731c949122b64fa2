"""`python -m training.evaluate.windows [PACKAGE]`: accuracy by number of frames looked at.

A streaming session looks at each frame of its window once, and at few while the window fills. The
same questions are asked of the same clips, of which the model is given 2 to 16 frames spread over
the clip: it looks at each once, as a stream does, or with `--sampling uniform` at its own number of
frames, which repeats some.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from training.evaluate.ask import ANSWER, call_of
from training.evaluate.clips import DrawnClip, drawn_clips
from training.evaluate.rows import Row
from training.tasks import Score, TaskKind, score
from training.tasks.positions import looked_at, to_times
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo

Sampling = Literal["uniform", "every"]
NUMBERS = (2, 4, 6, 8, 10, 12, 14, 16)
# What is asked, and what of its score counts.
KINDS = {
    TaskKind.QUESTION: ("question answering, accuracy", "correct"),
    TaskKind.CHOICE: ("multiple choice, accuracy", "correct"),
    TaskKind.COUNT: ("counting, accuracy", "correct"),
    TaskKind.SPAN: ("temporal grounding, tIoU", "tiou"),
}
# Numbers of frames that the table of `training.evaluate` has rows for, and the floors of these rows
# in percent: none yet, so that the rows only inform.
ROWS = (4, 8)
FLOORS: Mapping[tuple[int, TaskKind], float] = {}
_WIDTH = 30


def scores_of(
    model: UFVideo, clip: DrawnClip, count: int, sampling: Sampling = "every"
) -> list[tuple[TaskKind, Score]]:
    """Scores of a clip's questions if the model sees some of its frames.

    Args:
        model: The model.
        clip: The clip with its questions.
        count: Frames that the model is given.
        sampling: As of `UFVideo.open`.
    """
    tasks = [task for task in clip.tasks if task.kind in KINDS and not task.absent]
    if not tasks:
        return []
    idxs = looked_at(clip.truth.scene.num_frames, count)
    times_s = np.array(clip.truth.scene.times_s)[idxs]
    found = []
    frames = clip.rendered.frames[idxs]
    with model.open(frames, timestamps_s=times_s, sampling=sampling) as session:
        for task in tasks:
            call = call_of(task, clip, times_s)
            answer = session.ask(call.question, times=call.times, config=ANSWER)
            text = to_times(answer.text, clip.fractions[idxs])
            found.append((task.kind, score(task, text)))
    return found


def percent(scores: Sequence[tuple[TaskKind, Score]], kind: TaskKind) -> tuple[float | None, int]:
    """The mean of a kind's scores in percent, and over how many."""
    values = [getattr(each, KINDS[kind][1]) for of, each in scores if of is kind]
    counted = [value for value in values if value is not None]
    return (100 * float(np.mean(counted)) if counted else None), len(counted)


def table(by_number: dict[int, list[tuple[TaskKind, Score]]]) -> list[str]:
    """A line for each kind of question, a column for each number of frames."""
    heads = "".join(f"{number:>7}" for number in by_number)
    lines = [f"{'percent, by frames looked at':<{_WIDTH}}{heads}  count"]
    for kind, (label, _) in KINDS.items():
        found = [percent(scores, kind) for scores in by_number.values()]
        cells = "".join(f"{'-' if value is None else f'{value:.1f}':>7}" for value, _ in found)
        lines.append(f"{label:<{_WIDTH}}{cells}  {found[0][1]}")
    return lines


def measure(
    model: UFVideo,
    numbers: Sequence[int],
    num_clips: int,
    sampling: Sampling = "every",
    *,
    flat: bool = False,
) -> dict[int, list[tuple[TaskKind, Score]]]:
    """Scores by number of frames; see `scores_of`."""
    by_number: dict[int, list[tuple[TaskKind, Score]]] = {each: [] for each in numbers}
    with tempfile.TemporaryDirectory() as folder:
        for clip in drawn_clips(TEST_SEEDS[:num_clips], Path(folder), flat=flat):
            for number, found in by_number.items():
                found += scores_of(model, clip, number, sampling)
    return by_number


def window_rows(by_number: Mapping[int, Sequence[tuple[TaskKind, Score]]]) -> tuple[Row, ...]:
    """A row for each number of frames and kind of question."""
    rows = []
    for number, scores in by_number.items():
        for kind, (label, _) in KINDS.items():
            value, count = percent(scores, kind)
            floor = FLOORS.get((number, kind))
            rows.append(Row(f"{number} frames, {label}", value, count, floor))
    return tuple(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, score, print."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.windows", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--clips", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--numbers", type=int, nargs="+", default=list(NUMBERS), metavar="N")
    parser.add_argument("--sampling", default="every", choices=("every", "uniform"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    options = parser.parse_args(arguments)
    model = UFVideo.load(options.package)
    by_number = measure(model, options.numbers, options.clips, options.sampling)
    print(f"{options.clips} clips, sampling {options.sampling}")
    print(*table(by_number), sep="\n")
    if options.json is not None:
        told = {
            str(number): {kind.value: percent(found, kind) for kind in KINDS}
            for number, found in by_number.items()
        }
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
