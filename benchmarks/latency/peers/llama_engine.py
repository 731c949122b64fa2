"""llama-cpp-python, with a GGUF file of the same weights."""

from __future__ import annotations

import sys

from llama_cpp import Llama

from benchmarks.latency.peers.worker import Job, greedy_figures, serve_engine
from ufvideo_sdk.bench.child_process import Message, Round


def prepare(job: Job) -> Round:
    """Load the file; a round prefills and decodes greedily."""
    model = Llama(
        job.model,
        n_ctx=job.num_prompt_tokens + job.num_decode_tokens + 1,
        n_batch=job.num_prompt_tokens,
        n_threads=job.num_threads,
        n_threads_batch=job.num_threads,
        verbose=False,
    )
    prompt = job.prompt()

    def fed(token_ids: list[int]) -> int:
        model.eval(token_ids)
        return int(model.sample(temp=0.0))

    def run_round() -> Message:
        model.reset()
        return greedy_figures(job, lambda: fed(prompt), lambda token: fed([token]))

    return run_round


if __name__ == "__main__":
    sys.exit(serve_engine(prepare))
