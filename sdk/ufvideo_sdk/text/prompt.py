"""Questions as token ids (docs/model.md, part 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.package.manifest import TokenConfig
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.text.chat_template import ChatTemplate
from ufvideo_sdk.text.question_words import check_is_event, check_is_expression
from ufvideo_sdk.text.tokenizer import TextTokenizer
from ufvideo_sdk.validation.arguments import check_sequence

if TYPE_CHECKING:
    from ufvideo_sdk.video.clip import Clip

REGION_MARK = "<region>"
TIME_MARK = "<time>"
SEGMENT_ANSWER = ("Sure, ", ".")

Time = float | TimeSpan
# Earlier turns: the question, and the answer as text or as the Answer that came.
History = Sequence[tuple[str, str | Answer]]


@dataclass(frozen=True)
class Question:
    """A question and what its marks stand for.

    Attributes:
        text: The words, with one `<region>` for each region and one `<time>` for each time.
        num_regions: Regions given along.
        times: Times given along, in seconds of the clip.
        history: Earlier turns, oldest first.
        has_marks: Whether `<region>` and `<time>` in the words are marks; otherwise they are text.
    """

    text: str
    num_regions: int = 0
    times: Sequence[Time] = ()
    history: History = ()
    has_marks: bool = True


class PromptBuilder:
    """Puts questions into the model's chat template."""

    def __init__(
        self, tokenizer: TextTokenizer, template: ChatTemplate, tokens: TokenConfig
    ) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._tokens = tokens

    def build(self, question: Question, clip: Clip) -> list[int]:
        """Token ids of a prompt that the model is to answer.

        One placeholder id stands for the clip, one `<region>` token for each region.

        Raises:
            InputError: When the question is empty, marks and what fills them differ in number, a
                time lies outside the clip, or an earlier turn is no pair of texts.
        """
        return self._tokenizer.encode_pieces(self._pieces(question, clip))

    def prefix(self, clip: Clip) -> list[int]:
        """Token ids that every question about the clip begins with, its placeholder the last."""
        tokens = self._tokens
        ids = self.build(Question("?"), clip)
        media_id = tokens.image_placeholder_id if clip.is_image else tokens.video_placeholder_id
        return ids[: ids.index(media_id) + 1]

    def build_grounding(self, event: str, clip: Clip) -> list[int]:
        """Token ids of the question when an event happens; special tokens and marks stay text.

        Raises:
            InputError: When the event is no phrase.
        """
        return self.build(Question(grounding_question(event), has_marks=False), clip)

    def build_segmentation(
        self, expression: str, clip: Clip, *, allow_question: bool = False
    ) -> tuple[list[int], int]:
        """Token ids of a segmentation request with its answer, and where the answer begins.

        Special tokens and marks in the expression stay text.

        Raises:
            InputError: When the expression is no phrase.
        """
        words = segmentation_question(expression, allow_question=allow_question)
        asked_for = Question(words, has_marks=False)
        pieces = self._pieces(asked_for, clip)
        before, after = SEGMENT_ANSWER
        # The answer continues the template's last words: they are tokenised as one text, so that
        # its beginning is where the ids first differ from those of the question alone.
        answered = self._tokenizer.encode_pieces([*pieces, before, self._tokens.seg_id, after])
        asked = self._tokenizer.encode_pieces(pieces)
        same = (a == b for a, b in zip(asked, answered, strict=False))
        return answered, next((i for i, equal in enumerate(same) if not equal), len(asked))

    def build_segmentation_question(self, expression: str, clip: Clip) -> list[int]:
        """Token ids of a segmentation request that the model is to answer.

        Raises:
            InputError: When the expression is no phrase.
        """
        return self.build(Question(segmentation_question(expression), has_marks=False), clip)

    def answer_ids(self, text: str) -> list[int]:
        """Token ids of a text where an answer begins."""
        template = self._tokenizer.split_special(self._template.generation_prompt)
        asked = self._tokenizer.encode_pieces(template)
        answered = self._tokenizer.encode_pieces([*template, text])
        if answered[: len(asked)] == asked:
            return answered[len(asked) :]
        # It runs together with the template's last words, which the model is given by themselves.
        return self._tokenizer.encode_text(text)

    def _pieces(self, question: Question, clip: Clip) -> list[str | int]:
        template, roles = self._template, self._template.roles
        special = self._tokenizer.split_special
        pieces: list[str | int] = [
            *special(template.before(roles.system)),
            template.default_system,
            *special(template.after),
        ]
        turns: list[tuple[list[str | int], list[str | int]]] = [
            ([checked_text(earlier, f"history[{i}][0]")], self._answered(answer, i))
            for i, (earlier, answer) in enumerate(_checked_history(question.history))
        ]
        turns.append((list(self._content(question, clip)), []))
        for number, (asked, answered) in enumerate(turns):
            pieces += special(template.before(roles.user))
            pieces += self._media(clip) if number == 0 else []
            pieces += [*asked, *special(template.after)]
            if number + 1 < len(turns):
                pieces += special(template.before(roles.assistant))
                pieces += [*answered, *special(template.after)]
        return pieces + special(template.generation_prompt)

    def _media(self, clip: Clip) -> list[str | int]:
        tokens = self._tokens
        media_id = tokens.image_placeholder_id if clip.is_image else tokens.video_placeholder_id
        before, after = self._template.media_prefix.split("{media}")
        special = self._tokenizer.split_special
        return [*special(before), media_id, *special(after)]

    def _answered(self, answer: object, turn: int) -> list[str | int]:
        if not isinstance(answer, Answer):
            return [checked_text(answer, f"history[{turn}][1]")]
        ids = list(answer.token_ids)
        ended = bool(ids) and ids[-1] in self._tokens.end_ids
        # A generated <region> points at nothing: as a token it would ask for a region, so it goes
        # back in as the characters it was read as.
        region_id = self._tokens.region_id
        ids = ids[:-1] if ended else ids
        pieces = [REGION_MARK if i == region_id else i for i in ids]
        if answer.stop_reason is not StopReason.STOP_STRING:
            return pieces
        # The stop string may have cut a token: what is left of it goes back in as text.
        num_whole = len(ids)
        while not answer.text.startswith(self._tokenizer.decode(ids[:num_whole])):
            num_whole -= 1
        rest = answer.text[len(self._tokenizer.decode(ids[:num_whole])) :]
        return [*pieces[:num_whole], rest]

    def _content(self, question: Question, clip: Clip) -> Iterator[str | int]:
        """The question's words with ids for its marks."""
        text = checked_text(question.text, "question")
        check_sequence(question.times, "times", "seconds or TimeSpan")
        if not question.has_marks:
            yield text
            return
        for mark, given, what in (
            (REGION_MARK, question.num_regions, "regions"),
            (TIME_MARK, len(question.times), "times"),
        ):
            if text.count(mark) != given:
                raise InputError(
                    f"expected one {mark} in the question for each of {what}, got"
                    f" {text.count(mark)} and {given}"
                )
        times = iter(question.times)
        for piece in re.split(f"({REGION_MARK}|{TIME_MARK})", text):
            if piece == REGION_MARK:
                yield self._tokens.region_id
            elif piece == TIME_MARK:
                yield from self._time(next(times), clip)
            else:
                yield piece

    def _time(self, time: Time, clip: Clip) -> list[str | int]:
        if isinstance(time, TimeSpan):
            ends = (self._time_id(time.start_s, clip), self._time_id(time.end_s, clip))
            return ["{", *ends, "}"]
        return [self._time_id(time, clip)]

    def _time_id(self, time_s: float, clip: Clip) -> int:
        if clip.is_image:
            raise InputError(f"expected no times for an image, got {time_s!r}")
        steps = clip.fraction_of(time_s) * (self._tokens.num_time_tokens - 1)
        # The nearest token; a tie goes to the later one.
        return self._tokens.time_first_id + int(steps + 0.5)


