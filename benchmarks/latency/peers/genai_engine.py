"""onnxruntime-genai, with the thread count set: its own default uses one thread."""

from __future__ import annotations

import json
import sys

import onnxruntime_genai as genai

from benchmarks.latency.peers.worker import Job, greedy_figures, serve_engine
from ufvideo_sdk.bench.child_process import Message, Round


def prepare(job: Job) -> Round:
    """Load the model; a round prefills and decodes greedily."""
    config = genai.Config(job.model)
    options = {
        "intra_op_num_threads": job.num_threads,
        "session.intra_op.allow_spinning": "1" if job.spinning else "0",
    }
    config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
    model = genai.Model(config)
    prompt = job.prompt()
    # Never ends early: the end token is not allowed before the longest length.
    length = job.num_prompt_tokens + job.num_decode_tokens + 1

    def run_round() -> Message:
        parameters = genai.GeneratorParams(model)
        parameters.set_search_options(max_length=length, min_length=length, do_sample=False)
        generator = genai.Generator(model, parameters)

        def generated() -> int:
            generator.generate_next_token()
            return int(generator.get_next_tokens()[0])

        def prefill() -> int:
            generator.append_tokens(prompt)
            return generated()

        return greedy_figures(job, prefill, lambda _: generated())

    return run_round


if __name__ == "__main__":
    sys.exit(serve_engine(prepare))
