"""Sessions that grow at once under one budget: what the model counts, and what the system says.

`python -m benchmarks.memory_budget [--sessions 16] [--budget-mb 200] [--package FOLDER]` lets as
many threads ask long questions in batches and segment frames, each in a session of its own, once
within `RuntimeConfig.memory_budget_bytes` and once without, each time in a fresh process. It ends
with 1 if the budget was passed, by the model's count or by the growth of the process's anonymous
memory at rest.

Graphs compute in an arena of ONNX Runtime that never shrinks and that all models of a process
share. It grows with the number of runs at once, and no session keeps any of it: a model without a
bound does the same work first, with all threads at once, so that it has its full size when growth
begins. Growth is read at rest, when all sessions hold what they hold and none works, and while they
work: then it includes what a call reads and computes for itself, such as chunks of frames.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import Ask, CapacityError, GenerationConfig, RuntimeConfig, Session, UFVideo
from ufvideo_sdk.bench.process_memory import memory_bytes

MB = 10**6
# Small frames: the chunks of pixels that a call reads are its own while it lasts.
NUM_FRAMES, HEIGHT, WIDTH = 32, 120, 160
NUM_QUESTIONS = 4
SHORT = GenerationConfig(max_new_tokens=8)


@dataclass
class Outcome:
    """What the calls of all threads came to."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    num_done: int = 0
    num_refused: int = 0
    errors: list[str] = field(default_factory=list)
    rest_bytes: int = 0

    def rest(self) -> None:
        """Read what the process holds while nobody works."""
        trim()
        self.rest_bytes = memory_bytes("RssAnon")

    def count(self, error: Exception | None) -> None:
        """Count a call that has ended."""
        with self.lock:
            if error is None:
                self.num_done += 1
            elif isinstance(error, CapacityError):
                self.num_refused += 1
            else:
                self.errors.append(f"{type(error).__name__}: {error}")


def trim() -> None:
    """Give what allocators keep for later back to the system."""
    ctypes.CDLL(None).malloc_trim(0)


class Peak:
    """The most anonymous memory of this process, looked at by a thread."""

    def __init__(self) -> None:
        self.most = self.first = memory_bytes("RssAnon")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            self.most = max(self.most, memory_bytes("RssAnon"))

    def end(self) -> int:
        """Growth in bytes."""
        self._stop.set()
        self._thread.join()
        return self.most - self.first


def use(session: Session, outcome: Outcome, rounds: int) -> None:
    """Ask and segment; each call that finds no room leaves the session as it was."""
    asks = [Ask(f"{'Where is the red square now? ' * 150} {i}") for i in range(NUM_QUESTIONS)]
    for _ in range(rounds):
        for call in (
            lambda: session.ask_many(asks, config=SHORT),
            lambda: session.segment("the red square", frames="all"),
        ):
            try:
                call()
                outcome.count(None)
            except Exception as error:
                outcome.count(error)


def use_all(model: UFVideo, frames: NDArray[np.uint8], num_sessions: int, rounds: int) -> Outcome:
    """Open a session in each thread, use all at once, close them."""
    outcome = Outcome()
    together = threading.Barrier(num_sessions)
    at_rest = threading.Barrier(num_sessions, action=outcome.rest)

    def work() -> None:
        try:
            with model.open(frames, fps=8.0) as session:
                together.wait()
                use(session, outcome, rounds)
                at_rest.wait()
        except Exception as error:
            together.abort()
            at_rest.abort()
            outcome.count(error)

    threads = [threading.Thread(target=work) for _ in range(num_sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    return outcome


def measure(package: str | None, num_sessions: int, budget_bytes: int | None) -> dict[str, object]:
    """The figures of one process."""
    frames = np.random.default_rng(0).integers(0, 255, (NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    # Features that it kept would lie in the arena, and leave room there for those that count.
    keeping_none = RuntimeConfig(num_threads=1, mask_cache_bytes=0)
    use_all(UFVideo.load(package, runtime=keeping_none), frames, num_sessions, rounds=1)
    bounds = RuntimeConfig(memory_budget_bytes=budget_bytes, num_threads=1)
    model = UFVideo.load(package, runtime=bounds)
    use_all(model, frames, num_sessions, rounds=1)
    trim()  # else growth would first fill what is free already
    peak = Peak()
    outcome = use_all(model, frames, num_sessions, rounds=2)
    growth = peak.end()
    after = model.memory_use()
    return {
        "counted": after.peak_bytes,
        "at_rest": outcome.rest_bytes - peak.first,
        "working": growth,
        "left": after.total_bytes,
        "done": outcome.num_done,
        "refused": outcome.num_refused,
        "errors": outcome.errors,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--sessions", type=int, default=16, help="sessions and threads")
    parser.add_argument("--budget-mb", type=int, default=200, help="memory_budget_bytes, in MB")
    parser.add_argument("--package", type=Path, help="folder of a package; without: nano")
    parser.add_argument("--worker", choices=("within", "without"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    budget = options.budget_mb * MB
    package = None if options.package is None else str(options.package)
    if options.worker:
        bound = budget if options.worker == "within" else None
        print(json.dumps(measure(package, options.sessions, bound)))
        return 0
    print(f"{options.sessions} sessions at once, a budget of {options.budget_mb} MB")
    print("budget    counted MB   at rest MB   working MB   left MB   calls done   refused")
    figures = {}
    for worker in ("within", "without"):
        command = [sys.executable, "-m", "benchmarks.memory_budget", "--worker", worker]
        command += ["--sessions", str(options.sessions), "--budget-mb", str(options.budget_mb)]
        command += [] if package is None else ["--package", package]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        figures[worker] = found = json.loads(output)
        print(
            f"{worker:8}{found['counted'] / MB:12.1f}{found['at_rest'] / MB:13.1f}"
            f"{found['working'] / MB:13.1f}{found['left'] / MB:10.1f}"
            f"{found['done']:13}{found['refused']:10}",
            flush=True,
        )
        for error in found["errors"]:
            print(f"  {error}")
    within = figures["within"]
    is_kept = within["counted"] <= budget and within["at_rest"] <= budget and within["left"] == 0
    print("kept" if is_kept else "NOT KEPT")
    return 0 if is_kept and not within["errors"] and within["done"] else 1


if __name__ == "__main__":
    sys.exit(main())
