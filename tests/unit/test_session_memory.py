"""Two hundred questions of all kinds leave as much memory as they found."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import SHORT
from ufvideo_sdk import (
    Ask,
    GenerationConfig,
    InputError,
    Region,
    RuntimeConfig,
    TextEvent,
    UFVideo,
)

pytestmark = pytest.mark.slow

NUM_KINDS = 9
NUM_FIRST = 20 * NUM_KINDS
MAX_GROWTH_BYTES = 4 << 20
THINGS = ("the ball", "a red square", "something that moves to the left", "it")


def ask(session: Any, number: int) -> None:
    """One question; its kind, words, frames and settings depend on its number."""
    thing = f"{THINGS[number % len(THINGS)]} {number}"
    frame = number * 7 % 40
    left = number % 60
    box = Region.from_box(frame, (left, 5, 20, 20), height=64, width=96)
    other = Region.from_box((frame + 11) % 40, (0, left % 30, 30, 10), height=64, width=96)
    kind = number % NUM_KINDS
    if kind == 0:
        session.ask(f"What does {thing} do?", config=SHORT)
    elif kind == 1:
        session.ask("What is <region> beside <region>?", regions=[box, other], config=SHORT)
    elif kind == 2:
        session.segment(thing, frames=[frame, (frame + 3) % 40])
    elif kind == 3:
        session.segment(thing, frames="all")
    elif kind == 4:
        session.locate(thing, config=SHORT)
    elif kind == 5:
        sampling = GenerationConfig(max_new_tokens=20, temperature=1.0, seed=number)
        answer = session.ask("Segment it.", segment_frames=[frame], config=sampling)
        session.ask("Why?", history=[("Segment it.", answer)], config=SHORT)
    elif kind == 6:
        stream = session.stream(f"Where is <region>, {thing}?", regions=[box], config=SHORT)
        next(stream)
        if number % 3:
            stream.close()
    elif kind == 7:
        stop_or_fail(session, thing)
    else:
        asks = [f"Where is {thing}?", Ask("What is <region>?", regions=[box]), "Why?"]
        session.ask_many(asks, config=SHORT)


def stop_or_fail(session: Any, thing: str) -> None:
    def cancel(_: TextEvent) -> None:
        session.cancel()

    session.ask(f"Is {thing} there?", config=SHORT, on_text=cancel)
    with pytest.raises(InputError):
        session.ask("What is <region>?")


def test_two_hundred_questions_do_not_grow_memory(small_package: Path, video: Path) -> None:
    """Caches are far smaller than what the questions touch, so that they turn over all the time."""
    psutil = pytest.importorskip("psutil")
    bounds = {
        "mask_cache_bytes": 300_000,
        "region_cache_bytes": 60_000,
        "pixel_cache_bytes": 10 * 64 * 96 * 3,
    }
    session = UFVideo.load(small_package, runtime=RuntimeConfig(**bounds)).open(video)

    def rss_after(numbers: range) -> int:
        for number in numbers:
            ask(session, number)
        gc.collect()
        # What the allocator keeps free for the next one depends on the tests before.
        ctypes.CDLL(None).malloc_trim(0)
        return int(psutil.Process().memory_info().rss)

    # The allocators' own pools still grow during the first hundred, then nothing does.
    before = rss_after(range(NUM_FIRST))
    held = session.memory_bytes()
    after = rss_after(range(NUM_FIRST, NUM_FIRST + 200))
    growth = after - before
    assert growth < MAX_GROWTH_BYTES, f"grew by {growth / 2**20:.1f} MiB"
    # Each time, the caches are full and the KV cache has its longest question behind it.
    assert session.memory_bytes() == held
    items = {stem: stats.num_items for stem, stats in session.stats.items()}
    assert items["vision_encoder"] > 8 and items["mask_encoder"] > 40, "caches turned over"
