"""Questions put to the SDK as a user would put them, and their answers scored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluate.clips import DrawnClip
from training.tasks import Score, Task, score
from training.tasks.masks import decoded
from training.tasks.positions import to_times
from training.tasks.task import NUM_TIME_TOKENS
from ufvideo_sdk import Answer, AnswerStats, GenerationConfig, Region, Session, UFVideo

# Longer than every right answer; a model that babbles is cut off.
ANSWER = GenerationConfig(max_new_tokens=128)
_TIME = re.compile(r"<TEMP-(\d{3})>")


@dataclass(frozen=True)
class Call:
    """What `Session.ask` is given for a task.

    Attributes:
        question: The words, with `<time>` and `<region>` marks.
        times: Seconds of the clip.
        regions: Objects pointed at.
    """

    question: str
    times: tuple[float, ...]
    regions: tuple[Region, ...]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A task with what came; the answer's pixels are gone.

    Attributes:
        task: What was asked.
        text: The answer's words.
        token_ids: The answer's tokens.
        stats: Where its time went.
        num_masked_frames: Frames on which it has masks.
        score: What it is worth.
    """

    task: Task
    text: str
    token_ids: tuple[int, ...]
    stats: AnswerStats
    num_masked_frames: int
    score: Score


def call_of(task: Task, clip: DrawnClip, times_s: NDArray[np.float64]) -> Call:
    """Turn a task into a call.

    Args:
        task: The question, times as `<TEMP-xxx>`, fractions of the clip's seconds.
        clip: Where the pixels of its regions are.
        times_s: Presentation times of the file's frames, float64 [F].
    """
    first, last = float(times_s[0]), float(times_s[-1])
    fractions = [int(k) / (NUM_TIME_TOKENS - 1) for k in _TIME.findall(task.question)]
    # The end itself, not a rounding error behind it.
    times = tuple(min(first + part * (last - first), last) for part in fractions)
    regions = tuple(
        Region(np.array(r.frame_idxs), clip.rendered.masks[r.thing, list(r.frame_idxs)])
        for r in task.regions
    )
    return Call(_TIME.sub("<time>", task.question), times, regions)


def ask_all(model: UFVideo, clip: DrawnClip) -> list[Outcome]:
    """Ask everything about a clip: one session for the video, one for each image."""
    outcomes = []
    with model.open(clip.path) as session:
        for task in clip.tasks:
            if task.image_frame is None:
                answer = _ask(session, task, clip)
            else:
                picture = session.clip.read([task.image_frame])[0]
                with model.open(picture) as still:
                    answer = _ask(still, task, clip)
            outcomes.append(_outcome(task, answer, clip))
    return outcomes


def _ask(session: Session, task: Task, clip: DrawnClip) -> Answer:
    call = call_of(task, clip, session.clip.timestamps_s)
    idxs: Sequence[int] = (0,) if session.clip.is_image else clip.scored_idxs(task)
    return session.ask(
        call.question,
        times=call.times,
        regions=call.regions,
        segment_frames=idxs,
        config=ANSWER,
    )


def _outcome(task: Task, answer: Answer, clip: DrawnClip) -> Outcome:
    masks = [decoded(track) for track in answer.masks] or None
    # The model's time tokens are positions among the frames.
    text = answer.text if task.image_frame is not None else to_times(answer.text, clip.fractions)
    return Outcome(
        task=task,
        text=answer.text,
        token_ids=answer.token_ids,
        stats=answer.stats,
        num_masked_frames=len(answer.masks[0]) if answer.masks else 0,
        score=score(task, text, masks=masks, truth=clip.truth_masks(task)),
    )
