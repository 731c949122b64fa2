"""`python -m training.demo OUT`: nano asked about a clip whose truth is known.

Needs what the SDK needs, and no PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.tasks import Task, TaskKind, all_tasks, score
from training.tasks.masks import decoded, mask_scores
from training.tasks.positions import to_times
from training.tasks.score import overlap
from training.world import Rendered, Truth, make_scene, render, write_clip
from training.world.sentences import action_sentence, name
from ufvideo_sdk import Answer, GenerationConfig, MaskTrack, Region, Session, TimeSpan, UFVideo

# A ring changes its colour, a triangle moves up, a circle leaves.
SEED = 200_004_135
_MARKED, MOVING, _LEAVING = 0, 1, 2
_RIGHT_OVERLAP = 0.5
_RIGHT_MASKS = 0.8
# A model that babbles is cut off.
_SHORT = GenerationConfig(max_new_tokens=40)


@dataclass(frozen=True)
class Line:
    """One thing asked of the model.

    Attributes:
        asked: The question.
        answered: What the model says.
        truth: What is right.
        right: Whether that is the same.
    """

    asked: str
    answered: str
    truth: str
    right: bool


class Demo:
    """A session about the demo's clip, with its truth."""

    def __init__(self, session: Session, rendered: Rendered) -> None:
        self.session = session
        self.rendered = rendered
        self.truth = Truth(rendered.scene)
        self.things = rendered.scene.things

    def question(self) -> Line:
        """A question in words."""
        asked = f"What does the {name(self.things[_LEAVING])} do?"
        return self._words(
            self._task(TaskKind.QUESTION, asked), self.session.ask(asked, config=_SHORT)
        )

    def absent(self) -> Line:
        """A question about something that is not there."""
        tasks = all_tasks(self.truth, seed=SEED)
        task = next(t for t in tasks if t.absent and t.kind is TaskKind.REFERRING)
        return self._words(task, self.session.ask(task.question, config=_SHORT))

    def region(self) -> Line:
        """A description of what is marked on the first frame."""
        asked = "Please describe the object [<region>]."
        tasks = all_tasks(self.truth, seed=SEED)
        task = next(t for t in tasks if t.question == asked and t.regions[0].thing == _MARKED)
        region = Region(np.array([0]), self.rendered.masks[_MARKED, :1])
        line = self._words(task, self.session.ask(asked, regions=[region], config=_SHORT))
        rows, columns = np.nonzero(region.masks[0])
        where = f"around x {columns.mean():.0f}, y {rows.mean():.0f} at 0 s"
        return replace(line, asked=f"{asked} ({where})")

    def event(self) -> tuple[Line, list[TimeSpan]]:
        """When something happens."""
        event = action_sentence(self.rendered.scene, MOVING).rstrip(".").lower()
        (truth,) = self.truth.of(MOVING, "move")
        spans = self.session.locate(event)
        told = ", ".join(map(str, spans)) or "no time"
        found = [overlap((s.start_s, s.end_s), (truth.start_s, truth.end_s)) for s in spans]
        right = len(found) == 1 and found[0] > _RIGHT_OVERLAP
        shared = f" (overlap {found[0]:.2f})" if found else ""
        span = TimeSpan(truth.start_s, truth.end_s)
        asked = f"Find when {event}."
        return Line(asked, f"{told}{shared}", str(span), right), list(spans)

    def masks(self) -> tuple[Line, list[MaskTrack]]:
        """What moves, in every frame."""
        expression = name(self.things[MOVING])
        tracks = self.session.segment(expression, frames="all")
        masks = [decoded(track) for track in tracks]
        worth = sum(mask_scores(masks, self.rendered.masks[MOVING : MOVING + 1])) / 2
        answered = f"masks on {len(tracks[0])} frames, J&F {100 * worth:.0f}"
        asked = f"Segment the {expression} in every frame."
        return Line(asked, answered, "J&F 100", worth > _RIGHT_MASKS), list(tracks)

    def _task(self, kind: TaskKind, question: str) -> Task:
        tasks = all_tasks(self.truth, seed=SEED)
        return next(t for t in tasks if t.kind is kind and t.question == question)

    def _words(self, task: Task, answer: Answer) -> Line:
        text = to_times(answer.text, self.rendered.scene.fractions())
        given = score(task, text)
        right = given.absent_said if task.absent else given.correct == 1
        return Line(task.question, answer.text, task.answer, bool(right))


def main() -> int:
    """Render, ask, print beside the truth, draw."""
    parser = argparse.ArgumentParser(prog="python -m training.demo", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the clip and the pictures")
    parser.add_argument("--package", type=Path, help="default: nano, which ships with the SDK")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    lines = run(UFVideo.load(given.package), given.out)
    for line in lines:
        print(f"\n{line.asked}\n  answer  {line.answered}\n  truth   {line.truth}")
        print(f"  {'right' if line.right else 'WRONG'}")
    print(f"\n{sum(line.right for line in lines)} of {len(lines)} right.")
    print(f"Look at {given.out / 'demo.png'} and {given.out / 'demo.mp4'}.")
    return 0


def run(model: UFVideo, out: Path) -> list[Line]:
    """Write `clip.mp4`, ask about it, write `demo.mp4` and `demo.png`."""
    rendered = render(make_scene(SEED))
    clip = out / "clip.mp4"
    write_clip(clip, rendered)
    with model.open(clip) as session:
        demo = Demo(session, rendered)
        event, spans = demo.event()
        segmented, tracks = demo.masks()
        lines = [demo.question(), event, demo.region(), segmented, demo.absent()]
        # Everything at once, so that one picture shows it.
        answer = replace(
            session.ask(lines[0].asked, config=_SHORT),
            question=f"{model.manifest.model.name} is asked about {clip.name}:",
            text="\n".join(f"{line.asked} - {line.answered}" for line in lines),
            spans=tuple(spans),
            masks=tuple(tracks),
        )
        for picture in ("demo.mp4", "demo.png"):
            answer.save(out / picture)
    return lines


if __name__ == "__main__":
    sys.exit(main())
