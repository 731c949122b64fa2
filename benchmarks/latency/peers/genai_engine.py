"""onnxruntime-genai, with the thread count set: its own default uses one thread."""

from __future__ import annotations

import json
import sys
import time

import onnxruntime_genai as genai

from benchmarks.latency.peers.worker import Figures, Job, Round, job_from_arguments, serve


def prepare(job: Job) -> Round:
    """Load the model; a round prefills and decodes greedily."""
    config = genai.Config(job.model)
    options = {"intra_op_num_threads": job.num_threads}
    config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
    model = genai.Model(config)
    prompt = job.prompt()
    # Never ends early: the end token is not allowed before the longest length.
    length = job.num_prompt_tokens + job.num_decode_tokens + 1

    def run_round() -> Figures:
        parameters = genai.GeneratorParams(model)
        parameters.set_search_options(max_length=length, min_length=length, do_sample=False)
        generator = genai.Generator(model, parameters)
        begin = time.perf_counter()
        generator.append_tokens(prompt)
        generator.generate_next_token()
        prefilled = time.perf_counter()
        for _ in range(job.num_decode_tokens):
            generator.generate_next_token()
        end = time.perf_counter()
        return {
            "prefill_ms": 1e3 * (prefilled - begin),
            "decode_ms": 1e3 * (end - prefilled) / job.num_decode_tokens,
            "token_ids": [int(token) for token in generator.get_sequence(0)[len(prompt) :]],
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare(job_from_arguments())))
