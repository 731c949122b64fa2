"""What `ufvideo bench` measures of streams and tracks, beside a known delay."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import TIMES_MS
from tests.unit.written_videos import write_video
from ufvideo_sdk import Session, Stream, UFVideo
from ufvideo_sdk.bench import Workload
from ufvideo_sdk.bench.figures import TRACK_STEMS, figure_of
from ufvideo_sdk.bench.measured_round import Round
from ufvideo_sdk.bench.stream_workload import measure_stream
from ufvideo_sdk.bench.workload import run_round

DELAY_S = 0.05
WORKLOAD = Workload(max_new_tokens=8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", TIMES_MS)


def streamed(session: Session, model: UFVideo) -> Round:
    measured = Round()
    measure_stream(measured, model, session, WORKLOAD)
    return measured


def test_a_slow_push_shows_where_it_is_slow(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = UFVideo.load()
    with model.open(clip) as session:
        before = streamed(session, model).samples
        push = Stream.push

        def slow(*arguments: Any, **options: Any) -> None:
            time.sleep(DELAY_S)
            push(*arguments, **options)

        monkeypatch.setattr(Stream, "push", slow)
        after = streamed(session, model).samples
    delay_ms = 1e3 * DELAY_S
    num_pushes = len(before["push_ms"])
    # A window's pairs and one more, each the mean of its two frames.
    assert num_pushes == model.manifest.video.num_frames // 2 + 1
    assert min(after["push_ms"]) >= delay_ms
    assert after["stream_ms"][0] >= 2 * num_pushes * delay_ms
    for name in ("stream_ttft_ms", "stream_ttft_pair_ms", "stream_ttft_drop_ms"):
        assert after[name][0] < before[name][0] + 20 * delay_ms, name


def test_the_parts_of_a_stream_are_within_the_whole(clip: Path) -> None:
    model = UFVideo.load()
    with model.open(clip) as session:
        measured = streamed(session, model)
        again = streamed(session, model)
    samples = measured.samples
    asked = sum(samples[f"stream_ttft{part}_ms"][0] for part in ("", "_pair", "_drop"))
    assert 2 * sum(samples["push_ms"]) + asked <= samples["stream_ms"][0]
    assert measured.answers == again.answers
    for name in samples:
        assert figure_of(name).unit == "ms"


def test_tracking_is_measured_where_a_package_can_track(
    small_package_track: Path, clip: Path
) -> None:
    measured = run_round(UFVideo.load(small_package_track), str(clip), WORKLOAD)
    stages = sum(measured.samples[f"{stem}_ms"][0] for stem in TRACK_STEMS)
    assert 0 < stages < measured.samples["track_ms"][0] < measured.samples["round_ms"][0]
    assert "track" in measured.answers
    for name in measured.samples:
        assert figure_of(name).name == name
