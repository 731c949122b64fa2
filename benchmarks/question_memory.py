"""What a process holds at most while it loads a package and asks one question about a clip."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.clips import draw_frames
from benchmarks.latency.worker import one_round
from ufvideo_sdk import GenerationConfig, RuntimeConfig, UFVideo
from ufvideo_sdk.bench.child_process import Message, Round, serve
from ufvideo_sdk.bench.process_memory import memory_bytes, reset_peak


def peak_of(package: Path, *, num_threads: int, num_answer_tokens: int) -> Message:
    """Measure in a process of its own.

    Returns:
        The most from loading on ("peak_bytes") and while loading ("load_bytes"), without what the
        process held before, and the length of the answer ("num_answer_tokens").
    """
    told = {
        "package": str(package),
        "num_threads": num_threads,
        "num_answer_tokens": num_answer_tokens,
    }
    return one_round("benchmarks.question_memory", told, num_threads)


def prepare(told: Message) -> Round:
    """A round loads the package and asks; what was imported before is not counted."""

    def run_round() -> Message:
        before = memory_bytes("VmRSS")
        reset_peak()
        runtime = RuntimeConfig(num_threads=told["num_threads"])
        model = UFVideo.load(told["package"], runtime=runtime)
        loaded = memory_bytes("VmHWM")
        frames = draw_frames(model.manifest.video.num_frames)
        with model.open(frames, fps=4.0) as session:
            config = GenerationConfig(max_new_tokens=told["num_answer_tokens"])
            answer = session.ask("What does it do?", config=config)
        return {
            "peak_bytes": memory_bytes("VmHWM") - before,
            "load_bytes": loaded - before,
            "num_answer_tokens": len(answer.token_ids),
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare))
