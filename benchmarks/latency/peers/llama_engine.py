"""llama-cpp-python, with a GGUF file of the same weights."""

from __future__ import annotations

import sys
import time

from llama_cpp import Llama

from benchmarks.latency.peers.worker import Figures, Job, Round, job_from_arguments, serve


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

    def run_round() -> Figures:
        model.reset()
        begin = time.perf_counter()
        model.eval(prompt)
        token_ids = [int(model.sample(temp=0.0))]
        prefilled = time.perf_counter()
        for _ in range(job.num_decode_tokens):
            model.eval(token_ids[-1:])
            token_ids.append(int(model.sample(temp=0.0)))
        end = time.perf_counter()
        return {
            "prefill_ms": 1e3 * (prefilled - begin),
            "decode_ms": 1e3 * (end - prefilled) / job.num_decode_tokens,
            "token_ids": token_ids,
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare(job_from_arguments())))
