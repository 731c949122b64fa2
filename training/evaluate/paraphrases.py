"""`python -m training.evaluate.paraphrases [PACKAGE]`: questions in wordings training never saw.

Each of `unseen_wordings` is asked about test clips, and how often it is answered right is printed.
The exit status is 0 only if all of them together and the worst one reach their floors.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.evaluate import report
from training.evaluate.ask import Outcome, ask_all
from training.evaluate.clips import DrawnClip, drawn_clips
from training.evaluate.rows import RIGHT_OVERLAP, Row
from training.evaluate.unseen_wordings import (
    BY_A_STRANGER,
    BY_A_STRANGER_OF_REGIONS,
    UNSEEN,
    UNSEEN_OF_REGIONS,
)
from training.tasks.choice import LETTERS
from training.tasks.draw import drafts_of
from training.tasks.score import MOMENT_REACH
from training.tasks.task import Task, TaskKind
from training.wordings import Asked, read_question, verbs
from training.world import TEST_SEEDS, Truth
from training.world.sentences import with_article
from ufvideo_sdk import UFVideo

NUM_QUESTIONS = 200
OVERALL_FLOOR, WORDING_FLOOR = 95.0, 85.0
OVERALL = "unseen wordings, right"
WORST = "unseen wordings, right, the worst one"
STRANGER = "wordings by a stranger to the training's, right"
# Clips that no other row is measured on.
_SEEDS = TEST_SEEDS[4000:5000]
_KINDS = (
    TaskKind.QUESTION,
    TaskKind.CHOICE,
    TaskKind.COUNT,
    TaskKind.SPAN,
    TaskKind.MOMENT,
    TaskKind.REFERRING,
    TaskKind.REGION_QUESTION,
)
_OF_A_CLIP = 4
# How often a question about what is absent is drawn, beside one about what is there.
_ABSENT_SHARE = 0.2
_WIDTH = 62


@dataclass(frozen=True)
class Wording:
    """A way to ask for something.

    Attributes:
        intent: What for: a key of UNSEEN.
        text: With slots.
        of_region: Whether it is of one marked object.
        by_stranger: Whether it may have any words, and no floor is meant for it.
    """

    intent: str
    text: str
    of_region: bool = False
    by_stranger: bool = False

    def fits(self, asked: Asked) -> bool:
        """Whether a question can be put this way."""
        if self.intent == "choice":
            return asked.is_choice and "[<region>]" not in asked.slots.get("name", "")
        if self.of_region:
            return asked.num_marked == 1 and asked.intent == self.intent
        return asked.intent == self.intent and not asked.num_marked and not asked.is_choice

    def of(self, task: Task, asked: Asked) -> Task:
        """A task put this way."""
        name, noun = asked.slots.get("name", ""), asked.slots.get("noun", "")
        act = asked.slots.get("act", "")
        plain = verbs.plain(act)
        slots = {
            "name": name,
            "bare": noun or name.removeprefix("the "),
            "a": with_article(noun) if noun else "",
            "nouns": asked.slots.get("nouns", ""),
            "act": plain,
            "acts": act,
            "acting": verbs.progressive(plain),
            "stem": asked.stem,
        }
        question = self.text.format(**slots)
        if self.text.startswith("{"):
            question = question[:1].upper() + question[1:]
        if task.options:
            listed = zip(LETTERS, task.options, strict=False)
            question += "".join(f"\n({letter}) {option}" for letter, option in listed)
        return replace(task, question=question)


def wordings() -> tuple[Wording, ...]:
    """All wordings, in the order of the table."""
    sources = (
        (UNSEEN, False, False),
        (UNSEEN_OF_REGIONS, True, False),
        (BY_A_STRANGER, False, True),
        (BY_A_STRANGER_OF_REGIONS, True, True),
    )
    return tuple(
        Wording(intent, text, of_region, by_stranger)
        for texts_by_intent, of_region, by_stranger in sources
        for intent, texts in texts_by_intent.items()
        for text in texts
    )


def tasks_of(truth: Truth, wanted: Iterable[Wording]) -> list[tuple[Wording, Task]]:
    """Some questions about a scene in each wording; the same ones for the same scene.

    Args:
        truth: Of the scene.
        wanted: The wordings.
    """
    rng = np.random.default_rng([truth.scene.seed, 37])
    found: list[tuple[Asked, Task]] = []
    for kind in _KINDS:
        for draft in drafts_of(truth, kind, rng):
            asked = read_question(draft.task.question)
            if asked is not None:
                found.append((asked, draft.task))
    chosen = []
    for wording in wanted:
        fitting = [(asked, task) for asked, task in found if wording.fits(asked)]
        for asked, task in _some(fitting, rng):
            chosen.append((wording, wording.of(task, asked)))
    return chosen


def _some(
    fitting: Sequence[tuple[Asked, Task]], rng: np.random.Generator
) -> list[tuple[Asked, Task]]:
    """A few, drawn evenly from "yes" and "no", and from what is absent a fifth as often."""
    groups: dict[str, list[tuple[Asked, Task]]] = defaultdict(list)
    for each in fitting:
        task = each[1]
        said = task.answer[:3] if "yes_no" in task.scored else ""
        groups["absent" if task.absent else said].append(each)
    for group in groups.values():
        rng.shuffle(group)
    chosen: list[tuple[Asked, Task]] = []
    while len(chosen) < _OF_A_CLIP and any(groups.values()):
        names = [name for name, group in groups.items() if group]
        parts = np.array([_ABSENT_SHARE if name == "absent" else 1.0 for name in names])
        name = names[int(rng.choice(len(names), p=parts / parts.sum()))]
        chosen.append(groups[name].pop())
    return chosen


def is_right(outcome: Outcome) -> bool:
    """Whether all that an answer is scored for is right."""
    score = outcome.score
    if outcome.task.absent:
        return bool(score.absent_said)
    masks = score.region_and_boundary
    return (
        score.correct in (None, 1.0)
        and (score.time_error is None or score.time_error <= MOMENT_REACH)
        and (score.time_error is not None or score.tiou is None or score.tiou > RIGHT_OVERLAP)
        and (masks is None or masks > RIGHT_OVERLAP)
    )


def ask_wordings(
    model: UFVideo, clips: Iterable[DrawnClip], count: int
) -> dict[Wording, list[bool]]:
    """Ask until each wording was asked so often, or the clips end.

    Args:
        model: The model.
        clips: Test clips; their own questions are not asked.
        count: Questions of each wording.

    Returns:
        For each wording and question, whether it was answered right.
    """
    right: dict[Wording, list[bool]] = {wording: [] for wording in wordings()}
    for clip in clips:
        wanted = [wording for wording, found in right.items() if len(found) < count]
        if not wanted:
            break
        chosen = tasks_of(clip.truth, wanted)
        outcomes = ask_all(model, replace(clip, tasks=tuple(task for _, task in chosen)))
        for (wording, _), outcome in zip(chosen, outcomes, strict=True):
            right[wording].append(is_right(outcome))
    return {wording: found[:count] for wording, found in right.items()}


def paraphrase_rows(right: Mapping[Wording, Sequence[bool]]) -> tuple[Row, Row, Row]:
    """The row of all wordings together, that of the worst one, and that of a stranger's."""
    own = {wording: found for wording, found in right.items() if not wording.by_stranger}
    strange = [each for wording in right.keys() - own.keys() for each in right[wording]]
    everything = [each for found in own.values() for each in found]
    percents = [100 * float(np.mean(found)) for found in own.values() if found]
    worst = min(percents) if len(percents) == len(own) else None
    fewest = min((len(found) for found in own.values()), default=0)
    return (
        Row(OVERALL, _percent(everything), len(everything), OVERALL_FLOOR),
        Row(WORST, worst, fewest, WORDING_FLOOR),
        Row(STRANGER, _percent(strange), len(strange), None),
    )


