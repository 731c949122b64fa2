"""The repetition penalty, against the processor of transformers step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import Golden
from ufvideo_sdk import _native

pytestmark = pytest.mark.torch

VIDEO_ID = -201


def reference(session: Any, model: Any, prompt_ids: list[int], penalty: float) -> list[int]:
    """Greedy ids of 24 steps, the logits changed by transformers' own class."""
    import torch
    from transformers import RepetitionPenaltyLogitsProcessor

    change = RepetitionPenaltyLogitsProcessor(penalty)
    media = prompt_ids.index(VIDEO_ID)
    embed = model.token_embedder.embed
    before, behind = embed(prompt_ids[:media]), embed(prompt_ids[media + 1 :])
    rows = np.concatenate([before, session.video_tokens, behind])
    cache = model.language_model.make_cache()
    seen = [i for i in prompt_ids if i != VIDEO_ID]
    answer: list[int] = []
    while len(answer) < 24:
        logits = model.language_model.run(np.ascontiguousarray(rows), cache).logits
        changed = change(torch.tensor([seen]), torch.from_numpy(logits.copy())[None])
        answer.append(int(changed[0].argmax()))
        seen.append(answer[-1])
        rows = embed(answer[-1:])
    return answer


@pytest.mark.parametrize("penalty", [1.0, 1.3, 5.0, 0.7])
def test_the_penalty_is_that_of_transformers(
    session: Any, native_model: Any, describing: Golden, penalty: float
) -> None:
    config = _native.GenerationConfig(max_new_tokens=24, repetition_penalty=penalty)
    ids = session.generate(describing.prompt, config).token_ids
    assert ids == reference(session, native_model, describing.prompt.token_ids, penalty)[: len(ids)]


def test_the_penalty_makes_a_difference(session: Any, describing: Golden) -> None:
    answers = {
        tuple(
            session.generate(
                describing.prompt,
                _native.GenerationConfig(max_new_tokens=24, repetition_penalty=penalty),
            ).token_ids
        )
        for penalty in (1.0, 5.0)
    }
    assert len(answers) == 2
