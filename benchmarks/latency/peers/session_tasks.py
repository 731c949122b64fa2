"""What a session of the SDK promises, each promise measured in a process of its own.

Started with a JSON object that names the task and the package; a round gives its figures.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import draw_frames
from benchmarks.latency.peers.sizes import PeerSizes
from benchmarks.latency.peers.worker import reset_peak
from ufvideo_sdk import GenerationConfig, RuntimeConfig, StopReason, TextEvent, UFVideo
from ufvideo_sdk.bench.child_process import Figures, Round, serve
from ufvideo_sdk.bench.process_memory import memory_bytes

FPS = 4.0
_WORDS = ("What", "does", "the", "red", "circle", "in", "this", "video")


class Clip:
    """A package's model and a drawn clip of the length it was made for."""

    def __init__(self, package: str | None, num_threads: int, sizes: PeerSizes) -> None:
        self.sizes = sizes
        self.model = UFVideo.load(package, runtime=RuntimeConfig(num_threads=num_threads))
        self.frames: NDArray[np.uint8] = draw_frames(self.model.manifest.video.num_frames)
        self.config = GenerationConfig(max_new_tokens=sizes.num_answer_tokens)

    def open(self) -> Any:
        """A new session."""
        return self.model.open(self.frames, fps=FPS)

    def question(self, first_word: int) -> str:
        """Words of exactly `num_question_tokens` tokens; other words for another number."""
        words = [_WORDS[first_word % len(_WORDS)]]
        count = self.sizes.num_question_tokens
        while len(self.model.tokenizer.encode_text(" ".join(words))) < count:
            words.append(_WORDS[(first_word + len(words)) % len(_WORDS)])
        return " ".join(words)


def second_question(clip: Clip) -> Round:
    """Time to the first token of the first question about a clip, and of the second."""
    one_token = replace(clip.config, max_new_tokens=1)

    def run_round() -> Figures:
        with clip.open() as session:
            first, second = (session.ask(clip.question(n), config=one_token) for n in range(2))
        return {
            "first_ms": first.stats.time_to_first_token_ms,
            "second_ms": second.stats.time_to_first_token_ms,
            "num_second_tokens": second.stats.num_prefill_tokens,
        }

    return run_round


def ask_many(clip: Clip) -> Round:
    """Decode time of eight questions together, and one after the other."""
    questions = [clip.question(number) for number in range(8)]
    session = clip.open()

    def run_round() -> Figures:
        alone = [session.ask(question, config=clip.config) for question in questions]
        together = session.ask_many(questions, config=clip.config)
        return {
            "alone_ms": sum(answer.stats.decode_ms for answer in alone),
            "together_ms": max(answer.stats.decode_ms for answer in together),
            "equal": [a.token_ids for a in alone] == [b.token_ids for b in together],
        }

    return run_round


def cancel(clip: Clip) -> Round:
    """How long `ask` goes on after a cancel from another thread, beside a decode step."""
    session = clip.open()
    config = replace(clip.config, max_new_tokens=2000)
    moments = random.Random(0)

    def one_cancel(step_ms: float) -> float | None:
        decoding = threading.Event()
        asked: list[float] = []

        def cancel_within_a_step() -> None:
            decoding.wait()
            time.sleep(moments.random() * 2e-3 * step_ms)
            asked.append(time.perf_counter())
            session.cancel()

        def heard(_: TextEvent) -> None:
            decoding.set()

        thread = threading.Thread(target=cancel_within_a_step)
        thread.start()
        answer = session.ask(clip.question(0), config=config, on_text=heard)
        ended = time.perf_counter()
        decoding.set()  # an answer that ended by itself before its first text
        thread.join()
        # One that ended by itself was not cancelled: it says nothing of how long that takes.
        return 1e3 * (ended - asked[0]) if answer.stop_reason is StopReason.CANCELLED else None

    def run_round() -> Figures:
        answer = session.ask(clip.question(0), config=clip.config)
        step_ms = answer.stats.decode_ms / (answer.stats.num_generated_tokens - 1)
        delays = cancelled_delays(lambda: one_cancel(step_ms), clip.sizes.num_cancels)
        return {"step_ms": step_ms, "delays_ms": delays}

    return run_round


def cancelled_delays(one_cancel: Callable[[], float | None], num_cancels: int) -> list[float]:
    """Delays of so many cancels that ended an answer, in ms.

    Args:
        one_cancel: Cancels an answer; None where that ended by itself before.
        num_cancels: How many are wanted; as many more are tried.

    Raises:
        RuntimeError: When too many answers ended by themselves.
    """
    delays: list[float] = []
    for _ in range(2 * num_cancels):
        delay_ms = one_cancel()
        if delay_ms is not None:
            delays.append(delay_ms)
        if len(delays) == num_cancels:
            return delays
    raise RuntimeError(
        f"expected {num_cancels} cancelled answers, {2 * num_cancels - len(delays)} of"
        f" {2 * num_cancels} ended by themselves"
    )


def growth(clip: Clip) -> Round:
    """Memory after the first questions, and after all of them."""
    session = clip.open()
    config = replace(clip.config, max_new_tokens=12)

    def held_after(numbers: range) -> int:
        for number in numbers:
            session.ask(f"What does thing {number} do?", config=config)
        gc.collect()
        return memory_bytes("VmRSS")

    def run_round() -> Figures:
        first = held_after(range(clip.sizes.num_first_questions))
        last = held_after(range(clip.sizes.num_first_questions, clip.sizes.num_questions))
        return {"first_bytes": first, "last_bytes": last}

    return run_round


TASKS: dict[str, Callable[[Clip], Round]] = {
    task.__name__: task for task in (second_question, ask_many, cancel, growth)
}


def measured_peak(package: str, num_threads: int, num_answer_tokens: int) -> Figures:
    """Peak memory of one question about a clip, from loading on, without the imports."""
    before = memory_bytes("VmRSS")
    reset_peak()
    model = UFVideo.load(package, runtime=RuntimeConfig(num_threads=num_threads))
    loaded = memory_bytes("VmHWM")
    frames = draw_frames(model.manifest.video.num_frames)
    with model.open(frames, fps=FPS) as session:
        config = GenerationConfig(max_new_tokens=num_answer_tokens)
        answer = session.ask("What does it do?", config=config)
    return {
        "peak_bytes": memory_bytes("VmHWM") - before,
        "load_bytes": loaded - before,
        "num_answer_tokens": len(answer.token_ids),
    }


def main() -> int:
    """Prepare the task and answer for its rounds."""
    told = json.loads(sys.argv[1])
    if told["task"] == "peak":
        del told["task"]
        return serve(lambda: measured_peak(**told))
    package = None if told["package"] is None else str(Path(told["package"]))
    clip = Clip(package, told["num_threads"], PeerSizes.from_json(told["sizes"]))
    return serve(TASKS[told["task"]](clip))


if __name__ == "__main__":
    sys.exit(main())