def _percent(right: Sequence[bool]) -> float | None:
    return 100 * float(np.mean(right)) if right else None


def table(right: Mapping[Wording, Sequence[bool]]) -> list[str]:
    """A line for each wording."""
    lines = [f"{'percent right':<{_WIDTH}} {'measured':>9} {'count':>6}  ok"]
    for wording, found in right.items():
        percent = 100 * float(np.mean(found)) if found else 0.0
        mark = "yes" if percent >= WORDING_FLOOR else "NO"
        mark = "-" if wording.by_stranger else mark
        label = wording.text.replace("\n", " ")
        lines.append(f"{label:<{_WIDTH}} {percent:>9.1f} {len(found):>6}  {mark}")
    return lines


def measure(
    model: UFVideo, count: int = NUM_QUESTIONS, *, flat: bool = False
) -> dict[Wording, list[bool]]:
    """Ask every wording about test clips of its own; see `ask_wordings`."""
    with tempfile.TemporaryDirectory() as folder:
        clips = drawn_clips(_SEEDS, Path(folder), flat=flat, num_questions=0)
        return ask_wordings(model, clips, count)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, score, print; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.paraphrases", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument(
        "--questions", type=int, default=NUM_QUESTIONS, metavar="N", help="of each wording"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    options = parser.parse_args(arguments)
    right = measure(UFVideo.load(options.package), options.questions)
    rows = paraphrase_rows(right)
    print(*table(right), sep="\n")
    print(*report.table(rows), sep="\n")
    if options.json is not None:
        told = {wording.text: float(np.mean(found or [False])) for wording, found in right.items()}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
