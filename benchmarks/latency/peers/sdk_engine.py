"""Our engine: the native language model of a package."""

from __future__ import annotations

import sys
import time

from benchmarks.latency.peers.worker import Figures, Job, Round, job_from_arguments, serve
from ufvideo_sdk import RuntimeConfig, UFVideo


def prepare(job: Job) -> Round:
    """Load the package; a round prefills and decodes greedily."""
    model = UFVideo.load(job.model, runtime=RuntimeConfig(num_threads=job.num_threads))
    embedder, language_model = model.native.token_embedder, model.native.language_model
    prompt = job.prompt()

    def run_round() -> Figures:
        cache = language_model.make_cache()
        begin = time.perf_counter()
        logits = language_model.run(embedder.embed(prompt), cache).logits
        prefilled = time.perf_counter()
        token_ids = [int(logits.argmax())]
        for _ in range(job.num_decode_tokens):
            logits = language_model.run(embedder.embed(token_ids[-1:]), cache).logits
            token_ids.append(int(logits.argmax()))
        end = time.perf_counter()
        return {
            "prefill_ms": 1e3 * (prefilled - begin),
            "decode_ms": 1e3 * (end - prefilled) / job.num_decode_tokens,
            "token_ids": token_ids,
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare(job_from_arguments())))
