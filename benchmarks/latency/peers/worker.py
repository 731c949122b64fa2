"""Processes that load one engine and run a round whenever they are asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

Figures = dict[str, Any]
Round = Callable[[], Figures]


@dataclass(frozen=True)
class Job:
    """What a worker is told.

    Attributes:
        model: Folder or file of the model, in the engine's format.
        num_threads: Threads of the engine.
        vocab_size: Token ids are below this.
        num_prompt_tokens: Prefilled in a round.
        num_decode_tokens: Decoded behind them.
        spinning: Idle threads spin, where the engine lets one choose.
    """

    model: str
    num_threads: int
    vocab_size: int
    num_prompt_tokens: int
    num_decode_tokens: int
    spinning: bool

    def prompt(self) -> list[int]:
        """The same token ids for every engine."""
        # The last ones mean something to some engines: the end of the text, or a mask.
        highest = self.vocab_size - 128
        random = np.random.default_rng(0)
        return random.integers(0, highest, self.num_prompt_tokens).tolist()


class WorkerProcess:
    """One engine, loaded once and asked for a round at a time."""

    def __init__(self, module: str, arguments: Mapping[str, Any], num_threads: int) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(num_threads)}
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(arguments, default=str)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def round(self) -> Figures:
        """Run the job once.

        Raises:
            RuntimeError: When the process has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write("round\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with exit status {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def start_engine(module: str, job: Job) -> WorkerProcess:
    """A worker of one of the `*_engine` modules."""
    return WorkerProcess(module, asdict(job), job.num_threads)


def one_round(module: str, arguments: Mapping[str, Any], num_threads: int) -> Figures:
    """Run a worker's job once in a process of its own."""
    worker = WorkerProcess(module, arguments, num_threads)
    try:
        return worker.round()
    finally:
        worker.close()


def serve(run_round: Round) -> int:
    """Answer each line of standard input with one round's figures as JSON."""
    for _ in sys.stdin:
        print(json.dumps(run_round()), flush=True)
    return 0


def job_from_arguments() -> Job:
    """The job an engine's process was started with."""
    return Job(**json.loads(sys.argv[1]))


def greedy_figures(job: Job, prefill: Callable[[], Any], decode: Callable[[Any], Any]) -> Figures:
    """Time a prompt and greedy tokens behind it.

    Args:
        job: How many tokens.
        prefill: Feeds the prompt and gives the token behind it, in the engine's own form.
        decode: Feeds a token and gives the next.
    """
    begin = time.perf_counter()
    tokens = [prefill()]
    prefilled = time.perf_counter()
    for _ in range(job.num_decode_tokens):
        tokens.append(decode(tokens[-1]))
    end = time.perf_counter()
    return {
        "prefill_ms": 1e3 * (prefilled - begin),
        "decode_ms": 1e3 * (end - prefilled) / job.num_decode_tokens,
        "token_ids": [int(token) for token in tokens],
    }


def reset_peak() -> None:
    """Forget the peak of this process's memory."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
