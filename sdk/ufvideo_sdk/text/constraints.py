"""What an answer may be, as automatons over token ids that mask each step of the decoding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.text.choices import Choices, choices_of
from ufvideo_sdk.text.prompt import PromptBuilder
from ufvideo_sdk.validation.arguments import described

SPAN_BRACES = ("{", "}")
TIME_FORMATS = ("span", "moment")
# First and last id, next state.
Edge = tuple[int, int, int]


class AnswerFormats:
    """The formats of one model's answers, made when they are first asked for."""

    def __init__(self, prompts: PromptBuilder, manifest: Manifest) -> None:
        self._prompts = prompts
        self._manifest = manifest
        self._tokens = manifest.tokens
        self._vocab_size = manifest.model.vocab_size

    @cached_property
    def span(self) -> _native.TokenAutomaton:
        """A span as the models were trained to write it, `{<TEMP-aaa><TEMP-bbb>}`, in order.

        What may end it depends on where it begins: a state for each first time says so.
        """
        tokens = self._tokens
        before, after = (self._prompts.answer_ids(brace) for brace in SPAN_BRACES)
        states = _chain(before)
        first_started = len(states) + 1
        closing = first_started + tokens.num_time_tokens
        times = range(tokens.num_time_tokens)
        states.append([(tokens.time_first_id + k,) * 2 + (first_started + k,) for k in times])
        last_id = tokens.time_first_id + tokens.num_time_tokens - 1
        states += [[(tokens.time_first_id + k, last_id, closing)] for k in times]
        states += _chain(after, first_state=closing)
        return self._automaton([*states, []], is_end={len(states)})

    @cached_property
    def span_or_words(self) -> _native.TokenAutomaton:
        """Words with at most one span, in order: a model may say that an event does not happen."""
        tokens = self._tokens
        last_id = tokens.time_first_id + tokens.num_time_tokens - 1
        times = range(tokens.num_time_tokens)
        behind = 2 + tokens.num_time_tokens
        words = self._all_but([*range(tokens.time_first_id, last_id + 1), tokens.region_id])
        edges = [[(first, last, 1) for first, last in words]] * 2
        started = [(tokens.time_first_id + k,) * 2 + (2 + k,) for k in times]
        states: list[Sequence[Edge]] = [[*each, *started] for each in edges]
        states += [[(tokens.time_first_id + k, last_id, behind)] for k in times]
        states.append([(first, last, behind) for first, last in words])
        # State 0 is no end: an answer has a token.
        return self._automaton(states, is_end={1, behind})

    @cached_property
    def mask_or_words(self) -> _native.TokenAutomaton:
        """Words with at most one [SEG]: a model may say that something is not there.

        The first token is a word: with `preceding` a [SEG] takes the state of the token before it.
        """
        tokens = self._tokens
        last_id = tokens.time_first_id + tokens.num_time_tokens - 1
        words = self._all_but([*range(tokens.time_first_id, last_id + 1), tokens.region_id])
        before, behind = 1, 2
        states: list[Sequence[Edge]] = [
            [(first, last, before) for first, last in words],
            [*((first, last, before) for first, last in words), (tokens.seg_id,) * 2 + (behind,)],
            [(first, last, behind) for first, last in words],
        ]
        return self._automaton(states, is_end={before, behind})

    @cached_property
    def moment(self) -> _native.TokenAutomaton:
        """A moment as the models were trained to write it, one time token."""
        tokens = self._tokens
        last_id = tokens.time_first_id + tokens.num_time_tokens - 1
        return self._automaton([[(tokens.time_first_id, last_id, 1)], []], is_end={1})

    def of_times(self, name: str) -> _native.TokenAutomaton:
        """The format "span" or "moment".

        Raises:
            InputError: When there is none of that name.
        """
        if name not in TIME_FORMATS:
            raise InputError(
                f'response_format: expected "span", "moment" or None, got {described(name)}'
            )
        return self.span if name == "span" else self.moment

    def num_times(self, token_ids: Sequence[int]) -> int:
        """Time tokens among the tokens."""
        first_id = self._tokens.time_first_id
        return sum(0 <= i - first_id < self._tokens.num_time_tokens for i in token_ids)

    def choices(self, texts: Sequence[str], case: str) -> Choices:
        """Exactly one of some texts; see `choices_of`."""
        return choices_of(texts, case, self._prompts.answer_ids, self._manifest)

    def _all_but(self, left_out: Iterable[int]) -> list[tuple[int, int]]:
        """Ranges of all ids but some, and but the end tokens and [SEG]."""
        borders = sorted({-1, *left_out, *self._tokens.end_ids, self._tokens.seg_id})
        pairs = pairwise([*borders, self._vocab_size])
        return [(before + 1, behind - 1) for before, behind in pairs if behind - before > 1]

    def _automaton(
        self, states: Sequence[Sequence[Edge]], *, is_end: set[int]
    ) -> _native.TokenAutomaton:
        return _native.TokenAutomaton(
            [_native.TokenState(list(s), is_end=i in is_end) for i, s in enumerate(states)],
            vocab_size=self._vocab_size,
            end_ids=list(self._tokens.end_ids),
        )


def _chain(ids: Sequence[int], *, first_state: int = 0) -> list[Sequence[Edge]]:
    """States that allow one id after the other."""
    return [[(token_id, token_id, first_state + i + 1)] for i, token_id in enumerate(ids)]
