"""What the benchmark of streams makes of its measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.latency.stream.__main__ import main
from benchmarks.latency.stream.growth import Growth, growth_figure, slope_per_hour
from benchmarks.latency.stream.objects import STAGES, ObjectsCost, objects_figure
from benchmarks.latency.stream.windows import (
    WindowCost,
    WindowKind,
    kinds_of,
    measure_window,
    window_figures,
)
from benchmarks.stream_rates import rate_lines, tracked_frame_ms
from ufvideo_sdk import UFVideo


def window(num_frames: int, *, push_ms: float = 10.0, warm_ms: float = 11.0) -> WindowCost:
    return WindowCost(
        WindowKind(num_frames, prefixes=2),
        push_ms=[push_ms - 5, push_ms + 5],
        after_pair_ms=[20.0, 20.0],
        warm_ms=[warm_ms, warm_ms],
        open_ms=[100.0],
        first_ms=[50.0],
        second_ms=[10.0],
    )


def test_a_push_is_held_against_a_window_of_16() -> None:
    push, warm, pair, drop = window_figures(window(16))
    assert push.value == pytest.approx(10.0) and push.limit == 8.0 and push.holds
    assert warm.value == pytest.approx(1.1) and warm.holds
    assert pair.value == pytest.approx(0.4) and pair.limit is None
    assert drop.verdict == "not measured"
    assert not window_figures(window(16, push_ms=13.0))[0].holds
    assert window_figures(window(8, push_ms=50.0))[0].limit is None
    assert not window_figures(window(32, warm_ms=12.5))[1].holds
    assert [str(kind) for kind in kinds_of(16)] == [
        "16 frames, drops 1",
        "16 frames, drops 4",
        "16 frames, 2 prefixes",
    ]


def test_a_frame_is_held_against_the_sum_of_its_stages() -> None:
    cost = ObjectsCost(4, frame_ms=[53.0])
    for name, ms in zip(STAGES, (10.0, 6.0, 2.0, 2.0), strict=True):
        cost.stage_ms[name] = [ms]
    figure = objects_figure(cost)
    assert cost.stages_sum_ms == pytest.approx(50.0)
    assert figure.value == pytest.approx(1.06) and not figure.holds
    cost.frame_ms = [52.0]
    assert objects_figure(cost).holds


def test_growth_is_that_behind_the_first_sixth() -> None:
    times_s = [60.0 * minute for minute in range(61)]
    values = [5e6 * min(minute, 10) + 8e3 * minute for minute in range(61)]
    assert slope_per_hour(times_s, values) == pytest.approx(480e3)
    assert growth_figure(Growth(times_s, [round(value) for value in values])).holds
    steep = [round(3 * value) for value in values]
    assert not growth_figure(Growth(times_s, steep)).holds


def test_rates_follow_from_costs() -> None:
    costs = {"push_ms": 20.0, "tpot_ms": 10.0, "mask_encoder_ms": 30.0, "mask_resize_ms": 1.0}
    costs |= {"stream_ttft_ms": 5.0, "stream_ttft_pair_ms": 15.0, "stream_ttft_drop_ms": 90.0}
    lines = list(rate_lines(costs, 12))
    assert lines[1] == "frames that a stream can take: 50.0 a second (20.0 ms a frame)"
    assert lines[4] == "an answer of 12 tokens about a window that moved on: every 0.20 s"
    assert lines[-1] == "tracking: the package cannot track"
    costs |= {"memory_attention_ms": 6.0, "track_decoder_ms": 2.0, "memory_encoder_ms": 1.0}
    assert tracked_frame_ms(costs, 2) == pytest.approx(50.0)
    two = list(rate_lines(costs, 12))[-3]
    assert two == "frames with 2 objects tracked: 20.00 a second (50.0 ms)"


def test_it_runs_whole(small_package_track: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So small a model has one window, of which neither verdict is sure."""
    sizes = ["--quick", "--rounds", "1", "--minutes", "3", "--threads", "1", "--cpu-time"]
    status = main([str(small_package_track), *sizes])
    out = capsys.readouterr().out
    assert "a frame with 2 objects" in out and "memory growth in an hour" in out
    assert ("every floor measured holds" in out) is (status == 0)
    with pytest.raises(SystemExit):
        main([str(small_package_track), "--cpu-time", "--threads", "2"])


def test_a_window_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    cost = measure_window(UFVideo.load(), WindowKind(8), 1)
    assert len(cost.push_ms) == len(cost.warm_ms) == 4
    assert len(cost.after_drop_ms) == 4 and not cost.after_pair_ms
    assert len(cost.open_ms) == len(cost.second_ms) == 1
