"""Scores of choices against PyTorch: sums of log-probabilities, computed without a cache."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bindings.conftest import Golden, load_golden, open_session
from tests.parity.conftest import SMALL
from ufvideo_sdk import _native

pytestmark = pytest.mark.torch

# Beginnings that are shared, a choice that begins another, and several spellings of one choice.
SPELLINGS = [
    (0, [20, 31, 32]),
    (1, [20, 31, 33, 34]),
    (1, [25]),
    (2, [20, 31]),
    (3, [40, 41, 42, 43, 44]),
    (3, [45, 46]),
    (4, [50]),
]
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def golden() -> Golden:
    return load_golden("global_qa")


@pytest.fixture(scope="module")
def reference(golden: Golden) -> list[float]:
    """The sum of each spelling's log-probabilities behind the prompt, in float64."""
    import torch

    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.torch_model.model import load_language_model

    model = load_language_model(Checkpoint(SMALL / "checkpoint", SMALL / "siglip")).double()
    prompt: NDArray[np.float32] = golden.arrays["inputs_embeds"]
    table = model.get_input_embeddings()
    sums = []
    for _, ids in SPELLINGS:
        embeds = torch.cat([torch.from_numpy(prompt).double(), table(torch.tensor(ids))])
        with torch.no_grad():
            logits = model(inputs_embeds=embeds[None]).logits[0]
        log_p = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)
        sums.append(float(sum(log_p[i, token] for i, token in enumerate(ids))))
    return sums


def scored(native_model: Any, golden: Golden, spellings: list[tuple[int, list[int]]]) -> Any:
    manifest_ids = {"vocab_size": len(golden.arrays["prefill_logits_last"]), "end_ids": [1]}
    tree = _native.ChoiceTree(spellings, **manifest_ids)
    prompt = _native.Prompt(token_ids=golden.prompt.token_ids, choices=tree)
    return open_session(native_model, golden).generate(prompt, _native.GenerationConfig())


def test_each_spelling_alone_is_the_sum_of_its_log_probabilities(
    native_model: Any, golden: Golden, reference: list[float]
) -> None:
    for (_, ids), expected in zip(SPELLINGS, reference, strict=True):
        generation = scored(native_model, golden, [(0, ids)])
        assert generation.token_ids == ids and generation.choice == 0
        (score,) = generation.choice_log_probabilities
        assert score == pytest.approx(expected, abs=TOLERANCE)


def test_together_they_are_scored_as_alone(
    native_model: Any, golden: Golden, reference: list[float]
) -> None:
    by_choice: dict[int, list[float]] = {}
    for (choice, _), score in zip(SPELLINGS, reference, strict=True):
        by_choice.setdefault(choice, []).append(score)
    expected = [max(scores) for _, scores in sorted(by_choice.items())]
    # [20, 31] counts where neither of its longer ones follows.
    longer = math.exp(reference[0]) + math.exp(reference[1])
    expected[2] = math.log(math.exp(reference[3]) - longer)
    generation = scored(native_model, golden, SPELLINGS)
    assert generation.choice_log_probabilities == pytest.approx(expected, abs=TOLERANCE)
    assert generation.choice == int(np.argmax(expected))
    # The order in which they are given says nothing.
    for order in itertools.islice(itertools.permutations(SPELLINGS), 0, 5000, 1234):
        again = scored(native_model, golden, list(order))
        assert again.choice_log_probabilities == pytest.approx(expected, abs=TOLERANCE)
        assert again.token_ids == generation.token_ids


def test_the_prompt_is_all_that_a_cache_holds_afterwards(native_model: Any, golden: Golden) -> None:
    tree = _native.ChoiceTree(
        SPELLINGS, vocab_size=len(golden.arrays["prefill_logits_last"]), end_ids=[1]
    )
    greedy = _native.GenerationConfig(max_new_tokens=24)
    prompt = _native.Prompt(token_ids=golden.prompt.token_ids, choices=tree)
    session = open_session(native_model, golden)
    first = session.generate(prompt, greedy)
    assert session.generate(golden.prompt, greedy).token_ids == golden.generated_ids
    again = session.generate(prompt, greedy)
    assert again.num_reused_tokens > first.num_reused_tokens
    assert again.choice_log_probabilities == pytest.approx(
        first.choice_log_probabilities, abs=TOLERANCE
    )
