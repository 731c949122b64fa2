"""Statistics of loading, reading, single tokens and memory, each beside another clock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.conftest import SHORT
from ufvideo_sdk import Ask, LoadStats, UFVideo
from ufvideo_sdk.package.manifest import STAGE_STEMS
from ufvideo_sdk.results.load_stats import LoadClock
from ufvideo_sdk.session.session import Session
from ufvideo_sdk.video.clip import Clip

DELAY_S = 0.02


class Slow:
    """Frames that take `DELAY_S` each to read."""

    name, is_image, files = "slow", False, ()
    height, width = 64, 96

    def __init__(self, num_frames: int) -> None:
        self.timestamps_s = np.arange(num_frames) / 4

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        for idx in frame_idxs:
            time.sleep(DELAY_S)
            yield np.full((self.height, self.width, 3), 6 * idx, np.uint8)


def test_the_phases_of_a_load_add_up_to_it(small_package: Path) -> None:
    begin = time.perf_counter()
    model = UFVideo.load(small_package)
    wall_ms = 1e3 * (time.perf_counter() - begin)
    stats = model.load_stats
    assert isinstance(stats, LoadStats)
    assert tuple(stats.phases_ms) == (
        "manifest",
        "libraries",
        "engines",
        "package",
        *STAGE_STEMS,
        "text",
    )
    total = sum(stats.phases_ms.values())
    assert 0.8 * stats.total_ms <= total <= stats.total_ms <= wall_ms
    assert all(ms > 0 for ms in stats.phases_ms.values())


def test_a_phase_of_known_length_shows_it() -> None:
    clock = LoadClock()
    for _ in range(2):
        with clock.phase("slow"):
            time.sleep(DELAY_S)
    stats = clock.stats()
    assert 2e3 * DELAY_S <= stats.phases_ms["slow"] <= stats.total_ms


def test_slow_frames_show_their_delay(model: Any) -> None:
    begin = time.perf_counter()
    session = Session(model._loaded, Clip(Slow(8)))
    wall_ms = 1e3 * (time.perf_counter() - begin)
    reading = session.stats["frame_reading"]
    assert (reading.num_calls, reading.num_items) == (1, 8)
    assert 8e3 * DELAY_S <= reading.total_ms <= session.stats["frame_wait"].total_ms <= wall_ms
    # The frames are kept: none is read again.
    session.segment("the ball", frames=[0, 3])
    assert session.stats["frame_reading"] == reading


def test_an_answer_counts_the_frames_read_for_its_masks(model: Any, video: Path) -> None:
    with model.open(video) as session:
        before = session.stats
        assert before["source_open"].num_calls == 1
        assert before["frame_wait"].total_ms > 0
        assert before["frame_reading"].num_items == 8
        answer = session.ask("Segment the ball.", segment_frames="all", config=SHORT)
        after = session.stats
        read = after["frame_reading"].num_items - before["frame_reading"].num_items
        if answer.masks:
            assert answer.stats.stages["frame_reading"].num_items == read > 0
        else:
            assert read == 0 and "frame_reading" not in answer.stats.stages


def test_an_array_is_read_in_no_time(model: Any) -> None:
    frames = np.zeros((8, 64, 96, 3), np.uint8)
    begin = time.perf_counter()
    with model.open(frames, fps=4.0) as session:
        wall_ms = 1e3 * (time.perf_counter() - begin)
        steps = ("source_open", "frame_wait", "resize", "vision_encoder", "aligner")
        stats = session.stats
        assert 0.5 * wall_ms < sum(stats[step].total_ms for step in steps) <= wall_ms


def test_each_token_has_its_time(model: Any, video: Path) -> None:
    with model.open(video) as session:
        begin = time.perf_counter()
        stats = session.ask("What is it?", config=SHORT).stats
        wall_ms = 1e3 * (time.perf_counter() - begin)
        assert len(stats.token_ms) == stats.num_generated_tokens
        assert stats.token_ms[0] == stats.time_to_first_token_ms
        assert sum(stats.token_ms[1:]) == pytest.approx(stats.decode_ms, rel=1e-12)
        assert sum(stats.token_ms) <= wall_ms
        # A choice is scored: its tokens take no steps.
        chosen = session.ask("Is it?", choices=["Yes", "No, it is not"]).stats
        assert chosen.token_ms[0] == chosen.time_to_first_token_ms > 0
        assert len(chosen.token_ms) == chosen.num_generated_tokens
        assert sum(chosen.token_ms[1:]) == chosen.decode_ms == 0


def test_each_token_of_a_batch_has_its_time(model: Any, video: Path) -> None:
    with model.open(video) as session:
        asked = ["What is it?", Ask("Is it?", choices=["Yes", "No, it is not"]), "Why?"]
        for answer in session.ask_many(asked, config=SHORT):
            stats = answer.stats
            assert len(stats.token_ms) == stats.num_generated_tokens
            assert stats.token_ms[0] == stats.time_to_first_token_ms
            assert sum(stats.token_ms[1:]) == pytest.approx(stats.decode_ms, rel=1e-12)


def test_memory_peaks_by_kind(small_package: Path, video: Path) -> None:
    model = UFVideo.load(small_package)
    with model.open(video) as session:
        session.ask("What is it?", config=SHORT)
        session.segment("the ball", frames=[0, 1])
        held = model.memory_use()
    after = model.memory_use()
    assert after.total_bytes == 0
    peaks = after.peak_bytes_by_kind
    assert peaks == {
        "kv_cache": held.kv_cache_bytes,
        "clip_features": held.clip_features_bytes,
        "region_cache": 0,
        "mask_cache": held.mask_cache_bytes,
        "pixel_cache": held.pixel_cache_bytes,
        "track_memory": 0,
    }
    assert sum(peaks.values()) >= after.peak_bytes
