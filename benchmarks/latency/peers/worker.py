"""What a worker of this comparison is told, and how it times a round."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.latency.worker import start_worker
from ufvideo_sdk.bench.child_process import ChildProcess, Message, Round, serve


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


def start_engine(module: str, job: Job) -> ChildProcess:
    """A process of one of the `*_engine` modules."""
    return start_worker(module, asdict(job), job.num_threads)


def serve_engine(prepare: Callable[[Job], Round]) -> int:
    """In the process of an engine: run a round whenever asked.

    Args:
        prepare: Loads the model and returns the function that runs one round.
    """
    return serve(lambda told: prepare(Job(**told)))


def greedy_figures(job: Job, prefill: Callable[[], Any], decode: Callable[[Any], Any]) -> Message:
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
