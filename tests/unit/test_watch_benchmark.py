"""What the benchmark of watched cameras makes of its measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.latency.watch import clock as clock_section
from benchmarks.latency.watch import watched
from benchmarks.latency.watch.__main__ import NOT_QUICK, SECTIONS, main, parse
from benchmarks.latency.watch.change import change_summary, rules_of
from benchmarks.latency.watch.clock import (
    ClockLooks,
    clock_figures,
    numbered_frame,
    read_number,
    write_numbered,
)
from benchmarks.latency.watch.delay import Arrivals, delay_figures
from benchmarks.latency.watch.memory import MemoryLooks
from benchmarks.latency.watch.processor import processor_figures
from tests.watch.captured import HeldPackets, taken_to_end
from tests.watch.rtsp_server import needs_rtsp_server
from training.evaluate.watch.matching import Matches
from ufvideo_sdk import UFVideo
from ufvideo_sdk.watch.engine.facts import Frame
from ufvideo_sdk.watch.sources import TakenFrame, open_capture
from ufvideo_sdk.watch.sources.options import CaptureOptions


def test_numbers_are_read_from_a_decoded_file(tmp_path: Path) -> None:
    assert [read_number(numbered_frame(number)) for number in (0, 1, 1234, 4095)] == [
        *(0, 1, 1234, 4095)
    ]
    write_numbered(tmp_path / "n.mp4", 3)
    capture = open_capture(tmp_path / "n.mp4", CaptureOptions(sample_fps=25))
    frames = taken_to_end(capture).frames
    capture.close()
    assert [read_number(frame.pixels) for frame in frames] == list(range(75))


def looks(stream_s: list[float], wall_s: list[float | None]) -> ClockLooks:
    found = ClockLooks(stream_s=stream_s, wall_s=wall_s)
    found.camera_s = [0.04 * number for number in range(len(stream_s))]
    return found


def test_an_offset_is_no_error_of_a_clock_and_drift_is() -> None:
    steady = looks([100 + 0.04 * n for n in range(50)], [None] * 50)
    assert max(steady.error_s(steady.stream_s)) < 1e-9
    drifting = looks([0.05 * n for n in range(51)], [None] * 51)
    assert max(drifting.error_s(drifting.stream_s)) == pytest.approx(0.25)
    assert drifting.error_s(drifting.wall_s) == []
    assert clock_section._figure("a", [], "none").verdict == "not measured"


def test_times_of_day_count_only_where_the_camera_told_them() -> None:
    found = ClockLooks()
    for number, clock in ((0, "arrival"), (1, "camera")):
        pixels = numbered_frame(number)
        found.add(TakenFrame(0.04 * number, 1000.0 + 0.04 * number, clock, pixels, 0, number))
    assert found.wall_s == [None, 1000.04] and found.camera_s == [0.0, 0.04]


def test_arrivals_are_noted_and_passed_on(tmp_path: Path) -> None:
    write_numbered(tmp_path / "n.mp4", 1)
    held = HeldPackets()
    arrivals = Arrivals(held)
    capture = open_capture(tmp_path / "n.mp4", CaptureOptions(sample_fps=25), arrivals)
    frames = taken_to_end(capture).frames
    capture.close()
    assert {frame.time_s for frame in frames} <= set(arrivals.at_s)
    assert len(held.packets) == 25 and len(held.headers) == 1


def matches(num_right: int, num_wrong: int = 0) -> Matches:
    return Matches(10, num_right, num_wrong, 0, (1.0,) * num_right)


def test_fewer_questions_must_find_as_much() -> None:
    asked, recall, *_ = change_summary((100, matches(10)), (40, matches(10)), "")
    assert asked.value == 0.4 and asked.holds and recall.value == 1.0 and recall.holds
    asked, recall, *_ = change_summary((100, matches(10)), (90, matches(9)), "")
    assert not asked.holds and not recall.holds
    assert len(rules_of("every_s: 1").rules) == 4


def test_memory_is_looked_at_by_stream_time() -> None:
    found = MemoryLooks()
    for number in range(100):
        found.frame(Frame(number, number / 2))
    assert found.times_s == [0.0, 20.0, 40.0]
    assert np.all(np.array(found.held_bytes) > 0)


def test_sections_can_be_chosen() -> None:
    assert parse(["--only", "rate", "--only", "clock"]).only == ["rate", "clock"]
    assert set(NOT_QUICK) < set(SECTIONS)
    with pytest.raises(SystemExit):
        parse(["--minutes", "0.1"])


@needs_rtsp_server()
@pytest.mark.slow
def test_live_sections_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (watched, clock_section):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    model = UFVideo.load()
    figures = delay_figures(model, 8.0) + processor_figures(model, 2.0) + clock_figures(8.0)
    values = {figure.name: figure.value for figure in figures}
    p50, p99 = (values[f"a picture's arrival to an answer about it, p{n}, s"] for n in (50, 99))
    # A machine that is busy enough answers nothing in time.
    assert (p50 is None) == (p99 is None) and (p50 is None or p99 is None or 0 < p50 <= p99)
    shares = [values[f"processor time, {name}, of one core"] for name in ("idle", "asking")]
    assert all(share is not None and 0 <= share < 4 for share in shares)
    error_s = values["error of the stream time against the camera's own clock, p95, s"]
    # Times of a stream are those of its timestamps, however late a busy machine takes them.
    assert error_s is not None and error_s < 0.005


@pytest.mark.slow
def test_benchmark_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "FOLDER", tmp_path)
    status = main(["--quick", "--only", "rate", "--only", "change"])
    output = capsys.readouterr().out
    assert "questions on change / by the clock" in output
    assert "all rules" in output and "frames alone" in output
    assert status in (0, 1) and output.rstrip().splitlines()[-1].startswith(("every", "1 of"))
