"""The workload in this SDK: the package in the native runtime, through the public surface."""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.latency.worker import serve
from benchmarks.latency.workload import EXPRESSIONS, QUESTIONS, REGION_QUESTION, Workload
from ufvideo_sdk import GenerationConfig, RuntimeConfig, UFVideo
from ufvideo_sdk.bench.child_process import Round


def prepare(workload: Workload) -> Round:
    """Load the package; a round opens a session and asks everything of it."""
    runtime = RuntimeConfig(num_threads=workload.num_threads, providers=workload.providers)
    model = UFVideo.load(workload.package, runtime=runtime)
    num_frames = model.manifest.video.num_frames
    frames = workload.frames(num_frames)
    regions = workload.regions(frames)
    mask_idxs = workload.mask_idxs(num_frames)
    config = GenerationConfig(max_new_tokens=workload.num_new_tokens)

    def run_round() -> dict[str, Any]:
        begin = time.perf_counter()
        session = model.open(frames, fps=4.0)
        opened = time.perf_counter()
        answers = [session.ask(question, config=config) for question in QUESTIONS]
        answers.append(session.ask(REGION_QUESTION, regions=regions, config=config))
        segmenting = time.perf_counter()
        for expression in EXPRESSIONS:
            session.segment(expression, frames=mask_idxs)
        end = time.perf_counter()
        stages = session.stats
        first, second, _ = answers
        decoded = sum(len(answer.token_ids) - 1 for answer in answers)
        decode_ms = sum(answer.stats.decode_ms for answer in answers)

        def per_item(stem: str) -> float:
            return stages[stem].total_ms / stages[stem].num_items

        num_masked = len(mask_idxs) * len(EXPRESSIONS)
        return {
            "resize, ms a frame": per_item("resize"),
            "vision_encoder, ms a frame": per_item("vision_encoder"),
            "aligner, ms a clip": stages["aligner"].total_ms,
            "region_encoder, ms an object": per_item("region_encoder"),
            "token_embedder, ms a round": stages["token_embedder"].total_ms,
            "language_model prefill, ms": first.stats.time_to_first_token_ms,
            "language_model decode, ms a token": decode_ms / decoded,
            "mask_encoder, ms a frame": per_item("mask_encoder"),
            "mask_decoder, ms an object and frame": per_item("mask_decoder")
            + per_item("mask_resize"),
            "first token of the first question, ms": 1e3 * (opened - begin)
            + first.stats.time_to_first_token_ms,
            "first token of the second question, ms": second.stats.time_to_first_token_ms,
            "masked frame, ms": 1e3 * (end - segmenting) / num_masked,
            "end to end, ms": 1e3 * (end - begin),
            "token ids": [list(answer.token_ids) for answer in answers],
            "stages": {stem: timing.total_ms for stem, timing in stages.items()},
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare))
