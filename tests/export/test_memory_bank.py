"""Which frames SAM 2's memory looks back at, beside a plain reading of the released code's rule."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from ufvideo_export.torch_model.memory_bank import MemoryBank, MemoryRules
from ufvideo_sdk.errors import ConfigError

RULES = MemoryRules(num_memories=7, max_object_pointers=16)


def filled(rules: MemoryRules, num_frames: int, prompted: Iterable[int]) -> MemoryBank[int]:
    """A bank that was given frames 0, 1, 2 ..."""
    bank: MemoryBank[int] = MemoryBank(rules)
    for number in range(num_frames):
        bank.add(number, prompted=number in prompted)
    return bank


def released(
    rules: MemoryRules, now: int, prompted: list[int]
) -> tuple[list[tuple[int, int]], list[int]]:
    """The rule over all frames there were, nothing forgotten: memories with ages, pointers."""
    kept = sorted(prompted)[-(rules.max_prompted or len(prompted)) :]
    used = rules.used_memories or rules.num_memories
    memories = [(number, rules.num_memories - 1) for number in kept]
    for offset in range(used - 1, 0, -1):
        number = now - offset
        if number >= 0 and number not in kept:
            memories.append((number, offset - 1))
    pointers = list(kept)
    for offset in range(1, rules.max_object_pointers):
        number = now - offset
        if number >= 0 and number not in kept:
            pointers.append(number)
    return memories, pointers


def test_one_prompt_long_ago() -> None:
    bank = filled(RULES, 40, [0])
    assert bank.memories() == [(0, 6), (34, 5), (35, 4), (36, 3), (37, 2), (38, 1), (39, 0)]
    assert bank.pointers() == [0, *range(39, 24, -1)]


def test_the_first_frames() -> None:
    assert filled(RULES, 0, []).is_empty
    assert not filled(RULES, 1, [0]).is_empty
    assert filled(RULES, 1, [0]).memories() == [(0, 6)]
    assert filled(RULES, 1, [0]).pointers() == [0]
    assert filled(RULES, 3, [0]).memories() == [(0, 6), (1, 1), (2, 0)]
    assert filled(RULES, 3, [0]).pointers() == [0, 2, 1]


def test_a_prompt_within_the_window_leaves_its_place_empty() -> None:
    bank = filled(RULES, 24, [0, 21])
    assert bank.memories() == [(0, 6), (21, 6), (18, 5), (19, 4), (20, 3), (22, 1), (23, 0)]
    assert bank.pointers() == [0, 21, 23, 22, *range(20, 8, -1)]


def test_prompts_that_are_not_kept_are_plain_frames() -> None:
    rules = MemoryRules(num_memories=7, max_object_pointers=16, max_prompted=1)
    bank = filled(rules, 24, [0, 20, 21])
    assert bank.memories() == [(21, 6), (18, 5), (19, 4), (20, 3), (22, 1), (23, 0)]
    assert bank.pointers() == [21, 23, 22, *range(20, 8, -1)]


def test_fewer_memories_narrow_the_window_of_features_alone() -> None:
    one = MemoryRules(num_memories=7, max_object_pointers=16, used_memories=1)
    assert filled(one, 9, [0]).memories() == [(0, 6)]
    assert len(filled(one, 9, [0]).pointers()) == 9
    three = MemoryRules(num_memories=7, max_object_pointers=16, used_memories=3)
    assert filled(three, 9, [0]).memories() == [(0, 6), (7, 1), (8, 0)]


def test_any_prompts_are_as_the_released_rule_says() -> None:
    drawn = random.Random(7)
    for _ in range(300):
        rules = MemoryRules(
            num_memories=7,
            max_object_pointers=drawn.choice([2, 5, 16]),
            used_memories=drawn.choice([None, 1, 2, 7]),
            max_prompted=drawn.choice([None, 1, 2, 4]),
        )
        prompted = [0, *(n for n in range(1, 50) if drawn.random() < 0.15)]
        bank: MemoryBank[int] = MemoryBank(rules)
        for now in range(50):
            if now:
                past = [number for number in prompted if number < now]
                memories, pointers = released(rules, now, past)
                assert bank.memories() == memories
                assert bank.pointers() == pointers
                assert len(memories) <= len(past[-(rules.max_prompted or now) :]) + 6
            bank.add(now, prompted=now in prompted)


def test_it_forgets_what_no_frame_sees_again() -> None:
    bank = filled(RULES, 1000, [0, 500])
    assert len(bank._recent) == 15 and len(bank._prompted) == 2


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"used_memories": 0}, "used_memories to be 1 to 7, found 0"),
        ({"used_memories": 8}, "used_memories to be 1 to 7, found 8"),
        ({"max_prompted": 0}, "max_prompted to be at least 1, found 0"),
    ],
)
def test_numbers_that_are_refused(chosen: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        MemoryRules(num_memories=7, max_object_pointers=16, **chosen)
