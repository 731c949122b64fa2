"""Workers of benchmarks end with their benchmark, and only what was cancelled is a cancel."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.export_memory import peak_anonymous_bytes
from benchmarks.full_size.watched import watch
from benchmarks.latency.peers.session_tasks import cancelled_delays
from ufvideo_sdk.bench.child_process import WorkerProcess

ROUNDS = """
import sys, time
from ufvideo_sdk.bench.child_process import serve
told = sys.argv[1]
def run_round():
    if told == "hang":
        time.sleep(60)
    if told == "fail":
        raise SystemExit(3)
    return {"told": told}
sys.exit(serve(run_round))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "pretended_worker.py").write_text(ROUNDS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    return "pretended_worker"


def test_rounds_until_the_block_ends(module: str) -> None:
    with WorkerProcess(module, "it", 1) as worker:
        assert [worker.round() for _ in range(2)] == [{"told": "it"}] * 2
    assert worker._process.returncode == 0


def test_a_worker_that_ends_is_named(module: str) -> None:
    expected = "pretended_worker ended with exit status 3"
    with pytest.raises(RuntimeError, match=expected), WorkerProcess(module, "fail", 1) as worker:
        worker.round()
    assert worker._process.returncode == 3


def test_a_failed_benchmark_leaves_no_worker(module: str) -> None:
    """Even one in the middle of a round, which it would go on with for a minute."""
    begin = time.perf_counter()
    with pytest.raises(KeyError), WorkerProcess(module, "hang", 1) as worker:
        assert worker._process.stdin is not None
        worker._process.stdin.write("round\n")
        worker._process.stdin.flush()
        raise KeyError
    assert worker._process.returncode == -9 and time.perf_counter() - begin < 50


@pytest.mark.parametrize("watched", ["export", "full size"])
def test_what_watches_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: str
) -> None:
    started: list[subprocess.Popen[str]] = []
    real = subprocess.Popen

    def popen(*arguments: object, **options: object) -> subprocess.Popen[str]:
        started.append(real(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.Popen", popen)
    monkeypatch.setattr("time.sleep", interrupt)
    code = ["-c", "import threading; threading.Event().wait(60)"]
    with pytest.raises(KeyboardInterrupt):
        if watched == "export":
            peak_anonymous_bytes([sys.executable, *code])
        else:
            watch(code, tmp_path)
    assert [process.returncode for process in started] == [-9]
    assert not Path(f"/proc/{started[0].pid}").exists() or os.getpid() == started[0].pid


def test_answers_that_end_by_themselves_are_no_cancels() -> None:
    delays = iter([1.0, None, 3.0, None, 5.0])
    assert cancelled_delays(lambda: next(delays), 3) == [1.0, 3.0, 5.0]
    with pytest.raises(RuntimeError, match="expected 3 cancelled answers, 6 of 6 ended by themse"):
        cancelled_delays(lambda: None, 3)
