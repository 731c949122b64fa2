"""What all sessions of a model hold together: counted, bounded, and given back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import SHORT
from ufvideo_sdk import CapacityError, ConfigError, MemoryUse, RuntimeConfig, UFVideo

FRAME_BYTES = 64 * 96 * 3


def loaded(package: Path, **bounds: Any) -> UFVideo:
    return UFVideo.load(package, runtime=RuntimeConfig(**bounds))


def test_everything_that_sessions_hold_is_counted(small_package: Path, video: Path) -> None:
    model = loaded(small_package)
    with model.open(video) as first, model.open(video) as second:
        first.ask("Why?", config=SHORT)
        second.segment("the ball", frames=[0, 1])
        use = model.memory_use()
        assert isinstance(use, MemoryUse)
        assert use.total_bytes == first.memory_bytes() + second.memory_bytes()
        parts = (
            use.kv_cache_bytes,
            use.clip_features_bytes,
            use.region_cache_bytes,
            use.mask_cache_bytes,
            use.pixel_cache_bytes,
        )
        assert sum(parts) == use.total_bytes <= use.peak_bytes
        # Eight frames of each clip, and two more on which masks were made.
        assert use.pixel_cache_bytes >= 16 * FRAME_BYTES
        assert use.budget_bytes is None
    assert model.memory_use().total_bytes == 0


def test_a_closed_session_and_its_answers_hold_no_pixels(small_package: Path, video: Path) -> None:
    model = loaded(small_package)
    session = model.open(video)
    answer = session.ask("Why?", config=SHORT)
    held = session.memory_bytes()
    assert model.memory_use().pixel_cache_bytes == 8 * FRAME_BYTES < held
    session.close()
    assert model.memory_use().pixel_cache_bytes == 0
    # The answer's clip reads its frames again, and keeps none.
    assert answer.clip.read([0, 1]).shape == (2, 64, 96, 3)
    assert model.memory_use().total_bytes == 0
    # As little is held if nobody closed it.
    dropped = model.open(video)
    answer = dropped.ask("Why?", config=SHORT)
    del dropped
    assert answer.clip.read([0]).shape == (1, 64, 96, 3)
    assert model.memory_use().total_bytes == 0


def test_pixels_of_all_clips_stay_within_their_setting(small_package: Path, video: Path) -> None:
    model = loaded(small_package, pixel_cache_bytes=5 * FRAME_BYTES)
    with model.open(video) as first:
        assert model.memory_use().pixel_cache_bytes == 5 * FRAME_BYTES
        with model.open(video) as second:
            # The later clip's frames are kept in place of the earlier one's.
            assert model.memory_use().pixel_cache_bytes == 5 * FRAME_BYTES
            assert first.ask("Why?", config=SHORT).text == second.ask("Why?", config=SHORT).text
    with loaded(small_package, pixel_cache_bytes=0).open(video) as session:
        assert len(session.segment("the ball", frames=[0])[0]) == 1


def test_a_session_without_room_is_refused_and_the_others_go_on(
    small_package: Path, video: Path
) -> None:
    with loaded(small_package).open(video) as alone:
        expected = alone.ask("Why?", config=SHORT).token_ids
        tracks = alone.segment("the ball", frames=[0, 1])
        held = alone.memory_bytes()
    model = loaded(small_package, memory_budget_bytes=held)
    with model.open(video) as first, model.open(video) as second:
        # For an answer the masks and pixels of both are evicted.
        assert first.segment("the ball", frames=[0, 1])[0].scores.tolist() == (
            tracks[0].scores.tolist()
        )
        assert second.ask("Why?", config=SHORT).token_ids == expected
        with pytest.raises(CapacityError, match="memory_budget_bytes"):
            while True:
                first.ask("Why? " * 50, config=SHORT)
                second.ask("Why? " * 300, config=SHORT)
        assert second.memory_bytes() > 0
        second.reset()
        assert first.ask("Why?", config=SHORT).token_ids == expected
        assert model.memory_use().peak_bytes <= held


def test_a_clip_that_finds_no_room_says_what_helps(small_package: Path, video: Path) -> None:
    with loaded(small_package).open(video) as alone:
        clip_bytes = alone.memory_bytes()
    with pytest.raises(CapacityError, match=r"^clip: ") as caught:
        loaded(small_package, memory_budget_bytes=1).open(video)
    assert str(caught.value).endswith("; raise memory_budget_bytes, or open a shorter clip")
    model = loaded(small_package, memory_budget_bytes=clip_bytes, pixel_cache_bytes=0)
    with model.open(video) as session:
        session.ask("Why?", config=SHORT)
        with pytest.raises(CapacityError) as caught:
            for _ in range(100):
                model.open(video)
    assert str(caught.value).endswith(
        "; close or reset sessions that are not needed, raise memory_budget_bytes, or open a"
        " shorter clip"
    )


def test_sessions_that_grow_at_once_never_pass_the_budget(small_package: Path, video: Path) -> None:
    with loaded(small_package).open(video) as alone:
        alone.ask("Why?", config=SHORT)
        budget = 4 * alone.memory_bytes()
    model = loaded(small_package, memory_budget_bytes=budget)
    outcomes: list[str] = []

    def work() -> None:
        try:
            with model.open(video) as session:
                session.segment("the ball", frames="all")
                session.ask_many(["Why?", "How? " * 40], config=SHORT)
            outcomes.append("done")
        except CapacityError:
            outcomes.append("refused")

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 16 and "done" in outcomes
    use = model.memory_use()
    assert use.peak_bytes <= budget and use.total_bytes == 0


@pytest.mark.parametrize("value", [-1, True, 1.5, "1"])
@pytest.mark.parametrize("name", ["memory_budget_bytes", "pixel_cache_bytes"])
def test_bounds_that_are_none_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        RuntimeConfig(**{name: value})
