"""The baseline: a session on each ten seconds of a stream, and its answers as events.

This is what services do that cut a camera into files: no stream, no window that moves on, and every
answer that holds is an alert.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from training.evaluate.watch.matching import FoundEvent
from ufvideo_sdk import Ask, Session, UFVideo
from ufvideo_sdk.questions import QuestionKind
from ufvideo_sdk.questions.answer_count import read_count
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.rules.rule import AnswerIs, NumberIs, Rule

CHUNK_S = 10.0
_ASKED = (QuestionKind.YES_NO, QuestionKind.COUNT)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some seconds of a stream.

    Attributes:
        frames: RGB, uint8 [F, H, W, 3].
        times_s: Seconds of the stream, float64 [F].
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]


@dataclass(frozen=True)
class ChunkRun:
    """What the baseline told of a stream, and what it cost.

    Attributes:
        events: Of each rule that can be asked, by name; each answer that holds is one.
        num_frames: Frames that the model looked at.
        num_answers: Answers.
        cpu_s: Processor time of the sessions, without reading the file.
        answer_s: Wall time of each chunk's session: how long its answers are late.
    """

    events: dict[str, list[FoundEvent]]
    num_frames: int
    num_answers: int
    cpu_s: float
    answer_s: tuple[float, ...]


def watch_chunks(model: UFVideo, path: Path, rules: Rules, fps: float) -> ChunkRun:
    """Ask all questions that need no track about each chunk of a file.

    Args:
        model: The model.
        path: The file.
        rules: What is asked; schedules, confirmations and cool-downs do not apply.
        fps: Frames a second that are read; a session looks at as many as the model takes.
    """
    asked = [r for r in rules.rules if rules.question(r.question).schedule is not None]
    events: dict[str, list[FoundEvent]] = {rule.name: [] for rule in asked}
    num_frames, cpu_s, answer_s = 0, 0.0, []
    for chunk in read_chunks(path, fps):
        begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
        with model.open(chunk.frames, timestamps_s=chunk.times_s) as session:
            found = _ask(session, rules, asked)
            num_frames += min(len(chunk.frames), model.manifest.video.num_frames)
        cpu_s += time.process_time() - begin_cpu_s
        answer_s.append(time.perf_counter() - begin_s)
        end_s = float(chunk.times_s[-1])
        for name, spans in found.items():
            events[name] += [FoundEvent(start, end, end_s, end_s) for start, end in spans]
    return ChunkRun(events, num_frames, len(asked) * len(answer_s), cpu_s, tuple(answer_s))


def joined(events: Sequence[FoundEvent], gap_s: float) -> list[FoundEvent]:
    """Return the events with those of neighbouring chunks as one.

    Args:
        events: In order of time.
        gap_s: Events with at most so many seconds between them are one.
    """
    found: list[FoundEvent] = []
    for event in events:
        last = found[-1] if found else None
        if last is not None and event.start_s - last.end_s <= gap_s:
            known = (last.known_s, event.ended_known_s)
            found[-1] = FoundEvent(last.start_s, event.end_s, *known)
        else:
            found.append(event)
    return found


def read_chunks(path: Path, fps: float) -> Iterator[Chunk]:
    """Read a file ten seconds at a time.

    Args:
        path: The file.
        fps: Frames a second that are kept.
    """
    frames: list[NDArray[np.uint8]] = []
    times_s: list[float] = []
    next_s, end_s = 0.0, CHUNK_S
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time >= end_s and len(frames) > 1:
                yield Chunk(np.stack(frames), np.array(times_s))
                frames, times_s = [], []
                end_s += CHUNK_S
            if frame.time >= next_s - 1e-6:
                frames.append(frame.to_ndarray(format="rgb24"))
                times_s.append(float(frame.time))
                next_s += 1 / fps
    if len(frames) > 1:
        yield Chunk(np.stack(frames), np.array(times_s))


def _ask(
    session: Session, rules: Rules, asked: Sequence[Rule]
) -> dict[str, list[tuple[float, float]]]:
    """Where each rule holds in a chunk: the whole chunk, or the spans of a located event."""
    times_s = session.clip.timestamps_s
    whole = (float(times_s[0]), float(times_s[-1]))
    questions = [rules.question(rule.question).question for rule in asked]
    in_words = [q for q in questions if q.kind in _ASKED]
    answers = session.ask_many([Ask(q.words, choices=q.choices or None) for q in in_words])
    by_question = dict(zip(in_words, answers, strict=True))
    found: dict[str, list[tuple[float, float]]] = {}
    for rule, question in zip(asked, questions, strict=True):
        if question.kind is QuestionKind.LOCATE:
            spans = session.locate(question.words, allow_absent=True)
            found[rule.name] = [(span.start_s, span.end_s) for span in spans]
            continue
        answer = by_question[question]
        number = read_count(answer.text)
        condition = rule.condition
        holds = (isinstance(condition, AnswerIs) and answer.choice in condition.texts) or (
            isinstance(condition, NumberIs) and number is not None and condition.holds(number)
        )
        found[rule.name] = [whole] if holds else []
    return found
