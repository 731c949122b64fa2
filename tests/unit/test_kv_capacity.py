"""A question too long for the memory allowed is refused, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import SHORT
from ufvideo_sdk import CapacityError, ConfigError, GenerationConfig, RuntimeConfig, UFVideo

# Two layers, two tensors each, two heads of 16 float32: a block of 256 positions.
BLOCK_BYTES = 2 * 2 * 2 * 16 * 4 * 256
LONG = GenerationConfig(max_new_tokens=400)


@pytest.fixture
def tight(small_package: Path, video: Path) -> Any:
    """A session whose KV cache may take one block."""
    config = RuntimeConfig(kv_cache_bytes=BLOCK_BYTES)
    with UFVideo.load(small_package, runtime=config).open(video) as session:
        yield session


def test_a_prompt_that_does_not_fit_is_refused_before_it_runs(tight: Any, session: Any) -> None:
    before = tight.ask("Why?", config=SHORT)
    calls = tight.stats["language_model"].num_calls
    with pytest.raises(CapacityError, match=f"kv_cache_bytes: {BLOCK_BYTES}.* 768 positions") as e:
        tight.ask("Why? " * 120, config=SHORT)
    assert "bytes more" in str(e.value)
    assert "raise kv_cache_bytes, or ask something shorter, or fewer at once" in str(e.value)
    assert tight.stats["language_model"].num_calls == calls
    assert tight.ask("Why?", config=SHORT).token_ids == before.token_ids
    assert before.token_ids == session.ask("Why?", config=SHORT).token_ids


def test_an_answer_that_outgrows_it_is_refused_and_the_session_goes_on(tight: Any) -> None:
    """No reset: what the cache held stays, in every way of asking."""
    expected = tight.ask("Why?", config=SHORT)
    held = tight.memory_bytes()
    with pytest.raises(CapacityError, match="kv_cache_bytes"):
        tight.ask("Why?", config=LONG)
    with pytest.raises(CapacityError, match="kv_cache_bytes"):
        for _ in tight.stream("Why?", config=LONG):
            pass
    with pytest.raises(CapacityError, match="kv_cache_bytes"):
        tight.ask_many(["Why?", "How?"], config=LONG)
    assert tight.ask("Why?", config=SHORT).token_ids == expected.token_ids
    assert tight.memory_bytes() == held


def test_questions_at_once_take_turns_where_only_one_fits(tight: Any, session: Any) -> None:
    asked = ["Why?", "How does it move?", "Where?"]
    many = tight.ask_many(asked, config=SHORT)
    assert [a.token_ids for a in many] == [
        session.ask(question, config=SHORT).token_ids for question in asked
    ]


@pytest.mark.parametrize("value", [-1, True, 1.5, "1"])
def test_a_bound_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="kv_cache_bytes"):
        RuntimeConfig(kv_cache_bytes=value)
