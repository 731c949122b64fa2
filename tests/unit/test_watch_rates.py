"""What a machine can watch, by arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.stream_rates import main
from benchmarks.watch_rates import watch_cost, watch_lines
from ufvideo_sdk import UFVideo
from ufvideo_sdk.bench import BenchConfig, measure
from ufvideo_sdk.watch import Rules

COSTS = {
    "push_ms": 2.0,
    "tpot_ms": 1.0,
    "stream_ttft_ms": 3.0,
    "stream_ttft_drop_ms": 13.0,
    "mask_encoder_ms": 4.0,
    "memory_attention_ms": 1.0,
    "track_decoder_ms": 1.0,
    "memory_encoder_ms": 1.0,
    "mask_resize_ms": 1.0,
}
TWO = "rules: {a: {yes_no: A?, every_s: 2}, b: {yes_no: B?, every_s: 2}}"


def test_questions_of_one_interval_share_the_window() -> None:
    cost = watch_cost(COSTS, Rules.parse(TWO), 5.0)
    assert cost.frames_ms == 10.0 and cost.tracks_ms == 0.0
    assert cost.questions_ms == ((13 + 7) + (3 + 7)) / 2
    apart = TWO.replace("B?, every_s: 2", "B?, every_s: 4")
    assert watch_cost(COSTS, Rules.parse(apart), 5.0).questions_ms == 20 / 2 + 20 / 4


def test_no_question_is_asked_more_often_than_there_are_pairs() -> None:
    often = "rules: {a: {yes_no: A?, every_s: 0.1}}"
    assert watch_cost(COSTS, Rules.parse(often), 1.0).questions_ms == 20 / 2


def test_tracks_cost_every_frame_and_a_question_each_half_second() -> None:
    rules = Rules.parse("rules: {a: {track: the car}, b: {track: the dog}}")
    assert watch_cost(COSTS, rules, 5.0).tracks_ms == 5 * (4 + 2 * 4) + 2 * 20 / 0.5
    with pytest.raises(ValueError, match="can track"):
        watch_cost({k: v for k, v in COSTS.items() if "memory" not in k}, rules, 5.0)


def test_cameras_fill_a_second() -> None:
    lines = list(watch_lines(COSTS, Rules.parse(TWO, name="two.yaml"), 5.0))
    assert lines[0].startswith("a second of one camera by two.yaml: 25.0 ms (frames 10.0")
    assert lines[1].startswith("cameras that it keeps up with: 40 (2 % of the machine each")


def test_command_prints_them_of_a_measurement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.yaml").write_text(TWO, encoding="utf-8")
    result = measure(UFVideo.load().package, config=BenchConfig(num_processes=1, num_rounds=1))
    result.save(tmp_path / "a.json")
    given = [str(tmp_path / "a.json"), "--rules", str(tmp_path / "two.yaml"), "--fps", "4"]
    assert main(given) == 0
    assert "a second of one camera by two.yaml" in capsys.readouterr().out
