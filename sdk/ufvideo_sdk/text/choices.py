"""Texts of which an answer is one, and the ways to write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.runtime.config import GenerationConfig
from ufvideo_sdk.text.prompt import checked_text
from ufvideo_sdk.validation.arguments import check_sequence, described

CHOICE_CASES = ("model", "exact")
_MODEL_CASE = CHOICE_CASES[0]


@dataclass(frozen=True)
class Choices:
    """Texts of which the answer is one.

    Attributes:
        texts: As the caller wrote them.
        tree: Their tokens, in every letter case that counts.
    """

    texts: tuple[str, ...]
    tree: _native.ChoiceTree


def choices_of(
    texts: Sequence[str],
    case: str,
    tokens_of: Callable[[str], Sequence[int]],
    manifest: Manifest,
) -> Choices:
    """The choices in token ids.

    Args:
        texts: The caller's texts.
        case: "model" or "exact", see `Session.ask`.
        tokens_of: Token ids of a text where an answer begins.
        manifest: Of the package.

    Raises:
        InputError: When there is no text, one is empty or no text, two are the same, or two differ
            in letter case only, which "model" cannot tell apart.
    """
    check_sequence(texts, "choices", "str")
    if not len(texts):
        raise InputError("choices: expected one or more texts, got none")
    check_case(case)
    spellings: dict[tuple[int, ...], int] = {}
    folded: dict[str, str] = {}
    for number, given in enumerate(texts):
        text = checked_text(given, f"choices[{number}]")
        if case == _MODEL_CASE:
            _check_folded(folded, text, number)
        for written in letter_cases(text) if case == _MODEL_CASE else (text,):
            if spellings.setdefault(tuple(tokens_of(written)), number) != number:
                raise InputError(f"choices[{number}]: expected each text once, got {text!r} again")
    tree = _native.ChoiceTree(
        [(choice, list(ids)) for ids, choice in spellings.items()],
        vocab_size=manifest.model.vocab_size,
        end_ids=list(manifest.tokens.end_ids),
    )
    return Choices(tuple(texts), tree)


def letter_cases(text: str) -> list[str]:
    """A text as written, then in the other letter cases that an answer may have."""
    first = next((i for i, letter in enumerate(text) if letter.isalpha()), 0)
    before, letter, rest = text[:first], text[first : first + 1], text[first + 1 :]
    cases = (
        text,
        text.lower(),
        text.upper(),
        before + letter.upper() + rest,
        before + letter.lower() + rest,
        before + letter.upper() + rest.lower(),
    )
    # Letters whose cases are no pair, such as the Turkish dotless i, are another text.
    return [each for each in dict.fromkeys(cases) if each.casefold() == text.casefold()]


def choice_probabilities(
    texts: Sequence[str], log_probabilities: Sequence[float]
) -> Mapping[str, float]:
    """Probability of each choice, given that the answer is one of them: they sum to 1."""
    largest = max(log_probabilities)
    shares = [math.exp(each - largest) for each in log_probabilities]
    total = math.fsum(shares)
    return {text: share / total for text, share in zip(texts, shares, strict=True)}


def check_case(case: object) -> None:
    """Refuse what is no way to compare letters.

    Raises:
        InputError: When it is neither "model" nor "exact".
    """
    if case not in CHOICE_CASES:
        raise InputError(f'choice_case: expected "model" or "exact", got {described(case)}')


def check_not_sampled(config: GenerationConfig) -> None:
    """Refuse settings of the sampler beside choices, which are scored and not sampled.

    Raises:
        InputError: Naming the setting.
    """
    for name, neutral in (("temperature", 0.0), ("repetition_penalty", 1.0)):
        value = getattr(config, name)
        if value != neutral:
            raise InputError(
                f"config: expected no {name} with choices, which are scored and not sampled, got"
                f" {value!r}"
            )


def _check_folded(folded: dict[str, str], text: str, number: int) -> None:
    earlier = folded.setdefault(text.casefold(), text)
    if earlier != text:
        raise InputError(
            f"choices[{number}]: expected texts that differ in more than letter case, got {text!r}"
            f' beside {earlier!r}; choice_case="exact" tells them apart'
        )