def grounding_question(event: str) -> str:
    """The question that asks when an event happens; the event without a full stop.

    Raises:
        InputError: When the event is no phrase.
    """
    check_is_event(checked_text(event, "event"))
    words = event.strip().lower().rstrip(".")
    if not words:
        raise InputError(f"event: expected words, got {event!r}")
    return f"When is {words} occur in the video? Only give the start and end timestamp."


def segmentation_question(expression: str, *, allow_question: bool = False) -> str:
    """The question that asks where something is.

    Raises:
        InputError: When the expression is no phrase; or, without allow_question, a question.
    """
    text = checked_text(expression, "expression")
    if not allow_question:
        check_is_expression(text)
    words = expression.strip().lower()
    return f"Please segment the {words} in this image."


def checked_text(text: object, where: str) -> str:
    """The text, where it is one and holds words.

    Raises:
        InputError: When it is none, empty, or no Unicode.
    """
    if not isinstance(text, str):
        raise InputError(f"{where}: expected text, got {type(text).__name__}")
    if not text.strip():
        raise InputError(f"{where}: expected words, got {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{where}: expected Unicode text, got a lone surrogate") from None
    return text


def _checked_history(history: object) -> list[tuple[object, object]]:
    if isinstance(history, (str, bytes)) or not isinstance(history, Sequence):
        raise InputError(f"history: expected (question, answer) pairs, got {history!r}")
    for i, turn in enumerate(history):
        if not isinstance(turn, (tuple, list)) or len(turn) != 2:
            raise InputError(f"history[{i}]: expected a pair (question, answer), got {turn!r}")
    return [(turn[0], turn[1]) for turn in history]
