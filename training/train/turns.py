"""Questions of a clip as token ids: one prefix, and behind it each question with its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.tasks import Task
from training.tasks.lexicon import CATEGORIES, lexicon_words
from training.train.sizes import model_sizes
from training.train.world_tokenizer import tokenizer_sizes
from ufvideo_export.checkpoint.tokenizer import read_tokenizer

# Words that no question depends on count less.
_PLAIN_WEIGHT = 0.15
# A letter is all that is said of a choice.
_LETTER_WEIGHT = 4.0
_SYMBOL = re.compile(r"(<TEMP-\d{3}>|\[SEG\]|<region>|<\|im_start\|>|<\|im_end\|>)")
_PREFIX = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
_BEHIND_QUESTION = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True)
class Turn:
    """One question with its answer.

    Attributes:
        ids: Question and answer, int64 [L]; a region takes as many places as it has tokens.
        answer_start: Where the answer begins.
        weights: How much each id counts as something to say, float32 [L]; 0 in the question.
        region_starts: Where each region begins, in order.
        seg_places: Places that predict each `[SEG]`, in order.
        ends: Where in the question's text each id ends, then where in the answer's, characters,
            int64 [L]; before and behind them it is -1.
    """

    ids: NDArray[np.int64]
    answer_start: int
    weights: NDArray[np.float32]
    region_starts: tuple[int, ...]
    seg_places: tuple[int, ...]
    ends: NDArray[np.int64]

    def place_in_question(self, end: int) -> int:
        """Place of the id with which a question's text has come to a character."""
        return int(np.flatnonzero(self.ends[: self.answer_start] >= end)[0])

    def place_in_answer(self, end: int) -> int:
        """Place of the id with which an answer's text has come to a character."""
        return self.answer_start + int(np.flatnonzero(self.ends[self.answer_start :] >= end)[0])


class TurnTokenizer:
    """Writes tasks as the runtime's prompts write them."""

    def __init__(self, folder: Path) -> None:
        sizes = model_sizes(tokenizer_sizes(folder))
        read = read_tokenizer(folder, sizes)
        self.tokenizer: Tokenizer = read.tokenizer
        self.facts = read.facts
        self.prefix_ids = np.array([i for i, _ in self._encode(_PREFIX)], np.int64)
        self.end_id = read.facts.end_ids[0]
        meaningful = {*lexicon_words(CATEGORIES), "A", "B", "C", "D"}
        self._counts = {
            token_id
            for token, token_id in self.tokenizer.get_vocab().items()
            if token.lstrip("Ġ") in meaningful or token.lstrip("Ġ").lower() in meaningful
        }
        facts = read.facts
        times = range(facts.time_first_id, facts.time_first_id + facts.num_time_tokens)
        self._counts |= {facts.seg_id, *times}

    def write(self, task: Task, region_lengths: tuple[int, ...]) -> Turn:
        """Token ids of a task.

        Args:
            task: The question with its answer.
            region_lengths: Tokens of each of the task's regions.
        """
        asked = self._encode(task.question)
        turn = self._begun(asked, region_lengths)
        behind = [token_id for token_id, _ in self._encode(_BEHIND_QUESTION)]
        ids = [*turn.ids.tolist(), *behind]
        start = len(ids)
        answer = [*self._encode(task.answer), (self.end_id, -1)]
        weights = [0.0] * start + [self._weight(k, each[0]) for k, each in enumerate(answer)]
        if task.options:
            weights[start:] = [_LETTER_WEIGHT if w == 1.0 else w for w in weights[start:]]
        ids += [token_id for token_id, _ in answer]
        segs = tuple(k - 1 for k in range(start, len(ids)) if ids[k] == self.facts.seg_id)
        ends = [*turn.ends.tolist(), *([-1] * len(behind)), *(end for _, end in answer)]
        return Turn(
            np.array(ids, np.int64),
            start,
            np.array(weights, np.float32),
            turn.region_starts,
            segs,
            np.array(ends, np.int64),
        )

    def write_words(self, text: str, region_lengths: tuple[int, ...]) -> Turn:
        """Token ids of words that are only read; see `write`."""
        return self._begun(self._encode(text), region_lengths)

    def _begun(self, asked: list[tuple[int, int]], region_lengths: tuple[int, ...]) -> Turn:
        ids = [token_id for token_id, _ in self._encode("\n")]
        ends = [-1] * len(ids)
        region_starts: list[int] = []
        lengths = iter(region_lengths)
        for token_id, end in asked:
            count = 1
            if token_id == self.facts.region_id:
                region_starts.append(len(ids))
                count = next(lengths)
            ids += [token_id] * count
            ends += [end] * count
        weights = np.zeros(len(ids), np.float32)
        return Turn(
            np.array(ids, np.int64),
            len(ids),
            weights,
            tuple(region_starts),
            (),
            np.array(ends, np.int64),
        )

    def decode(self, token_ids: list[int]) -> str:
        """Text of token ids, special ones spelled out."""
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False))

    def _weight(self, place: int, token_id: int) -> float:
        # The first word decides between an answer and "there is no".
        return 1.0 if place == 0 or token_id in self._counts else _PLAIN_WEIGHT

    def _encode(self, text: str) -> list[tuple[int, int]]:
        """Token ids, each with the character of the text behind its last one."""
        found: list[tuple[int, int]] = []
        place = 0
        for piece in _SYMBOL.split(text):
            if _SYMBOL.fullmatch(piece):
                found.append((int(self.tokenizer.token_to_id(piece)), place + len(piece)))
            elif piece:
                coded = self.tokenizer.encode(piece, add_special_tokens=False)
                ends = (place + end for _, end in coded.offsets)
                found += zip(coded.ids, ends, strict=True)
            place += len(piece)
        return found
