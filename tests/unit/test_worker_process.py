"""Processes of benchmarks end with their benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.export_memory import peak_anonymous_bytes
from benchmarks.full_size.watched import watch
from ufvideo_sdk import CapacityError, InferenceError
from ufvideo_sdk.bench.child_process import ChildProcess

ROUNDS = """
import os, sys, time
from ufvideo_sdk.bench.child_process import serve
def prepare(told):
    print("what other code prints")
    def run_round():
        if told["what"] == "hang":
            time.sleep(60)
        if told["what"] == "fail":
            raise SystemExit(3)
        if told["what"] == "die":
            os.kill(os.getpid(), 9)
        return {**told, "variable": os.environ["TOLD"]}
    return run_round
sys.exit(serve(prepare))
"""


def process(what: str) -> ChildProcess:
    return ChildProcess("pretended_worker", {"what": what}, {"TOLD": "1"})


@pytest.fixture(autouse=True)
def pretended_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pretended_worker.py").write_text(ROUNDS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")


def test_rounds_until_the_block_ends() -> None:
    with process("it") as worker:
        assert [worker.round() for _ in range(2)] == [{"what": "it", "variable": "1"}] * 2
    assert worker._process.returncode == 0


def test_a_worker_that_ends_is_named() -> None:
    expected = "pretended_worker: expected the end of its job, it ended with exit status 3"
    with pytest.raises(InferenceError, match=expected), process("fail") as worker:
        worker.round()
    assert worker._process.returncode == 3


def test_a_worker_that_the_system_kills_ran_out_of_memory() -> None:
    with pytest.raises(CapacityError, match="memory ran out"), process("die") as worker:
        worker.round()


def test_a_failed_benchmark_leaves_no_worker() -> None:
    """Even one in the middle of a round, which it would go on with for a minute."""
    begin = time.perf_counter()
    with pytest.raises(KeyError), process("hang") as worker:
        worker._write("round")
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
