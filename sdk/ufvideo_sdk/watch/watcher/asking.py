"""Questions to the model, and its answers as facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CapacityError, InferenceError, UFVideoError
from ufvideo_sdk.questions.question import QuestionKind
from ufvideo_sdk.questions.shapes import Area
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.session.request import Ask
from ufvideo_sdk.session.stream import Stream
from ufvideo_sdk.video.regions import Region
from ufvideo_sdk.watch.engine.facts import Answered, Failed, FoundObject, FoundSpan
from ufvideo_sdk.watch.rules.rule import WatchedQuestion

CANCELLED = "cancelled"
_IN_WORDS = (QuestionKind.YES_NO, QuestionKind.CHOICE, QuestionKind.COUNT, QuestionKind.TEXT)
_MAX_CAUSE = 256


@dataclass(frozen=True)
class FrameSize:
    """Height and width in pixels."""

    height: int
    width: int

    def fractions(self, box: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
        """Return a box x1, y1, x2, y2 in pixels as fractions of the picture."""
        left, top, right, bottom = box
        return left / self.width, top / self.height, right / self.width, bottom / self.height


def batches_of(questions: Sequence[WatchedQuestion]) -> list[list[WatchedQuestion]]:
    """Return questions as they are asked: those in words together, then each other one alone.

    Args:
        questions: In the order of the file.
    """
    words = [each for each in questions if each.question.kind in _IN_WORDS]
    others = [[each] for each in questions if each.question.kind not in _IN_WORDS]
    return [words, *others] if words else others


def cause_of(error: UFVideoError) -> str:
    """Return an error as the cause of a fact: one line, not too long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_CAUSE]


class Asker:
    """Asks about the window of a stream as it is now."""

    def __init__(
        self, stream: Stream, first_idx: int, size: FrameSize, cancel: CancellationToken
    ) -> None:
        """Keep what is asked.

        Args:
            stream: With a window.
            first_idx: Number of the stream's first frame among all of the camera.
            size: Of the frames.
            cancel: What ends questions early.
        """
        self._stream = stream
        self._newest_idx = int(stream.window.frame_idxs[-1])
        self._frame_idx = first_idx + self._newest_idx
        self._size = size
        self._cancel = cancel

    def ask(self, questions: Sequence[WatchedQuestion]) -> list[Answered | Failed]:
        """Ask one batch; see `CameraView.ask`."""
        kind = questions[0].question.kind
        if kind is QuestionKind.LOCATE:
            return self._guarded(questions, self._locate)
        if kind is QuestionKind.SEGMENT:
            return self._guarded(questions, self._segment)
        return self._guarded(questions, self._ask_words)

    def _guarded(
        self,
        questions: Sequence[WatchedQuestion],
        ask: Callable[[Sequence[WatchedQuestion]], list[Answered | Failed]],
    ) -> list[Answered | Failed]:
        try:
            return ask(questions)
        except UFVideoError as error:
            if isinstance(error, (CapacityError, InferenceError)):
                self._stream.reset()
            return [self._failed(each, cause_of(error)) for each in questions]

    def _ask_words(self, questions: Sequence[WatchedQuestion]) -> list[Answered | Failed]:
        asks = [self._words(each) for each in questions]
        answers = self._stream.ask_many(asks, cancel=self._cancel)
        return [self._said(each, a) for each, a in zip(questions, answers, strict=True)]

    def _words(self, watched: WatchedQuestion) -> Ask:
        question = watched.question
        return Ask(
            question.words,
            regions=[self._region(area) for area in question.regions],
            segment_frames="none",
            choices=question.choices or None,
        )

    def _region(self, area: Area) -> Region:
        height, width = self._size.height, self._size.width
        points = [(x * width, y * height) for x, y in area.points]
        return Region.from_polygon(self._newest_idx, points, height=height, width=width)

    def _said(self, watched: WatchedQuestion, answer: Answer) -> Answered | Failed:
        if answer.stop_reason is StopReason.CANCELLED:
            return self._failed(watched, CANCELLED)
        return Answered(watched.name, self._frame_idx, answer.text, answer.choice)

    def _locate(self, questions: Sequence[WatchedQuestion]) -> list[Answered | Failed]:
        (watched,) = questions
        found = self._stream.locate(watched.question.words, allow_absent=True, cancel=self._cancel)
        if found.stop_reason is StopReason.CANCELLED:
            return [self._failed(watched, CANCELLED)]
        spans = tuple(FoundSpan(span.start_s, span.end_s) for span in found.spans)
        return [Answered(watched.name, self._frame_idx, found.text, spans=spans)]

    def _segment(self, questions: Sequence[WatchedQuestion]) -> list[Answered | Failed]:
        (watched,) = questions
        found = self._stream.segment(
            watched.question.words,
            frames=[self._newest_idx],
            allow_absent=True,
            cancel=self._cancel,
        )
        if found.stop_reason is StopReason.CANCELLED:
            return [self._failed(watched, CANCELLED)]
        objects = []
        for number, track in enumerate(found.masks, start=1):
            box = track[0].box
            if box is not None:
                objects.append(FoundObject(number, *self._size.fractions(box)))
        return [Answered(watched.name, self._frame_idx, found.text, objects=tuple(objects))]

    def _failed(self, watched: WatchedQuestion, cause: str) -> Failed:
        return Failed(watched.name, self._frame_idx, cause)
