"""`python -m training.demo FOLDER`: write the clip and the truth of `ufvideo demo`.

They ship in sdk/ufvideo_sdk/demo. Needs what the SDK needs, and no PyTorch.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from training.tasks import Task, TaskKind, all_tasks
from training.tasks.lexicon import phrases_of, read_phrases
from training.world import Rendered, Truth, make_scene, render, write_clip
from training.world.sentences import action_sentence, name
from ufvideo_sdk.demo.files import CLIP_NAME, TRUTH_NAME
from ufvideo_sdk.results.rle import encode_mask

# A ring changes its colour, a triangle moves up, a circle leaves.
SEED = 200_004_135
_MARKED, MOVING, _LEAVING = 0, 1, 2


def write_demo(folder: Path) -> None:
    """Write the clip and the truth of the demonstration.

    Args:
        folder: Where to; it must exist.
    """
    rendered = render(make_scene(SEED))
    write_clip(folder / CLIP_NAME, rendered)
    text = json.dumps(demo_truth(rendered), indent=1, ensure_ascii=False)
    (folder / TRUTH_NAME).write_text(f"{text}\n", encoding="utf-8")


def demo_truth(rendered: Rendered) -> dict[str, Any]:
    """What `ufvideo demo` asks about the scene, with the right answers.

    Args:
        rendered: Every frame of the scene.
    """
    scene, truth = rendered.scene, Truth(rendered.scene)
    tasks = list(all_tasks(truth, seed=SEED))
    leaves = f"What does the {name(scene.things[_LEAVING])} do?"
    describe = "Please describe the object [<region>]."
    (moves,) = truth.of(MOVING, "move")
    questions = [
        _words(next(t for t in tasks if t.kind is TaskKind.QUESTION and t.question == leaves)),
        {
            "kind": "event",
            "event": action_sentence(scene, MOVING).rstrip(".").lower(),
            "start_s": moves.start_s,
            "end_s": moves.end_s,
        },
        _words(
            next(t for t in tasks if t.question == describe and t.regions[0].thing == _MARKED),
            rendered,
        ),
        {
            "kind": "masks",
            "expression": name(scene.things[MOVING]),
            "counts": [encode_mask(mask) for mask in rendered.masks[MOVING]],
        },
        _words(next(t for t in tasks if t.absent and t.kind is TaskKind.REFERRING)),
    ]
    return {"size": [scene.height, scene.width], "questions": questions}


def _words(task: Task, rendered: Rendered | None = None) -> dict[str, Any]:
    """A question answered in words; with a rendering, what is marked on its first frame."""
    region = None
    if rendered is not None:
        mask = np.ascontiguousarray(rendered.masks[_MARKED, 0])
        rows, columns = np.nonzero(mask)
        where = f"around x {columns.mean():.0f}, y {rows.mean():.0f} at 0 s"
        region = {"frame_idx": 0, "counts": encode_mask(mask), "where": where}
    categories = frozenset({"absent"}) if task.absent else task.scored
    words = read_phrases(task.answer, categories)
    return {
        "kind": "words",
        "question": task.question,
        "region": region,
        "truth": task.answer,
        "words": list(words),
        "other_words": [phrase for phrase in phrases_of(categories) if phrase not in words],
    }


def main() -> int:
    """Write both files."""
    parser = argparse.ArgumentParser(prog="python -m training.demo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to: sdk/ufvideo_sdk/demo")
    write_demo(parser.parse_args().folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
