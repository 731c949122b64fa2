"""The demonstration: asks a model about the clip that ships, and compares with the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.demo.files import TRUTH_NAME, shipped_file
from ufvideo_sdk.demo.questions import Comparison, read_questions
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.session.session import Session


def compare(session: Session, cancel: CancellationToken | None = None) -> Iterator[Comparison]:
    """Ask every question of the demonstration, and compare each answer with the truth.

    Args:
        session: A session of the demonstration's clip.
        cancel: What ends the question under way.

    Raises:
        UFVideoError: As `Session.ask`, `Session.locate` and `Session.segment`.
    """
    for question in read_questions(shipped_file(TRUTH_NAME)):
        yield question.ask(session, cancel)


def summary(comparisons: Sequence[Comparison], title: str) -> Answer:
    """Put all comparisons into one answer, so that one picture shows them.

    Args:
        comparisons: What `compare` returned, one of them in words at least.
        title: What stands above them.
    """
    said = next(each.said for each in comparisons if each.said is not None)
    return replace(
        said,
        question=title,
        text="\n".join(f"{each.question} - {each.answer}" for each in comparisons),
        spans=tuple(span for each in comparisons for span in each.spans),
        masks=tuple(track for each in comparisons for track in each.masks),
    )
