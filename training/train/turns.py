"""Questions of a clip as token ids: one prefix, and behind it each question with its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer  # type: ignore[import-untyped]

from training.tasks import Task
from training.tasks.lexicon import CATEGORIES, lexicon_words
from training.train.sizes import model_sizes
from training.train.world_tokenizer import tokenizer_sizes
from ufvideo_export.tokenizer import read_tokenizer

# Words that no question depends on count less.
_PLAIN_WEIGHT = 0.15
_SYMBOL = re.compile(r"(<TEMP-\d{3}>|\[SEG\]|<region>|<\|im_start\|>|<\|im_end\|>)")
_PREFIX = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
_BEHIND_QUESTION = "<|im_end|>\n<|im_start|>assistant\n"
_END = "<|im_end|>"


@dataclass(frozen=True)
class Turn:
    """One question with its answer.

    Attributes:
        ids: Question and answer, int64 [L]; a region takes as many places as it has tokens.
        answer_start: Where the answer begins.
        weights: How much each id counts as something to say, float32 [L]; 0 in the question.
        region_starts: Where each region begins, in order.
        seg_places: Places that predict each `[SEG]`, in order.
    """

    ids: NDArray[np.int64]
    answer_start: int
    weights: NDArray[np.float32]
    region_starts: tuple[int, ...]
    seg_places: tuple[int, ...]


class TurnTokenizer:
    """Writes tasks as the runtime's prompts write them."""

    def __init__(self, folder: Path) -> None:
        sizes = model_sizes(tokenizer_sizes(folder))
        read = read_tokenizer(folder, sizes)
        self.tokenizer: Tokenizer = read.tokenizer
        self.facts = read.facts
        self.prefix_ids = np.array(self._encode(_PREFIX), np.int64)
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
        ids: list[int] = []
        region_starts: list[int] = []
        lengths = iter(region_lengths)
        for token_id in self._encode(f"\n{task.question}{_BEHIND_QUESTION}"):
            if token_id == self.facts.region_id:
                region_starts.append(len(ids))
                ids += [token_id] * next(lengths)
            else:
                ids.append(token_id)
        start = len(ids)
        answer = self._encode(task.answer + _END)
        weights = [0.0] * start + [self._weight(k, token_id) for k, token_id in enumerate(answer)]
        ids += answer
        segs = tuple(k - 1 for k in range(start, len(ids)) if ids[k] == self.facts.seg_id)
        return Turn(
            np.array(ids, np.int64),
            start,
            np.array(weights, np.float32),
            tuple(region_starts),
            segs,
        )

    def decode(self, token_ids: list[int]) -> str:
        """Text of token ids, special ones spelled out."""
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False))

    def _weight(self, place: int, token_id: int) -> float:
        # The first word decides between an answer and "there is no".
        return 1.0 if place == 0 or token_id in self._counts else _PLAIN_WEIGHT

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in _SYMBOL.split(text):
            if _SYMBOL.fullmatch(piece):
                ids.append(int(self.tokenizer.token_to_id(piece)))
            elif piece:
                ids += self.tokenizer.encode(piece, add_special_tokens=False).ids
        return ids
