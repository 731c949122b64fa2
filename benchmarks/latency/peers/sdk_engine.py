"""Our engine: the native language model of a package."""

from __future__ import annotations

import sys

from benchmarks.latency.peers.worker import Job, greedy_figures, serve_engine
from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.bench.child_process import Message, Round


def prepare(job: Job) -> Round:
    """Load the package; a round prefills and decodes greedily."""
    runtime = RuntimeConfig(num_threads=job.num_threads, allow_spinning=job.spinning)
    model = UFVideo.load(job.model, runtime=runtime)
    embedder, language_model = (
        model._loaded.native.token_embedder,
        model._loaded.native.language_model,
    )
    prompt = job.prompt()

    def run_round() -> Message:
        cache = language_model.make_cache()

        def fed(token_ids: list[int]) -> int:
            return int(language_model.run(embedder.embed(token_ids), cache).logits.argmax())

        return greedy_figures(job, lambda: fed(prompt), lambda token: fed([token]))

    return run_round


if __name__ == "__main__":
    sys.exit(serve_engine(prepare))
