"""`ufvideo bench` in processes of its own, each figure beside another clock."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.slow_package import slow_package
from ufvideo_sdk import (
    CancelledError,
    CapacityError,
    ConfigError,
    InferenceError,
    InputError,
    PackageError,
    PackageVersionError,
    Session,
    StopReason,
    UFVideo,
    UFVideoError,
)
from ufvideo_sdk.bench import BenchConfig, BenchResult, Workload, measure, steadiness
from ufvideo_sdk.bench.figures import FIGURES, LOAD_PHASES, MEMORY_KINDS, TRACK_STEMS
from ufvideo_sdk.bench.result import SCHEMA_FILE
from ufvideo_sdk.bench.sampler import Sampler
from ufvideo_sdk.bench.worker_process import _Events, run_worker
from ufvideo_sdk.bench.workload import Round, _cancel, run_round

BENCH = BenchConfig(
    num_processes=2, num_rounds=2, num_threads=1, workload=Workload(max_new_tokens=8)
)


@pytest.fixture(scope="module")
def measured(tiny_clip: Path) -> tuple[BenchResult, float]:
    """Nano measured, and the wall time of it in seconds."""
    begin = time.perf_counter()
    result = measure(None, tiny_clip, config=BENCH)
    return result, time.perf_counter() - begin


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.unit.conftest import TIMES_MS
    from tests.unit.written_videos import write_video

    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", TIMES_MS)


def process_of(result: BenchResult, number: int = 0) -> dict[str, Any]:
    return result.document["results"][0]["processes"][number]  # type: ignore[no-any-return]


def test_every_figure_is_measured(measured: tuple[BenchResult, float]) -> None:
    result, _ = measured
    # No device here, and energy only where a board tells.
    missing = {figure.name for figure in FIGURES} - set(result) - {"peak_device_memory_bytes"}
    # An answer that ends before its cancel is no sample, and nano may not track.
    tracking = {name for name in missing if any(stem in name for stem in (*TRACK_STEMS, "track"))}
    assert missing - tracking <= {"cancel_ms"}
    assert result["ttft_ms"].n == BENCH.num_processes * BENCH.num_rounds
    assert result["load_cold_ms"].n == result["peak_memory_bytes"].n == BENCH.num_processes
    assert result["ttft_ms"].p50 is None  # of 4 samples


def test_the_document_is_as_its_schema_says(measured: tuple[BenchResult, float]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(measured[0].to_json())
    validator.validate(document)
    del document["results"][0]["processes"][0]["samples"]
    assert not validator.is_valid(document)


def test_the_parts_add_up_to_the_whole(measured: tuple[BenchResult, float]) -> None:
    result, wall_s = measured
    for process in result.document["results"][0]["processes"]:
        samples = process["samples"]
        for when in ("cold", "warm"):
            named = [f"load_{when}_{phase}_ms" for phase in LOAD_PHASES]
            phases = sum(samples[name][0] for name in named if name in samples)
            (whole,) = samples[f"load_{when}_ms"]
            assert 0.8 * whole <= phases <= whole
        for i in range(BENCH.num_rounds):
            first = samples["open_to_first_token_ms"][i]
            assert first == pytest.approx(samples["open_ms"][i] + samples["ttft_ms"][i])
            # TPOT and TTFT beside the call's own clock.
            assert samples["ttft_ms"][i] <= samples["e2el_ms"][i]
            opening = samples["source_open_ms"][i] + samples["frame_wait_ms"][i]
            assert opening + samples["aligner_ms"][i] <= samples["open_ms"][i]
            calls = ("open", "e2el", "e2el_second", "e2el_decode", "e2el_region")
            tasks = ("ask_many", "ask_each", "locate", "segment", "track", "stream")
            whole = samples["round_ms"][i]
            assert (
                # The answer that is cancelled is in none of them.
                0.7 * whole <= sum(samples[f"{call}_ms"][i] for call in (*calls, *tasks)) <= whole
            )
            rounds = process["rounds"][i]
            assert whole == pytest.approx(1e3 * (rounds["end_s"] - rounds["begin_s"]), rel=0.05)
        spent_s = sum(each["round_ms"] for each in process["rounds"]) / 1e3
        assert spent_s < wall_s
    assert result["decode_tokens_per_s"].min == pytest.approx(1e3 / result["tpot_ms"].max)
    assert result["itl_ms"].n >= result["tpot_ms"].n


def test_answers_are_those_of_the_public_calls(
    measured: tuple[BenchResult, float], tiny_clip: Path
) -> None:
    again = run_round(UFVideo.load(), str(tiny_clip), BENCH.workload)
    for process in measured[0].document["results"][0]["processes"]:
        assert process["answers"] == again.answers
        assert process["answers_vary"] == []


def test_memory_is_what_the_system_and_the_budget_count(
    measured: tuple[BenchResult, float],
) -> None:
    samples = process_of(measured[0])["samples"]
    names = [f"peak_{kind}_bytes" for kind in MEMORY_KINDS]
    by_kind = sum(samples[name][0] for name in names if name in samples)
    assert 0 < samples["peak_sessions_bytes"][0] <= by_kind
    assert samples["peak_sessions_bytes"][0] < samples["peak_memory_bytes"][0] < 4 << 30


def test_energy_says_that_it_is_not_measured_or_names_rails(
    measured: tuple[BenchResult, float],
) -> None:
    energy = measured[0].document["energy"]
    assert (energy["not_measured"] is None) == bool(energy["rails"])
    if energy["not_measured"]:
        assert energy["not_measured"].startswith("not measured: ")


DELAY_S = 0.1


class Slowed:
    """Rounds in which every call of one function takes longer by a known time."""

    def __init__(self, patch: pytest.MonkeyPatch, clip: Path) -> None:
        self._patch = patch
        self._clip = clip

    def least_ms(self, owner: Any, name: str) -> tuple[dict[str, float], dict[str, float]]:
        """The least of each figure, as it is and slowed: noise only makes it more."""
        model = UFVideo.load()
        before = self._least(model)
        original = getattr(owner, name)

        def slow(*arguments: Any, **options: Any) -> Any:
            time.sleep(DELAY_S)
            return original(*arguments, **options)

        with self._patch.context() as patch:
            patch.setattr(owner, name, slow)
            return before, self._least(model)

    def _least(self, model: UFVideo) -> dict[str, float]:
        rounds = [run_round(model, str(self._clip), BENCH.workload) for _ in range(3)]
        return {
            name: min(value for each in rounds for value in each.samples[name])
            for name in rounds[0].samples
            if all(name in each.samples for each in rounds)
        }


@pytest.fixture
def slowed(monkeypatch: pytest.MonkeyPatch, tiny_clip: Path) -> Slowed:
    return Slowed(monkeypatch, tiny_clip)


def test_a_slow_source_shows_where_it_is_slow(slowed: Slowed) -> None:
    import ufvideo_sdk.model as model_module

    before, after = slowed.least_ms(model_module, "open_source")
    delay_ms = 1e3 * DELAY_S
    for name in ("source_open_ms", "open_ms", "open_to_first_token_ms", "round_ms"):
        assert delay_ms <= after[name], name
    for name in ("ttft_ms", "tpot_ms", "vision_encoder_ms", "frame_reading_ms", "e2el_ms"):
        assert after[name] < before[name] + 0.9 * delay_ms, name


def test_slow_frames_show_where_they_are_slow(slowed: Slowed) -> None:
    from ufvideo_sdk.video import video_file

    # Once a frame that is read.
    before, after = slowed.least_ms(video_file.PictureMaker, "picture")
    delay_ms = 1e3 * DELAY_S
    assert delay_ms <= after["frame_reading_ms"] <= before["frame_reading_ms"] + 2 * delay_ms
    assert 4 * delay_ms <= after["frame_wait_ms"] <= after["open_ms"]
    for name in ("ttft_ms", "vision_encoder_ms", "source_open_ms"):
        assert after[name] < before[name] + 0.9 * delay_ms, name


def test_slow_calls_show_in_the_batch_one_by_one(slowed: Slowed) -> None:
    before, after = slowed.least_ms(Session, "ask")
    delay_ms = 1e3 * DELAY_S
    num_questions = len(BENCH.workload.batch)
    assert num_questions * delay_ms <= after["ask_each_ms"]
    assert after["ask_many_ms"] < before["ask_many_ms"] + 0.9 * delay_ms


class Answering:
    """A session whose answers go on for a known time after their cancel, or end by themselves."""

    def __init__(self, after_cancel_s: float | None) -> None:
        self._after_cancel_s = after_cancel_s

    def ask(self, question: str, *, on_text: Any, cancel: Any, **_: Any) -> Any:
        if self._after_cancel_s is None:
            return SimpleNamespace(stop_reason=StopReason.END)
        on_text(None)
        while not cancel.is_cancelled:
            time.sleep(0.001)
        time.sleep(self._after_cancel_s)
        return SimpleNamespace(stop_reason=StopReason.CANCELLED)


def test_a_cancel_is_timed_until_the_call_returns() -> None:
    round_ = Round()
    session: Any = Answering(DELAY_S)
    _cancel(round_, session, BENCH.workload)
    (ms,) = round_.samples["cancel_ms"]
    assert 1e3 * DELAY_S <= ms < 5e3 * DELAY_S
    session = Answering(None)
    _cancel(round_, session, BENCH.workload)
    assert len(round_.samples["cancel_ms"]) == 1


def test_memory_that_stays_shows_as_growth(measured: tuple[BenchResult, float]) -> None:
    for process in measured[0].document["results"][0]["processes"]:
        held = process["samples"]["resident_memory_bytes"]
        assert process["samples"]["memory_growth_bytes"] == [held[-1] - held[0]]
        assert max(held) <= process["samples"]["peak_memory_bytes"][0]


def test_a_slow_stage_shows_where_it_is_slow(tmp_path: Path, tiny_clip: Path) -> None:
    """The graph itself is slow; by how much is known from running it alone."""
    fast = UFVideo.load()
    slow = UFVideo.load(
        slow_package(tmp_path, "mask_encoder", "high_res_features_0", num_copies=64, num_pairs=40)
    )
    size = fast.manifest.video.mask_size_px
    frame = np.zeros((1, size, size, 3), np.uint8)

    def alone_ms(model: UFVideo) -> float:
        times = []
        for _ in range(8):
            begin = time.perf_counter()
            model._loaded.native.mask_encoder.encode(frame)
            times.append(1e3 * (time.perf_counter() - begin))
        return min(times)

    known_ms = alone_ms(slow) - alone_ms(fast)
    rounds = {
        model: [run_round(model, str(tiny_clip), BENCH.workload) for _ in range(3)]
        for model in (fast, slow)
    }

    def added(figure: str) -> float:
        least = [min(each.samples[figure][0] for each in rounds[model]) for model in (slow, fast)]
        return least[0] - least[1]

    assert known_ms > 10
    # Other work on the machine only adds to it.
    frames = BENCH.workload.num_mask_frames
    assert 0.4 * known_ms < added("mask_encoder_ms")
    assert 0.4 * frames * known_ms < added("segment_ms")
    assert abs(added("vision_encoder_ms")) < 0.5 * known_ms


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """An image, whose rounds are short."""
    path = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), (200, 120, 40)).save(path)
    return path


class WatchedSampler(Sampler):
    """A sampler that tells which process it watches."""

    pid = 0

    def watch_process(self, pid: int | None) -> None:
        super().watch_process(pid)
        self.pid = self.pid if pid is None else pid


def test_a_process_that_is_slowed_half_way_says_so(picture: Path) -> None:
    """From the middle of the run on it is stopped for four fifths of the time."""
    duration_s = 8.0
    workload = Workload(batch=("What?",), num_mask_frames=1, max_new_tokens=2, num_decode_tokens=2)
    job = {
        "package": str(UFVideo.load().package),
        "source": str(picture),
        "runtime": {"providers": ["cpu"], "num_threads": 1},
        "drop_page_cache": False,
        "num_rounds": 1,
        "duration_s": duration_s,
        "workload": asdict(workload),
    }
    over, begun = threading.Event(), threading.Event()

    def slow_down(sampler: WatchedSampler) -> None:
        begun.wait()
        # The process ends by its own clock, a moment after this one.
        if over.wait(duration_s / 2):
            return
        end_s = time.monotonic() + duration_s / 2
        while not over.wait(0.01) and time.monotonic() < end_s:
            with suppress(ProcessLookupError):
                os.kill(sampler.pid, signal.SIGSTOP)
                time.sleep(0.04)
                os.kill(sampler.pid, signal.SIGCONT)

    with WatchedSampler([]) as sampler:
        slowing = threading.Thread(target=slow_down, args=(sampler,))
        slowing.start()
        try:
            record = run_worker(job, sampler, begun.set)
        finally:
            over.set()
            begun.set()
            slowing.join()
    found = steadiness(record)
    assert found is not None and found.verdict == "slower", found
    assert found.change > 0.3


def test_a_worker_that_fails_says_why(tmp_path: Path, tiny_clip: Path) -> None:
    with pytest.raises(InputError, match="package: expected a folder"):
        measure(tmp_path / "none", tiny_clip)
    with pytest.raises(InputError, match="source: expected a file or a folder"):
        measure(None, tmp_path / "none.mp4")
    (tmp_path / "package").mkdir()
    with pytest.raises(PackageError, match=r"manifest\.json"):
        measure(tmp_path / "package", tiny_clip, config=BENCH)


def test_settings_are_refused_before_anything_is_measured(
    tiny_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufvideo_sdk.bench.run.run_worker", lambda *_: pytest.fail("measured"))
    config = BenchConfig(num_processes=1, providers=(("cpu",), ("abacus",)), idle_s=0)
    with pytest.raises(ConfigError, match="abacus"):
        measure(None, tiny_clip, config=config)


def test_an_error_of_a_worker_keeps_its_class() -> None:
    for family in (CancelledError, CapacityError, ConfigError, PackageVersionError, UFVideoError):
        told = {"event": "failed", "error": family.__name__, "message": "why"}
        with pytest.raises(family, match="why") as caught:
            _Events().add(told)
        assert type(caught.value) is family
    with pytest.raises(InferenceError, match="why"):
        _Events().add({"event": "failed", "error": "SomeOtherError", "message": "why"})
