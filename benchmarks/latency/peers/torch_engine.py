"""transformers on PyTorch, eager, in float32."""

from __future__ import annotations

import sys

import torch
from transformers import DynamicCache, Qwen2ForCausalLM
from transformers.utils import logging

from benchmarks.latency.peers.worker import Job, greedy_figures, serve_engine
from ufvideo_sdk.bench.child_process import Message, Round


def prepare(job: Job) -> Round:
    """Load the model; a round prefills and decodes greedily."""
    torch.set_num_threads(job.num_threads)
    # The checkpoint holds the other stages too, and transformers lists every tensor it leaves.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model = Qwen2ForCausalLM.from_pretrained(job.model, dtype=torch.float32).eval()
    prompt = torch.tensor([job.prompt()])

    def run_round() -> Message:
        cache = DynamicCache()
        with torch.inference_mode():
            return greedy_figures(
                job,
                lambda: _next(model, prompt, cache),
                lambda token: _next(model, token, cache),
            )

    return run_round


def _next(model: Qwen2ForCausalLM, token_ids: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    """The likeliest next token, int64 [1, 1]."""
    output = model(token_ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return output.logits[:, -1].argmax(dim=-1, keepdim=True)


if __name__ == "__main__":
    sys.exit(serve_engine(prepare))
